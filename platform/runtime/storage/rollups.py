"""Stored roll-ups: kept by difference in the transaction that writes the lines or links behind them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import sqlalchemy as sa

from dacheng.metadata.definition import Entity, Field
from dacheng.metadata.derived import Rollup
from dacheng.metadata.problem import refuse
from dacheng.runtime.storage import formulas, rollup_filter
from dacheng.runtime.storage.failures import is_out_of_range
from dacheng.runtime.storage.reader import Prepared, Transaction
from dacheng.runtime.storage.record_rows import Stored
from dacheng.runtime.storage.tables import EntityTable, Tables

EXACT = 10**18 - 1  # figures up to here are kept by difference; two of them always fit 64 bits


@dataclass(frozen=True, slots=True)
class Kept:
    """One roll-up with its tables: `via` is the child's link column, `source` the columns summed up."""

    rollup: Rollup
    parent: EntityTable
    child: EntityTable
    target: Field

    @property
    def is_money(self) -> bool:
        """Whether amounts carry a currency that must not be mixed."""
        return len(self.parent.columns[self.rollup.field]) > 1

    def key(self) -> tuple[str, str]:
        """What names it."""
        return self.parent.entity.ref, self.rollup.field


def over(tables: Tables, child: EntityTable) -> tuple[Kept, ...]:
    """The roll-ups that look at this entity's records."""
    found: tuple[Kept, ...] | None = child.prepared.get("rollups")
    if found is None:
        found = child.prepared["rollups"] = tuple(
            Kept(rollup, parent, child, parent.entity.fields[rollup.field])
            for parent in tables.by_entity.values()
            for rollup in parent.entity.rollups
            if rollup.child == child.entity.ref
        )
    return found


def initial(made: EntityTable) -> dict[str, Any]:
    """The columns of a new record's roll-ups: nothing counted, nothing summed, no smallest or largest."""
    found: dict[str, Any] | None = made.prepared.get("rollup_start")
    if found is None:
        found = made.prepared["rollup_start"] = {
            column.name: value
            for name, values in nothing(made.entity).items()
            for column, value in zip(made.columns[name], values, strict=True)
        }
    return found


def nothing(entity: Entity) -> dict[str, tuple[Any, ...]]:
    """The stored values, by field, of counts and sums over no record at all."""
    found: dict[str, tuple[Any, ...]] = {}
    for rollup in entity.rollups:
        if rollup.aggregate in ("count", "sum"):
            target = entity.fields[rollup.field]
            found[rollup.field] = (0,) if len(target.codec.columns) == 1 else (0, currency_of(target))
    return found


def currency_of(target: Field) -> str:
    """The currency of a money roll-up over nothing."""
    return str(getattr(target.codec, "currency", "CNY"))


@dataclass(slots=True)
class _Delta:
    amount: int = 0
    currencies: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Deltas:
    """What the changes of one transaction add up to, per roll-up and parent."""

    tables: Tables
    _sums: dict[tuple[str, str], tuple[Kept, dict[str, _Delta]]] = field(default_factory=dict)
    _again: dict[tuple[str, str], tuple[Kept, set[str]]] = field(default_factory=dict)

    def note(self, child: EntityTable, before: Stored | None, after: Stored | None) -> None:
        """One child record before and after, None where it is not alive."""
        for kept in over(self.tables, child):
            if kept.rollup.aggregate in ("count", "sum"):
                self._add(kept, _counted(kept, before), -1)
                self._add(kept, _counted(kept, after), 1)
            else:
                for side in (before, after):
                    parent = side[kept.rollup.via][0] if side is not None else None
                    if parent is not None:
                        self._again.setdefault(kept.key(), (kept, set()))[1].add(parent)

    def _add(self, kept: Kept, side: Stored | None, sign: int) -> None:
        parent = None if side is None else side[kept.rollup.via][0]
        if side is None or parent is None:
            return
        by_parent = self._sums.setdefault(kept.key(), (kept, {}))[1]
        delta = by_parent.get(parent)
        if delta is None:
            delta = by_parent[parent] = _Delta()
        if kept.rollup.aggregate == "count":
            delta.amount += sign
            return
        values = side[str(kept.rollup.of)]
        if values[0] is not None:
            delta.amount += sign * values[0]
            if kept.is_money:
                delta.currencies.add(values[1])

    def apply(self, tx: Transaction) -> list[tuple[EntityTable, set[str]]]:
        """Bring every parent touched up to date; records and versions stay as they are otherwise.

        Answers with the parents whose formulas look at what moved here.
        """
        moved: dict[str, tuple[EntityTable, set[str]]] = {}
        for kept, by_parent in self._sums.values():
            changed = {parent: d for parent, d in by_parent.items() if d.amount or d.currencies}
            again = _add_up(tx, kept, changed)
            recompute(tx, kept, again)
            _note_moved(moved, kept, changed)
        for kept, parents in self._again.values():
            recompute(tx, kept, sorted(parents))
            _note_moved(moved, kept, parents)
        return list(moved.values())


def _note_moved(moved: dict[str, tuple[EntityTable, set[str]]], kept: Kept, parents: Iterable[str]) -> None:
    if formulas.leaning_on(kept.parent, (kept.rollup.field,)):
        moved.setdefault(kept.parent.entity.ref, (kept.parent, set()))[1].update(parents)


def _counted(kept: Kept, side: Stored | None) -> Stored | None:
    """One side of a change, None where the roll-up's filter leaves it out."""
    condition = kept.rollup.filter
    if side is None or condition is None or rollup_filter.passes(condition, kept.child, side):
        return side
    return None


def _add_up(tx: Transaction, kept: Kept, changed: Mapping[str, _Delta]) -> Sequence[str]:
    """Apply differences; answers with the parents whose figure has to be computed anew.

    Money goes by difference only where one currency is certain: a sum that becomes nothing, or an amount of
    nothing, may have changed which currencies are there.
    """
    statement = _statement(kept, "add", tx.dialect)
    again = []
    for parent, delta in sorted(changed.items()):
        given: dict[str, Any] = {"row_id": parent, "by": delta.amount}
        if kept.is_money:
            given["currency"] = min(delta.currencies)
        plain = abs(delta.amount) <= EXACT and (
            not kept.is_money or (delta.amount != 0 and len(delta.currencies) == 1)
        )
        if not plain or tx.execute(statement, given) != 1:
            again.append(parent)
    return again


def recompute(tx: Transaction, kept: Kept, parents: Iterable[str]) -> None:
    """Compute a roll-up anew from the living records behind it; `record.figure_too_large` beyond 64 bits."""
    try:
        tx.execute(_statement(kept, "again", tx.dialect), [{"row_id": parent} for parent in parents])
    except Exception as error:
        if is_out_of_range(error):
            raise refuse("record.figure_too_large", field=kept.rollup.field) from error
        raise


def _statement(kept: Kept, kind: str, dialect: str) -> Prepared:
    key = ("rollup", kept.rollup.field, kind)
    found: Prepared | None = kept.parent.prepared.get(key)
    if found is None:
        made = _add_statement(kept) if kind == "add" else _again_statement(kept, dialect)
        found = kept.parent.prepared[key] = Prepared(made)
    return found


def _add_statement(kept: Kept) -> sa.Update:
    table, columns = kept.parent.table, kept.parent.columns[kept.rollup.field]
    by = sa.bindparam("by", type_=sa.BigInteger())
    figure = sa.func.coalesce(columns[0], 0)
    statement = sa.update(table).where(
        table.c.id == sa.bindparam("row_id"),
        figure.between(-EXACT, EXACT),
        (figure + by).between(-EXACT, EXACT),
    )
    if kept.is_money:
        known = (columns[1] == sa.bindparam("currency"), columns[0].is_not(None), figure + by != 0)
        statement = statement.where(*known)
    return statement.values({columns[0].name: figure + by})


def _again_statement(kept: Kept, dialect: str) -> sa.Update:
    table = kept.parent.table
    columns = kept.parent.columns[kept.rollup.field]
    values = {
        column.name: expression.scalar_subquery()
        for column, expression in zip(columns, figures(kept, table.c.id, dialect), strict=True)
    }
    return sa.update(table).where(table.c.id == sa.bindparam("row_id")).values(values)


def figures(kept: Kept, parent_id: sa.ColumnElement[Any], dialect: str) -> list[sa.Select[Any]]:
    """The roll-up computed from its source, a select for each of its columns; mixed currencies give missing."""
    child, rollup = _apart(kept), kept.rollup
    living = sa.and_(child.columns[rollup.via][0] == parent_id, child.deleted_at.is_(None))
    if rollup.filter is not None:
        living = sa.and_(living, rollup_filter.clause(rollup.filter, child, dialect))
    if rollup.aggregate == "count":
        return [sa.select(sa.func.count()).select_from(child.table).where(living)]
    source = child.columns[str(rollup.of)]
    figure: sa.ColumnElement[Any] = getattr(sa.func, rollup.aggregate)(source[0])
    if rollup.aggregate == "sum":
        figure = sa.cast(sa.func.coalesce(figure, 0), sa.BigInteger)
    if not kept.is_money:
        return [sa.select(figure).where(living)]
    used = sa.case((source[0].is_not(None), source[1]))
    low, high = sa.func.min(used), sa.func.max(used)
    mixed = low != high
    currency: sa.ColumnElement[Any] = low
    if rollup.aggregate == "sum":
        currency = sa.func.coalesce(low, sa.literal(currency_of(kept.target), sa.Text()))
    return [
        sa.select(sa.case((mixed, None), else_=figure)).where(living),
        sa.select(sa.case((mixed, None), else_=currency)).where(living),
    ]


def _apart(kept: Kept) -> EntityTable:
    """The child's table, told apart from the parent's where records of one entity lead to each other."""
    child = kept.child
    if child.entity.ref != kept.parent.entity.ref:
        return child
    other = child.table.alias("counted")
    columns = {
        name: tuple(other.c[column.name] for column in held) for name, held in child.columns.items() if held
    }
    return replace(child, table=cast("sa.Table", other), columns=columns)


def recompute_all(tx: Transaction, kept: Kept) -> None:
    """Compute a roll-up anew for every record that has it."""
    table = kept.parent.table
    columns = kept.parent.columns[kept.rollup.field]
    values = {
        column.name: expression.scalar_subquery()
        for column, expression in zip(columns, figures(kept, table.c.id, tx.dialect), strict=True)
    }
    tx.execute(sa.update(table).values(values))
