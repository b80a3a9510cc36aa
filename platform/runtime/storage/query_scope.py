"""Where a path's value stands in SQL: own columns, joins for links (each with its rule), rows for lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from dacheng.metadata.definition import Field
from dacheng.metadata.expression import NUMBER, TEXT, Environment, Expression, ListOf, RecordOf
from dacheng.metadata.kinds import Primitive
from dacheng.metadata.problem import refuse
from dacheng.metadata.system_fields import COLLABORATORS
from dacheng.runtime.storage.expression_sql import (
    Prepared,
    SqlList,
    SqlOperand,
    prepare_condition,
    prepare_value,
)
from dacheng.runtime.storage.query_plan import Hops, Path, Prefix
from dacheng.runtime.storage.system_tables import collaborator
from dacheng.runtime.storage.tables import DELETED, EntityTable, Tables

Columns = tuple[sa.ColumnElement[Any], ...]
Slot = tuple[str, Any]  # which expression of a `Condition`: ("rule", 0), ("predicate", 1), ("hop", prefix)
MAX_HOPS = 4


@dataclass(slots=True)
class Scope:
    """One statement in the making: the base table, the joins it needs, and what has to be bound."""

    tables: Tables
    made: EntityTable
    dialect: Any
    environment: Environment
    hops: Hops | None
    bound: list[tuple[Slot, Prepared]] = field(default_factory=list)
    _joined: dict[Prefix, tuple[EntityTable, Mapping[str, sa.ColumnElement[Any]]] | None] = field(
        default_factory=dict
    )
    _from: Any = None
    _names: int = 0

    @property
    def source(self) -> sa.FromClause:
        """The base table with all joins so far."""
        found: sa.FromClause = self.made.table if self._from is None else self._from
        return found

    # -------------------------------------------------------- what the asker sees
    def columns(self, path: Path) -> Columns:
        """The physical columns of a path as the asker may see them; NULLs behind what is not visible."""
        if len(path) == 1:
            return self._seen(self.made, self.made.table.c, path[0], ())
        if path[-2].is_links:
            return self._titles(path)
        prefix = tuple(step.id for step in path[:-1])
        joined = self._join(prefix)
        if joined is None:
            return tuple(_null(spec.primitive) for spec in path[-1].codec.columns)
        made, columns = joined
        return self._seen(made, columns, path[-1], prefix)

    def _seen(self, made: EntityTable, columns: Any, last: Field, prefix: Prefix) -> Columns:
        if last.virtual:
            return (self._computed(made, columns, last),)
        own = tuple(columns[column.name] for column in made.columns.get(last.id, ()))
        if last.to is None or self.hops is None or not own:
            return own
        allowed = self.hops.get((*prefix, last.id), False)
        if allowed is True:
            return own
        if last.is_links:
            return (self._each_seen(own[0], last, (*prefix, last.id)),)
        joined = self._join((*prefix, last.id))
        return (_null(Primitive.LINK),) if joined is None else (joined[1]["id"],)

    def _each_seen(self, column: Any, last: Field, prefix: Prefix, title: Field | None = None) -> Any:
        """A list of ids, or of their records' titles, cut down to the records that may be seen; NULL where none is."""
        allowed: Expression | bool = True if self.hops is None else self.hops.get(prefix, False)
        if allowed is False:
            return _null(Primitive.TEXT)
        target = self.tables.entity(last.to or "")
        rows, alias = _unpacked(column, self.dialect), target.table.alias()
        here = alias.c.id == rows.c.value
        seen = self._living(target, alias, allowed, prefix)
        each: sa.ColumnElement[Any] = rows.c.value
        if title is not None:
            own = target.table.alias()
            stored = target.columns.get(title.id)
            name = own.c[stored[0].name] if stored else self._computed(target, own.c, title)
            named = sa.select(name).where(own.c.id == rows.c.value)
            each = named.correlate(rows).scalar_subquery()
        one: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(alias).where(here, seen)
        found = sa.select(_gathered(each, self.dialect)).select_from(rows)
        found = found.where(sa.exists(one.correlate(rows)))
        return found.correlate_except(rows).scalar_subquery()

    def _titles(self, path: Path) -> Columns:
        """The titles of what a field of links holds, as a list in its order."""
        links, title = path[-2], path[-1]
        base = self._base(path[:-1])
        rest = tuple(_null(spec.primitive) for spec in title.codec.columns[1:])
        if base is None:
            return (_null(Primitive.TEXT), *rest)
        made, columns = base
        prefix = tuple(step.id for step in path[:-1])
        return (self._each_seen(columns[made.columns[links.id][0].name], links, prefix, title), *rest)

    def _base(self, path: Path) -> tuple[EntityTable, Any] | None:
        """The table a path's last field stands in, joined as far as the asker may follow."""
        if len(path) == 1:
            return self.made, self.made.table.c
        return self._join(tuple(step.id for step in path[:-1]))

    def _living(self, target: EntityTable, alias: Any, allowed: Expression | bool, prefix: Prefix) -> Any:
        living = alias.c[DELETED].is_(None)
        if not isinstance(allowed, Expression):
            return living
        return sa.and_(living, self.condition(("hop", prefix), allowed, self.trusted(target, alias.c)))

    def _linked(self, path: Path, record: Any, *, asked: bool) -> SqlList:
        """What a field of links holds, as rows of its join table; of what is asked from outside only what may be seen."""
        links, prefix = path[-1], tuple(step.id for step in path)
        made = self.tables.entity(links.entity)
        alias = made.joins[links.id].alias()
        allowed: Expression | bool = True
        if asked and self.hops is not None:
            allowed = self.hops.get(prefix, False)
        seen: Any = sa.true() if allowed is True else sa.false()
        if isinstance(allowed, Expression):
            target = self.tables.entity(links.to or "")
            other = target.table.alias()
            met = sa.and_(other.c.id == alias.c.target, self._living(target, other, allowed, prefix))
            seen = sa.exists(sa.select(sa.literal_column("1")).select_from(other).where(met).correlate(alias))

        def among_all(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
            if isinstance(condition, sa.True_):
                here: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(alias)
                return sa.exists(here.where(alias.c.record == record, seen).correlate_except(alias))
            holders = sa.select(alias.c.record).where(condition, seen).correlate_except(alias)
            among: sa.ColumnElement[bool] = record.in_(holders)
            return among

        return SqlList(
            alias,
            sa.and_(alias.c.record == record, seen),
            lambda _path, /: SqlOperand(TEXT, alias.c.target),
            among_all,
        )

    def _computed(self, made: EntityTable, columns: Any, last: Field) -> sa.ColumnElement[Any]:
        """The value of a formula that no column holds, in the form in which one would."""
        known = {each.field: each for each in made.entity.formulas}

        def resolve(path: Prefix, /) -> SqlOperand | SqlList:
            own = made.entity.fields[path[0]]
            return self._stored(own, path[1:], tuple(columns[each.name] for each in made.columns[own.id]))

        expression = known[last.id].expression
        prepared = prepare_value(
            expression,
            resolve,
            dialect=self.dialect,
            environment=self.environment,
            name=self._next_name(),
            scale=last.codec.columns[0].scale,
        )
        self.bound.append((("formula", expression), prepared))
        return prepared.clause

    def _join(self, prefix: Prefix) -> tuple[EntityTable, Any] | None:
        if prefix in self._joined:
            return self._joined[prefix]
        if len(prefix) > MAX_HOPS:
            raise refuse("expression.too_costly", cost=len(prefix), limit=MAX_HOPS)
        base = (self.made, self.made.table.c) if len(prefix) == 1 else self._join(prefix[:-1])
        found = None
        allowed: Expression | bool = True if self.hops is None else self.hops.get(prefix, False)
        if base is not None and allowed is not False:
            found = self._outer_join(base[0], base[1], prefix, allowed)
        self._joined[prefix] = found
        return found

    def _outer_join(
        self, made: EntityTable, columns: Any, prefix: Prefix, allowed: Expression | bool
    ) -> tuple[EntityTable, Any]:
        link = prefix[-1]
        target = self.tables.entity(made.entity.fields[link].to or "")
        alias = target.table.alias(f"j{len(self._joined)}")
        met = sa.and_(alias.c.id == columns[link], alias.c[DELETED].is_(None))
        if isinstance(allowed, Expression):
            met = sa.and_(met, self.condition(("hop", prefix), allowed, self.trusted(target, alias.c)))
        self._from = sa.outerjoin(self.source, alias, met)
        return target, alias.c

    def each_item(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """The items of a list, one row each from here on; a record without any keeps one row with NULL."""
        rows = _unpacked(column, self.dialect)
        self._from = sa.outerjoin(self.source, rows, sa.true())
        return rows.c.value

    # -------------------------------------------------------- expressions
    def condition(
        self, slot: Slot, expression: Expression, resolve: Callable[[Prefix], SqlOperand | SqlList]
    ) -> Any:
        """An expression as a condition; whatever stands in its slot at a later run binds its own values."""
        prepared = prepare_condition(
            expression,
            resolve,
            dialect=self.dialect,
            environment=self.environment,
            name=self._next_name(),
        )
        self.bound.append((slot, prepared))
        return prepared.clause

    def _next_name(self) -> str:
        """A name no other condition's values have; one may be compiled while another still is."""
        self._names += 1
        return f"p{self._names}"

    def asked(self, path: Prefix, /) -> SqlOperand | SqlList:
        """Where a path of the asker's own expression stands: links only as far as he may follow them."""
        steps, part = self._fields(self.made, path)
        if steps[-1].is_lines:
            return self._lines(steps, part, self.columns((*steps[:-1], _id_field(self, steps))), asked=True)
        if steps[-1].is_links:
            base = self._base(steps)
            return self._linked(steps, _null(Primitive.TEXT) if base is None else base[1]["id"], asked=True)
        return self._stored(steps[-1], part, self.columns(steps))

    def _stored(self, last: Field, part: Prefix, columns: Columns) -> SqlOperand | SqlList:
        return (
            _items(columns[0], self.dialect)
            if isinstance(last.codec.type, ListOf)
            else operand_of(last, part, columns)
        )

    def trusted(self, made: EntityTable, columns: Any) -> Callable[[Prefix], SqlOperand | SqlList]:
        """Where a path of a row rule stands: every link is followed, by a look at one row each."""

        def resolve(path: Prefix, /) -> SqlOperand | SqlList:
            if path[-1] == COLLABORATORS:
                return self._collaborators(made, columns, path[:-1])
            steps, part = self._fields(made, path)
            if steps[-1].is_links:
                holder = (*steps[:-1], _id_of(self, steps))
                return self._linked(steps, self._deep(made, columns, holder)[0], asked=False)
            found = self._deep(made, columns, steps)
            return (
                self._stored(steps[-1], part, found)
                if not steps[-1].is_lines
                else self._lines(steps, part, found)
            )

        return resolve

    def _deep(self, made: EntityTable, columns: Any, steps: Path) -> Columns:
        first = steps[0]
        if len(steps) == 1:
            if first.is_lines:
                return (columns["id"],)
            return tuple(columns[column.name] for column in made.columns[first.id])
        target = self.tables.entity(first.to or "")
        alias = target.table.alias()
        inner = self._deep(target, alias.c, steps[1:])
        here = sa.and_(alias.c.id == columns[first.id], alias.c[DELETED].is_(None))
        return tuple(sa.select(column).where(here).scalar_subquery() for column in inner)

    def _lines(self, steps: Path, part: Prefix, parent: Columns, *, asked: bool = False) -> SqlList:
        child = self.tables.entity(steps[-1].to or "")
        alias = child.table.alias()
        via = str(child.entity.parent_field)
        living = sa.and_(alias.c[via] == parent[0], alias.c[DELETED].is_(None))
        inside = self.trusted(child, alias.c)

        def resolve(path: Prefix, /) -> SqlOperand | SqlList:
            if asked and len(self._fields(child, path or ("id",))[0]) > 1 and self.hops is not None:
                raise refuse("expression.not_in_sql", operator="var")  # links of lines have no rule to follow
            return inside(path or ("id",))

        return SqlList(alias, living, resolve)

    def _collaborators(self, made: EntityTable, columns: Any, link: Prefix) -> SqlList:
        """Who works on the row, or on the record its link leads to; asked once, by person, for all rows."""
        steps, _ = self._fields(made, link) if link else ((), ())
        ref = steps[-1].to or "" if steps else made.entity.ref
        outer = self._deep(made, columns, steps)[0] if steps else columns["id"]
        alias = collaborator.alias()
        same = alias.c.entity == sa.literal(ref, sa.Text())

        def among(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
            ids = sa.select(alias.c.record).where(same, condition)
            if self.dialect == "sqlite":
                return outer.in_(ids)
            return outer == sa.func.any(sa.func.array(ids.scalar_subquery()))

        return SqlList(alias, same, lambda path, /: SqlOperand(TEXT, alias.c[path[0]], 0), among)

    def _fields(self, made: EntityTable, path: Prefix) -> tuple[Path, Prefix]:
        """The fields along a path, and what is left of it inside the last one (`amount`, `currency`, `id`)."""
        steps: list[Field] = []
        entity = made.entity
        for at, name in enumerate(path):
            if (steps and name not in entity.fields) or (steps and not _leads_on(steps[-1])):
                return tuple(steps), path[at:]
            steps.append(entity.fields[name])
            if _leads_on(steps[-1]) and at + 1 < len(path):
                if path[at + 1 :] == ("id",):
                    return tuple(steps), ("id",)
                entity = self.tables.entity(steps[-1].to or "").entity
        return tuple(steps), ()


def _leads_on(step: Field) -> bool:
    return step.is_link


def _id_field(scope: Scope, steps: Path) -> Field:
    entity = scope.made.entity if len(steps) == 1 else scope.tables.entity(steps[-2].to or "").entity
    return entity.fields["id"]


def _id_of(scope: Scope, steps: Path) -> Field:
    return scope.tables.entity(steps[-1].entity).entity.fields["id"]


def operand_of(last: Field, part: Prefix, columns: Columns) -> SqlOperand:
    """A field's columns as expressions compute with them; `part` is what is asked of it, such as `currency`."""
    specs = last.codec.columns
    at = 1 if part == ("currency",) else 0
    if at == 1:
        return SqlOperand(TEXT, columns[1], 0)
    kind = last.codec.type
    if isinstance(kind, RecordOf) and last.to is None and specs[0].primitive is Primitive.TEXT:
        places = {spec.suffix: place for place, spec in enumerate(specs)}  # an address stands for its line
        return SqlOperand(TEXT, columns[places.get(f"_{part[0]}" if part else "", 0)])
    if isinstance(kind, RecordOf):  # a link stands for its id, money for its amount
        kind = TEXT if last.to is not None else NUMBER
    return SqlOperand(kind, columns[0], specs[0].scale)


def _items(column: sa.ColumnElement[Any], dialect: Any) -> SqlList:
    """A list of texts kept as JSON in one column, as rows of its items; a missing list has none."""
    rows = _unpacked(column, dialect)

    def resolve(_path: Prefix, /) -> SqlOperand:
        return SqlOperand(TEXT, rows.c.value)

    return SqlList(rows, sa.true(), resolve)


def _unpacked(column: sa.ColumnElement[Any], dialect: Any) -> sa.TableValuedAlias:
    unpack = (
        sa.func.json_each(column)
        if dialect == "sqlite"
        else sa.func.jsonb_array_elements_text(sa.cast(column, postgresql.JSONB))
    )
    return unpack.table_valued(sa.column("value", sa.Text()))


def _gathered(each: sa.ColumnElement[Any], dialect: Any) -> sa.ColumnElement[Any]:
    """Rows as one list of texts, in their order; NULL for none."""
    if dialect == "sqlite":
        return sa.func.nullif(sa.func.json_group_array(each), sa.literal_column("'[]'", sa.Text()))
    return sa.cast(sa.func.jsonb_agg(each), sa.Text())


def _null(primitive: Primitive) -> sa.ColumnElement[Any]:
    kind = (
        sa.BigInteger()
        if primitive in (Primitive.INTEGER, Primitive.INSTANT, Primitive.BOOLEAN)
        else sa.Text()
    )
    return sa.cast(sa.null(), kind)
