"""The physical shape of the catalogue: one table per entity, its columns by the fields' codecs, its indexes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from dacheng.metadata.definition import Catalogue, Entity, Field, ListView, Match, Sort
from dacheng.metadata.expression import Call, Expression, Node, Var
from dacheng.metadata.kinds import ColumnSpec, Primitive
from dacheng.runtime.storage.ordering import MissingSmallest
from dacheng.runtime.storage.system_tables import Integer, Text, integer, sequence, text

ROW = "_row"  # the physical key: stable, growing, used by the search index and by batches
DELETED = "deleted_at"
NO_JOINS: Mapping[str, sa.Table] = MappingProxyType({})
JOIN_NAME = 50  # letters of a join table's name before what makes it the only one
POSITION = "position"
FILTERS = 3  # how many of a list's filters its indexes know of
NO_REFERENCE = frozenset({"created_by", "updated_by"})  # actors need not be users
_TYPES: Mapping[Primitive, sa.types.TypeEngine[Any]] = MappingProxyType(
    {
        Primitive.TEXT: Text,
        Primitive.INTEGER: Integer,
        Primitive.DATE: Text,
        Primitive.INSTANT: Integer,
        Primitive.BOOLEAN: Integer,
        Primitive.LINK: Text,
        Primitive.JSON: Text,
    }
)


@dataclass(frozen=True, slots=True)
class EntityTable:
    """One entity's table; `columns` maps a field to its physical columns, in the codec's order."""

    entity: Entity
    table: sa.Table
    columns: Mapping[str, tuple[sa.Column[object], ...]]
    search: tuple[str, ...]  # fields that the search index covers
    matches: tuple[Match, ...] = ()  # what its records are compared by
    joins: Mapping[str, sa.Table] = field(default_factory=lambda: NO_JOINS)  # by field of links
    prepared: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)  # statements, by shape

    @property
    def deleted_at(self) -> sa.Column[object]:
        """NULL as long as the record is alive."""
        return self.table.c[DELETED]


@dataclass(frozen=True, slots=True)
class Tables:
    """Every entity's table by reference; equal catalogues give equal tables."""

    catalogue: Catalogue
    metadata: sa.MetaData
    by_entity: Mapping[str, EntityTable]

    def of(self, ref: str) -> sa.Table:
        """The table of `app.entity`."""
        return self.by_entity[ref].table

    def entity(self, ref: str) -> EntityTable:
        """Table, columns per field and search fields of `app.entity`."""
        return self.by_entity[ref]


def build_tables(catalogue: Catalogue) -> Tables:
    """All tables of a catalogue with their indexes; nothing is created in the database."""
    metadata = sa.MetaData()
    built = {ref: _entity_table(metadata, entity, catalogue) for ref, entity in catalogue.entities.items()}
    for ref, made in built.items():
        _add_indexes(made, catalogue, ref)
    return Tables(catalogue, metadata, MappingProxyType(built))


def column_names(field: Field) -> tuple[str, ...]:
    """The physical names of a field's columns: `{field}{suffix}`."""
    return tuple(field.id + spec.suffix for spec in field.codec.columns)


def search_table(ref_table: str) -> str:
    """The name of an entity's search index."""
    return f"_search_{ref_table}"


# ---------------------------------------------------------------- columns
def _entity_table(metadata: sa.MetaData, entity: Entity, catalogue: Catalogue) -> EntityTable:
    columns: dict[str, tuple[sa.Column[object], ...]] = {}
    items: list[sa.schema.SchemaItem] = [sequence(ROW)]
    for each in entity.fields.values():
        made = () if each.virtual else tuple(_column(each, spec) for spec in each.codec.columns)
        if made:
            columns[each.id] = made
            items.extend(made)
    items.extend(_technical(entity, columns))
    items.extend(_references(entity, catalogue))
    table = sa.Table(entity.table, metadata, *items)
    search = tuple(f.id for f in entity.fields.values() if f.searchable and f.codec.columns)
    matches = catalogue.matches.get(entity.ref, ())
    joins = {f.id: _join(metadata, entity, f, catalogue) for f in entity.fields.values() if f.is_links}
    return EntityTable(entity, table, MappingProxyType(columns), search, matches, MappingProxyType(joins))


def _join(metadata: sa.MetaData, entity: Entity, links: Field, catalogue: Catalogue) -> sa.Table:
    """The pairs of one field of links: foreign keys to both sides, found from either."""
    ends = {"record": entity.table, "target": catalogue.entities[links.to or ""].table}
    digest = _name(entity.table, [links.id, *ends.values()], "join").removeprefix("ix_")[:8]
    name = f"{f'{entity.table}__{links.id}'[:JOIN_NAME]}_{digest}"
    keys = [
        sa.ForeignKeyConstraint(
            [end],
            [f"{table}.id"],
            name=_name(name, [end, table], "fk"),
            ondelete="CASCADE",  # a table left out or archived keeps nobody from purging a record
            use_alter=True,
        )
        for end, table in ends.items()
    ]
    columns = [sa.Column(end, Text, primary_key=True, nullable=False) for end in ends]
    join = sa.Table(name, metadata, *columns, *keys)
    sa.Index(_name(name, ["target", "record"], "index"), join.c.target, join.c.record)
    return join


def _column(field: Field, spec: ColumnSpec) -> sa.Column[object]:
    name = field.id + spec.suffix
    if name == "id":
        return sa.Column(name, Text, nullable=False, unique=False)
    return sa.Column(name, _TYPES[spec.primitive], nullable=True)


def _technical(entity: Entity, columns: Mapping[str, object]) -> Iterator[sa.schema.SchemaItem]:
    if "id" not in columns:
        yield text("id")
    if "version" not in columns:
        yield integer("version", null=True)
    if DELETED not in columns:
        yield integer(DELETED, null=True)
    yield sa.UniqueConstraint("id")


def _references(entity: Entity, catalogue: Catalogue) -> Iterator[sa.ForeignKeyConstraint]:
    for link in entity.fields.values():
        if link.id in NO_REFERENCE or link.virtual:
            continue
        for spec in link.codec.columns:
            target = catalogue.entities.get(spec.references or link.to or "")
            if spec.primitive is Primitive.LINK and target is not None:
                name = _name(entity.table, [link.id, target.table], "fk")
                yield sa.ForeignKeyConstraint(
                    [link.id + spec.suffix], [f"{target.table}.id"], name=name, use_alter=True
                )


# ---------------------------------------------------------------- indexes
def _add_indexes(made: EntityTable, catalogue: Catalogue, ref: str) -> None:
    entity = made.entity
    for each in entity.fields.values():
        if each.unique:
            _unique(made, [each.id])
    for together in entity.unique_together:
        _unique(made, together)
    keys = row_rule_keys(catalogue, ref)
    for columns in _list_columns(made, catalogue, ref, keys):
        _index(made, columns, living=True)
    for columns in _measure_columns(made, catalogue, ref, keys):
        _index(made, columns, living=False)
    if entity.parent_field in made.columns and POSITION in made.table.c:
        _index(made, [made.columns[str(entity.parent_field)][0], made.table.c[POSITION]], living=False)
    begun = {next(iter(index.columns)).name for index in made.table.indexes}
    for each in entity.fields.values():
        if _wants_index(each, entity.parent_field) and (each.to is not None or each.id not in begun):
            _index(made, [made.columns[each.id][0]], living=False)


def _wants_index(field: Field, parent_field: str | None) -> bool:
    if field.system and (field.id == "id" or field.id in NO_REFERENCE):
        return False
    if not field.codec.columns or field.virtual or field.id == parent_field:
        return False
    return field.indexed or any(spec.indexed for spec in field.codec.columns)


def row_rule_keys(catalogue: Catalogue, ref: str) -> tuple[str, ...]:
    """Own fields that some role's read rule on this entity looks at; the first key of its indexes."""
    entity = catalogue.entities[ref]
    found: dict[str, None] = {}
    for role in catalogue.roles.values():
        grant = role.grants.get(ref)
        if grant is not None and isinstance(grant.read, Expression):
            own = (path[0] for path in _paths(grant.read) if _is_own(entity, path))
            found.update(dict.fromkeys(own))
    return tuple(found)


def _is_own(entity: Entity, path: tuple[str, ...]) -> bool:
    """Whether a path ends in one of the entity's own columns (`owner` is written `owner.id`)."""
    first = entity.fields.get(path[0])
    return (
        first is not None
        and bool(first.codec.columns)
        and not first.is_links
        and (len(path) == 1 or path[1:] in (("id",), ("amount",)))
    )


def _paths(expression: Expression) -> tuple[tuple[str, ...], ...]:
    return tuple(sorted(path for path in expression.dependencies if not path[0].startswith("$")))


def _list_columns(
    made: EntityTable, catalogue: Catalogue, ref: str, keys: Sequence[str]
) -> Iterator[list[sa.ColumnElement[object]]]:
    """Indexes that give a list's rows in order: all of them, and behind what the list offers to filter by first.

    A field that some role's rule holds to one value leads an index of its own. What else rules and filters
    look at stands at the end, so that rows which do not count are passed over without a look at the table.
    """
    view = catalogue.lists.get(ref)
    pinned = _pinned(catalogue, ref)
    for sort in _sorts(made, catalogue, ref):
        filters: tuple[str, ...] = ()
        if view is not None and sort is _default_sort(view):
            filters = tuple(n for n in view.filters if n in made.columns)[:FILTERS]
        leads = [(), *((key,) for key in pinned), *((name,) for name in filters[:2])]
        leads += [(name,) for name in _board_fields(catalogue, ref) if name in made.columns]
        if len(filters) > 1:
            leads.append(filters[:2])
        order = [key.path[0] for key in sort]
        for lead in dict.fromkeys(leads):
            behind = dict.fromkeys([*keys, *filters] if sort is _default_sort(view) else keys)
            rest = [name for name in behind if name not in (*lead, *order, "id")]
            yield [
                *(made.columns[name][0] for name in lead),
                *_in_order(made, [key for key in sort if key.path[0] not in lead]),
                *(made.columns[name][0] for name in rest),
                made.deleted_at,  # SQLite reads the table for it otherwise, although the index holds the living alone
            ]


def _board_fields(catalogue: Catalogue, ref: str) -> tuple[str, ...]:
    """The fields that boards stand on: each column of a board is a list of its own."""
    flow = catalogue.workflows.get(ref)
    lists = [view for app in catalogue.apps.values() for view in app.lists.values() if view.entity == ref]
    found = ([flow.field] if flow is not None else []) + [view.on for view in lists if view.kind == "board"]
    return tuple(dict.fromkeys(found))


def _pinned(catalogue: Catalogue, ref: str) -> tuple[str, ...]:
    """Own fields that some role's read rule holds to a single value: `owner == $user.id`."""
    entity = catalogue.entities[ref]
    found: dict[str, None] = {}
    for role in catalogue.roles.values():
        grant = role.grants.get(ref)
        if grant is not None and isinstance(grant.read, Expression):
            paths = [path for path in _equal_paths(grant.read.node) if _is_own(entity, path)]
            found.update(dict.fromkeys(path[0] for path in paths))
    return tuple(sorted(found))


def _equal_paths(node: Node) -> Iterator[tuple[str, ...]]:
    """The variables that must equal something wherever the condition holds."""
    if isinstance(node, Call) and node.operator == "and":
        for inner in node.args:
            yield from _equal_paths(inner)
    elif isinstance(node, Call) and node.operator == "==":
        yield from (
            arg.path for arg in node.args if isinstance(arg, Var) and arg.path and arg.path[0][:1] != "$"
        )


def _sorts(made: EntityTable, catalogue: Catalogue, ref: str) -> Iterator[Sequence[Sort]]:
    """The default list's order, and the latest first."""
    sorts = [_default_sort(catalogue.lists.get(ref))]
    if "updated_at" in made.columns and made.entity.parent is None:
        sorts.append([Sort(("updated_at",), descending=True)])
    for sort in sorts:
        if sort and all(len(key.path) == 1 and key.path[0] in made.columns for key in sort):
            yield sort


def _default_sort(view: ListView | None) -> Sequence[Sort]:
    return view.sort if view is not None else ()


def _in_order(made: EntityTable, sort: Sequence[Sort]) -> Iterator[sa.ColumnElement[object]]:
    """The keys of an order and then the id, as an index holds them."""
    if not sort:
        yield made.table.c.id
        return
    yield from (_ordered(made.columns[key.path[0]][0], sort[0], key) for key in sort)
    last = sort[-1].descending != sort[0].descending
    yield made.table.c.id.desc() if last else made.table.c.id


def _ordered(column: sa.ColumnElement[object], first: Sort, key: Sort) -> sa.ColumnElement[object]:
    """An index is read both ways, so only the directions relative to the first key count."""
    return column.desc() if key.descending != first.descending else column


def _measure_columns(
    made: EntityTable, catalogue: Catalogue, ref: str, keys: Sequence[str]
) -> Iterator[list[sa.ColumnElement[object]]]:
    """Covering indexes: filter, time, then all that measures with the same filter and time look at.

    Once for those who see everything, and once behind each row-rule key.
    """
    alike: dict[tuple[str, ...], dict[str, None]] = {}
    for measure in catalogue.measures.values():
        if measure.entity != ref:
            continue
        filtered = {} if measure.filter is None else dict.fromkeys(path[0] for path in _paths(measure.filter))
        leading = tuple(dict.fromkeys([*filtered, *([measure.time_field] if measure.time_field else [])]))
        others = alike.setdefault(leading, {})
        others.update(dict.fromkeys(path[0] for path in measure.dimensions.values()))
        others.update(dict.fromkeys([measure.field] if measure.field else []))
    for leading, others in alike.items():
        for key in ((), *((key,) for key in keys)):
            names = [name for name in dict.fromkeys((*key, *leading, *others)) if name in made.columns]
            if names:
                yield [*(column for name in names for column in made.columns[name]), made.deleted_at]


def _unique(made: EntityTable, fields: Sequence[str]) -> None:
    columns = [column for name in fields for column in made.columns[name]]
    _index(made, columns, living=True, unique=True)


def _index(
    made: EntityTable, columns: Sequence[sa.ColumnElement[object]], *, living: bool, unique: bool = False
) -> None:
    keys = [_key(column) for column in columns]
    name = _name(made.table.name, keys, f"{living}{unique}")
    if any(index.name == name for index in made.table.indexes):
        return
    where = made.deleted_at.is_(None) if living else None
    sa.Index(
        name, *[_missing_first(c) for c in columns], unique=unique, sqlite_where=where, postgresql_where=where
    )


def _key(column: sa.ColumnElement[object]) -> str:
    return f"{column.element.name} desc" if isinstance(column, sa.UnaryExpression) else str(column.key)


def _missing_first(column: sa.ColumnElement[object]) -> sa.ColumnElement[object]:
    """Missing values are the smallest on both databases; PostgreSQL must be told, SQLite does so anyway."""
    if isinstance(column, sa.UnaryExpression):
        return MissingSmallest(column.element, descending=True)
    return MissingSmallest(column, descending=False)


def _name(table: str, keys: Sequence[str], extra: str) -> str:
    digest = hashlib.sha256("\0".join([table, extra, *keys]).encode()).hexdigest()[:20]
    return f"ix_{digest}"
