"""Rows of entity tables: prepared once per entity and shape, loaded into `Record`, stored from typed values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import sqlalchemy as sa

from dacheng.metadata.definition import Entity
from dacheng.metadata.field_kinds.text_list import items_of
from dacheng.metadata.field_kinds.verbatim import Verbatim
from dacheng.metadata.kinds import Codec
from dacheng.runtime.storage.reader import Prepared, Reader, Row, Transaction
from dacheng.runtime.storage.tables import DELETED, POSITION, ROW, EntityTable

Storer = Callable[[Any], tuple[Any, ...]]
Loader = Callable[[Sequence[Any]], Any]
Stored = Mapping[str, tuple[Any, ...]]
SIZES = (4, 16, 64, 400)
AT_ONCE = SIZES[-1]


@dataclass(frozen=True, slots=True)
class Record:
    """One row as stored, whatever its reader may see: `stored` holds every field's column values."""

    entity: Entity
    id: str
    version: int
    stored: Stored
    deleted_at: int | None = None

    @property
    def position(self) -> int:
        """A line's place among its siblings; 0 for all others."""
        return int(self.stored.get(POSITION, (0,))[0] or 0)

    def value(self, field: str) -> Any:
        """One field's typed value."""
        return self.entity.fields[field].codec.load(self.stored[field])

    def values(self) -> dict[str, Any]:
        """Every field's typed value."""
        fields = self.entity.fields
        return {name: fields[name].codec.load(values) for name, values in self.stored.items()}

    def json(self) -> dict[str, Any]:
        """Every field as JSON."""
        fields = self.entity.fields
        return {name: fields[name].codec.json_stored(values) for name, values in self.stored.items()}


@dataclass(frozen=True, slots=True)
class Shape:
    """How an entity's rows are read and written: field slices of a selected row, and the statements."""

    made: EntityTable
    names: tuple[str, ...]
    slices: tuple[tuple[str, int, int], ...]
    one: Prepared
    insert: Prepared  # the database numbers the row
    numbered: Prepared  # the row comes with its number
    columns: tuple[sa.Column[Any], ...]
    loaders: tuple[tuple[str, int, int, Loader | None], ...]  # None: the one stored value is the typed one

    def values(self, row: Row) -> dict[str, Any]:
        """A selected row's typed values, as of `Record.values`."""
        return {
            name: row[start] if load is None else load(row[start:stop])
            for name, start, stop, load in self.loaders
        }

    def record(self, row: Row) -> Record:
        """A selected row as a record."""
        stored = {name: row[start:stop] for name, start, stop in self.slices}
        return Record(self.made.entity, row[0], row[1], stored, row[2])


def shape_of(made: EntityTable) -> Shape:
    """The entity's shape, built on first use and kept with its table."""
    found: Shape | None = made.prepared.get("shape")
    if found is None:
        found = made.prepared["shape"] = _shape(made)
    return found


def _shape(made: EntityTable) -> Shape:
    table = made.table
    columns: list[sa.Column[Any]] = [table.c.id, table.c.version, table.c[DELETED]]
    slices = []
    for name, parts in made.columns.items():
        slices.append((name, len(columns), len(columns) + len(parts)))
        columns.extend(parts)
    written = [column for column in table.c if column.name != ROW]
    values = {c.name: sa.bindparam(c.name, type_=c.type) for c in written}
    insert = sa.insert(table).values(values).inline()
    numbered = sa.insert(table).values({ROW: sa.bindparam(ROW), **values}).inline()
    one = sa.select(*columns).where(table.c.id == sa.bindparam("key"))
    return Shape(
        made,
        tuple(c.name for c in written),
        tuple(slices),
        Prepared(one),
        Prepared(insert),
        Prepared(numbered),
        tuple(columns),
        tuple((name, start, stop, _loader(made.entity.fields[name].codec)) for name, start, stop in slices),
    )


def _loader(codec: Codec) -> Loader | None:
    kind: Any = type(codec)
    return None if kind.load is Verbatim.load else codec.load


def load_values(reader: Reader, made: EntityTable, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Typed values of living records by id; those deleted or not there are left out."""
    shape = shape_of(made)
    if len(ids) == 1:
        row = reader.row(shape.one, {"key": ids[0]})
        return {} if row is None or row[2] is not None else {row[0]: shape.values(row)}
    return {row[0]: shape.values(row) for row in _rows(reader, shape, ids) if row[2] is None}


def load(reader: Reader, made: EntityTable, ids: Sequence[str]) -> dict[str, Record]:
    """Records by id, deleted ones too; those that do not exist are left out."""
    shape = shape_of(made)
    if len(ids) == 1:
        row = reader.row(shape.one, {"key": ids[0]})
        return {} if row is None else {row[0]: shape.record(row)}
    found: dict[str, Record] = {}
    for row in _rows(reader, shape, ids):
        found[row[0]] = shape.record(row)
    return found


def _rows(reader: Reader, shape: Shape, ids: Iterable[str]) -> Iterator[Row]:
    """The rows of these records, some at a time, by statements that are compiled once for each size."""
    made = shape.made
    for size, given in in_sizes(ids):
        key = ("some", size)
        some: Prepared | None = made.prepared.get(key)
        if some is None:
            chosen = sa.select(*shape.columns).where(made.table.c.id.in_(bound_ids(size)))
            some = made.prepared[key] = Prepared(chosen)
        yield from reader.rows(some, given)


def bound_ids(size: int) -> list[sa.BindParameter[str]]:
    """The places of so many ids in a statement that is compiled once."""
    return [sa.bindparam(f"key{place}", type_=sa.Text()) for place in range(size)]


def in_sizes(ids: Iterable[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Ids in parts of a few sizes, each filled up with its last id: how many places, and what stands there."""
    wanted = list(dict.fromkeys(ids))
    for start in range(0, len(wanted), AT_ONCE):
        part = wanted[start : start + AT_ONCE]
        size = next(each for each in SIZES if each >= len(part))
        filled = [*part, *repeat(part[-1], size - len(part))]
        yield size, {f"key{place}": each for place, each in enumerate(filled)}


def behind(
    reader: Reader, made: EntityTable, field: str, ids: Sequence[str], deleted_at: int | None = None
) -> list[Record]:
    """Records whose link `field` leads to one of `ids`: the living, or those deleted at that moment."""
    shape = shape_of(made)
    found: list[Record] = []
    alive = made.deleted_at.is_(None) if deleted_at is None else made.deleted_at == deleted_at
    for start in range(0, len(ids), AT_ONCE):
        column = made.columns[field][0]
        some = sa.select(*shape.columns).where(column.in_(ids[start : start + AT_ONCE]), alive)
        found.extend(shape.record(row) for row in reader.rows(some.order_by(made.table.c.id)))
    return found


def ids_in(entity: Entity, name: str, stored: Sequence[Any]) -> Sequence[str]:
    """The ids that a link or a field of links holds."""
    if entity.fields[name].is_links:
        return items_of(stored[0])
    return () if stored[0] is None else (stored[0],)


def store(entity: Entity, values: Mapping[str, Any]) -> dict[str, tuple[Any, ...]]:
    """Typed values as stored ones, by field; fields without columns (lines) are left out."""
    fields = entity.fields
    return {
        name: fields[name].codec.store(value)
        for name, value in values.items()
        if name in fields and fields[name].codec.columns
    }


def storers(made: EntityTable) -> dict[str, tuple[Storer | None, str, tuple[str, ...]]]:
    """For each field with columns: how a typed value is stored, its first column's name, and the others'.

    None for the many kinds whose values are stored as they are.
    """
    found: dict[str, Any] | None = made.prepared.get("storers")
    if found is None:
        fields, columns = made.entity.fields, _column_names(made)
        found = made.prepared["storers"] = {
            name: (_storer(fields[name].codec), *columns[name]) for name in fields if name in columns
        }
    return found


def _storer(codec: Codec) -> Storer | None:
    kind: Any = type(codec)
    return None if kind.store is Verbatim.store else codec.store


def update_statement(made: EntityTable, names: Iterable[str]) -> Prepared:
    """`UPDATE` of these physical columns, guarded by the version; kept per set of columns."""
    key = ("update", frozenset(names))
    found: Prepared | None = made.prepared.get(key)
    if found is None:
        table = made.table
        values = {name: sa.bindparam(name, type_=table.c[name].type) for name in sorted(key[1])}
        guarded = sa.and_(table.c.id == sa.bindparam("row_id"), table.c.version == sa.bindparam("was"))
        found = made.prepared[key] = Prepared(sa.update(table).where(guarded).values(values))
    return found


def flat(made: EntityTable, stored: Stored) -> dict[str, Any]:
    """Stored values by physical column."""
    given: dict[str, Any] = {}
    columns = _column_names(made)
    for name, values in stored.items():
        first, others = columns[name]
        given[first] = values[0]
        if others:
            given.update(zip(others, values[1:], strict=True))
    return given


def _column_names(made: EntityTable) -> dict[str, tuple[str, tuple[str, ...]]]:
    found: dict[str, tuple[str, tuple[str, ...]]] | None = made.prepared.get("column_names")
    if found is None:
        found = made.prepared["column_names"] = {
            name: (parts[0].name, tuple(part.name for part in parts[1:]))
            for name, parts in made.columns.items()
        }
    return found


def next_row(tx: Transaction, made: EntityTable) -> int | None:
    """The physical key the next new row gets on SQLite, where one writer counts; None on PostgreSQL."""
    if tx.dialect != "sqlite":
        return None
    found: Prepared | None = made.prepared.get("last_row")
    if found is None:
        found = made.prepared["last_row"] = Prepared(sa.select(sa.func.max(made.table.c[ROW])))
    return int(tx.scalar(found) or 0) + 1


def next_rows(tx: Transaction, made: EntityTable, count: int) -> Sequence[int]:
    """The physical keys of as many new rows, where the search index needs to know them beforehand; else none."""
    first = next_row(tx, made)
    if first is not None:
        return range(first, first + count)
    if not made.search:
        return ()
    numbers = sa.func.pg_get_serial_sequence(sa.literal(made.table.name), sa.literal(ROW))
    some = sa.func.generate_series(1, sa.literal(count)).table_valued("n")
    return [row[0] for row in tx.rows(sa.select(sa.func.nextval(numbers)).select_from(some))]
