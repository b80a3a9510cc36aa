"""Stored formulas: computed in Python wherever a record's values are written, and again when a roll-up below moved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from dacheng.metadata.derived import Formula
from dacheng.metadata.formulas import affected, compute
from dacheng.runtime.storage.reader import Prepared, Reader, Transaction
from dacheng.runtime.storage.record_rows import Stored, bound_ids, in_sizes
from dacheng.runtime.storage.tables import ROW, EntityTable

_AT_ONCE = 1000


def stored_of(made: EntityTable) -> tuple[Formula, ...]:
    """The formulas of an entity that have a column, each behind those it looks at."""
    found: tuple[Formula, ...] | None = made.prepared.get("formulas")
    if found is None:
        found = made.prepared["formulas"] = tuple(each for each in made.entity.formulas if each.stored)
    return found


def figures(
    made: EntityTable, stored: Mapping[str, Sequence[Any]], changed: Iterable[str] | None = None
) -> dict[str, tuple[Any, ...]]:
    """The stored value of each formula over a record's stored values; with `changed`, of those it may move."""
    wanted: Sequence[Formula] = stored_of(made)
    if changed is not None and wanted:
        wanted = affected(wanted, changed)
    if not wanted:
        return {}
    fields = made.entity.fields
    names = {name for each in wanted for name in each.inputs}
    values = {name: fields[name].codec.load(stored[name]) for name in names if name in stored}
    found = compute(wanted, fields, values)
    return {name: fields[name].codec.store(value) for name, value in found.items()}


def of_row(made: EntityTable, row: Mapping[str, Any], over: Stored) -> dict[str, tuple[Any, ...]]:
    """The formulas of a new row, its physical columns by name; `over` are values that it gets a moment later."""
    wanted = stored_of(made)
    if not wanted:
        return {}
    names = {name for each in wanted for name in each.inputs}
    held = {name: tuple(row[column.name] for column in made.columns[name]) for name in names}
    return figures(made, {**held, **{name: value for name, value in over.items() if name in names}})


def of_batch(
    made: EntityTable, columns: Mapping[str, Sequence[Sequence[Any]]], count: int, start: Mapping[str, Any]
) -> dict[str, list[list[Any]]]:
    """The formulas of new records given column by column: a list per physical column, as the batch holds them."""
    wanted = stored_of(made)
    if not wanted:
        return {}
    names = sorted({name for each in wanted for name in each.inputs})
    begun = {name: tuple(start.get(column.name) for column in made.columns[name]) for name in names}
    rows = []
    for place in range(count):
        given = {name: tuple(part[place] for part in columns[name]) for name in names if name in columns}
        rows.append(figures(made, {**begun, **given}))
    return {
        each.field: [list(part) for part in zip(*(row[each.field] for row in rows), strict=True)]
        for each in wanted
        if rows
    }


def leaning_on(made: EntityTable, fields: Iterable[str]) -> bool:
    """Whether a formula of the entity looks at one of these fields."""
    return bool(affected(stored_of(made), fields))


def refigure(tx: Transaction, made: EntityTable, ids: Iterable[str]) -> None:
    """Compute the formulas of some records anew from what stands in their rows now."""
    for size, given in in_sizes(sorted(ids)):
        key = ("refigured", size)
        some: Prepared | None = made.prepared.get(key)
        if some is None:
            some = made.prepared[key] = Prepared(_chosen(made, made.table.c.id.in_(bound_ids(size))))
        _write(tx, made, tx.rows(some, given))


def refill(tx: Transaction, made: EntityTable) -> int:
    """Compute the formulas of every record anew, in batches; answers how many rows held something else."""
    changed = 0
    for rows in _batches(tx, made):
        changed += _write(tx, made, rows)
    return changed


def wrong(reader: Reader, made: EntityTable) -> Iterator[tuple[str, str]]:
    """(field, id) of every stored formula that its record does not give."""
    for rows in _batches(reader, made):
        for row in rows:
            held = _held(made, row)
            for name, value in figures(made, held).items():
                if value != held[name]:
                    yield name, row[1]


def _batches(reader: Reader, made: EntityTable) -> Iterator[Sequence[Any]]:
    if not stored_of(made):
        return
    after = 0
    while rows := _rows(reader, made, made.table.c[ROW] > after, _AT_ONCE):
        after = rows[-1][0]
        yield rows


def _looked_at(made: EntityTable) -> tuple[str, ...]:
    names = {name for each in stored_of(made) for name in (*each.inputs, each.field)}
    return tuple(sorted(names))


def _rows(reader: Reader, made: EntityTable, which: Any, limit: int) -> Sequence[Any]:
    return reader.rows(_chosen(made, which).limit(limit))


def _chosen(made: EntityTable, which: Any) -> sa.Select[Any]:
    columns = [column for name in _looked_at(made) for column in made.columns[name]]
    return sa.select(made.table.c[ROW], made.table.c.id, *columns).where(which).order_by(made.table.c[ROW])


def _held(made: EntityTable, row: Sequence[Any]) -> dict[str, tuple[Any, ...]]:
    found, start = {}, 2
    for name in _looked_at(made):
        stop = start + len(made.columns[name])
        found[name] = tuple(row[start:stop])
        start = stop
    return found


def _write(tx: Transaction, made: EntityTable, rows: Sequence[Any]) -> int:
    """Bring rows up to date; only those that hold something else are written."""
    ready = []
    for row in rows:
        held = _held(made, row)
        found = figures(made, held)
        if any(value != held[name] for name, value in found.items()):
            given = {
                f"new_{column.name}": part
                for name, value in found.items()
                for column, part in zip(made.columns[name], value, strict=True)
            }
            ready.append({"at_row": row[0], **given})
    if ready:
        tx.execute(_statement(made), ready)
    return len(ready)


def _statement(made: EntityTable) -> Prepared:
    found: Prepared | None = made.prepared.get("refigure")
    if found is None:
        columns = [column for each in stored_of(made) for column in made.columns[each.field]]
        key = made.table.c[ROW] == sa.bindparam("at_row", type_=sa.BigInteger())
        values = {column.name: sa.bindparam(f"new_{column.name}", type_=column.type) for column in columns}
        found = made.prepared["refigure"] = Prepared(sa.update(made.table).where(key).values(values))
    return found
