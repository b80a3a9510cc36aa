"""Plugin tables: figures kept ready to be read. Written in batches or by a select, never logged.

A table grows by columns and indexes where it stands; only another key or another type makes it anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable, DropTable

from dacheng.metadata.kinds import Primitive
from dacheng.metadata.problem import Problem, problem
from dacheng.runtime.storage import ddl, physical
from dacheng.runtime.storage.reader import Reader, Transaction
from dacheng.runtime.storage.schema_change import Journal
from dacheng.runtime.storage.system_tables import Integer, Text, projection

_LOCK = 7_201_004
_INTEGERS = (Primitive.INTEGER, Primitive.INSTANT, Primitive.BOOLEAN)


@dataclass(frozen=True, slots=True)
class Projection:
    """A plugin's table: columns by primitive, the key that makes a row unique, further indexes.

    `subject` names the column with the id of the record that row rules are asked about, if there is one.
    """

    id: str
    owner: str
    columns: Mapping[str, Primitive]
    key: tuple[str, ...]
    indexes: tuple[tuple[str, ...], ...] = ()
    subject: str | None = None

    @property
    def table_name(self) -> str:
        """Its physical name."""
        return f"_p_{self.owner}_{self.id}"

    @property
    def shape(self) -> str:
        """What decides its physical form, as canonical JSON."""
        columns = {name: primitive.value for name, primitive in self.columns.items()}
        return orjson.dumps([columns, self.key, self.indexes], option=orjson.OPT_SORT_KEYS).decode()


def table_of(wanted: Projection, metadata: sa.MetaData | None = None) -> sa.Table:
    """The projection's table, for building queries over it."""
    made = sa.Table(
        wanted.table_name,
        sa.MetaData() if metadata is None else metadata,
        *[_column(name, primitive, name in wanted.key) for name, primitive in wanted.columns.items()],
    )
    for columns in wanted.indexes:
        digest = hashlib.sha256(" ".join([wanted.table_name, *columns]).encode()).hexdigest()[:20]
        sa.Index(f"ix_{digest}", *[made.c[name] for name in columns])
    return made


def _column(name: str, primitive: Primitive, is_key: bool) -> sa.Column[Any]:
    kind = Integer if primitive in _INTEGERS else Text
    return sa.Column(name, kind, primary_key=is_key, nullable=not is_key, autoincrement=False)


def install(tx: Transaction, wanted: Projection, journal: Journal | None = None) -> bool:
    """Make the table, or let it grow; True when it is empty now and has to be built."""
    tx.advisory_lock(_LOCK)
    known = tx.scalar(sa.select(projection.c.shape).where(projection.c.id == wanted.table_name))
    if known == wanted.shape:
        return False
    if known is not None and _only_grows(known, wanted):
        _grow(tx, wanted)
        _note(tx, journal, "projection_grown", wanted)
        return False
    if known is not None:
        remove(tx, wanted)
    made = table_of(wanted)
    tx.ddl(CreateTable(made))
    for index in made.indexes:
        tx.ddl(CreateIndex(index))
    tx.execute(projection.insert().values(id=wanted.table_name, owner=wanted.owner, shape=wanted.shape))
    _note(tx, journal, "projection_added", wanted)
    return True


def is_current(reader: Reader, wanted: Projection) -> bool:
    """Whether the table is there in just this shape."""
    known = reader.scalar(sa.select(projection.c.shape).where(projection.c.id == wanted.table_name))
    return bool(known == wanted.shape)


def _only_grows(known: str, wanted: Projection) -> bool:
    columns, key, _ = orjson.loads(known)
    now = {name: primitive.value for name, primitive in wanted.columns.items()}
    return tuple(key) == wanted.key and columns.items() <= now.items()


def _grow(tx: Transaction, wanted: Projection) -> None:
    made, there = table_of(wanted), physical.read(tx)
    for column in made.columns:
        if column.name not in there.columns[made.name]:
            tx.ddl(ddl.AddColumn(column))
    indexes = {str(index.name): index for index in made.indexes}
    known = {name for name in there.indexes.get(made.name, ()) if name.startswith("ix_")}
    for name in sorted(known - indexes.keys()):
        tx.ddl(ddl.DropIndexByName(name))
    for name in sorted(indexes.keys() - known):
        tx.ddl(CreateIndex(indexes[name]))
    tx.execute(sa.update(projection).where(projection.c.id == wanted.table_name).values(shape=wanted.shape))


def _note(tx: Transaction, journal: Journal | None, kind: str, wanted: Projection) -> None:
    if journal is not None:
        journal.write(tx, kind, table=wanted.table_name)


def verify(reader: Reader) -> Iterator[Problem]:
    """Where a plugin table that was made is not as it was made: missing, or short of columns or indexes."""
    there = physical.read(reader)
    for name, owner, shape in reader.rows(sa.select(projection.c.id, projection.c.owner, projection.c.shape)):
        columns, key, indexes = orjson.loads(shape)
        named = {column: Primitive(primitive) for column, primitive in columns.items()}
        short = name.removeprefix(f"_p_{owner}_")
        made = table_of(Projection(short, owner, named, tuple(key), tuple(map(tuple, indexes))))
        missing = made.columns.keys() - there.columns.get(name, {}).keys()
        lost = {str(index.name) for index in made.indexes} - there.indexes.get(name, frozenset())
        for what in (*sorted(missing), *sorted(lost)):
            yield problem("storage.schema_drift", table=name, what=f"{what} is missing")


def remove(tx: Transaction, wanted: Projection) -> None:
    """Drop the table; what it held can always be computed again."""
    tx.ddl(DropTable(table_of(wanted), if_exists=True))
    tx.execute(sa.delete(projection).where(projection.c.id == wanted.table_name))


def upsert_select(
    tx: Transaction,
    wanted: Projection,
    query: sa.Select[*tuple[Any, ...]] | sa.CompoundSelect[*tuple[Any, ...]],
) -> int:
    """Put the rows of a select (columns by name) in place of those with the same key; answers how many."""
    made = table_of(wanted)
    names = [column.name for column in query.selected_columns]
    inner = query.subquery("fresh")
    one: sa.ColumnElement[Any] = sa.literal_column("1")
    source = sa.select(*[inner.c[name] for name in names]).where(
        one == one
    )  # else SQLite takes ON for a join
    statement = _upsert(tx, made, wanted, names).from_select(names, source)
    return tx.execute(statement.execution_options(preserve_rowcount=True))


def put(tx: Transaction, wanted: Projection, rows: Sequence[Mapping[str, Any]]) -> int:
    """Put a batch of rows, all with the same columns, in place of those with the same key."""
    if not rows:
        return 0
    made, names = table_of(wanted), list(rows[0])
    statement = _upsert(tx, made, wanted, names).values({name: sa.bindparam(name) for name in names})
    return tx.execute(statement, rows)


class _Upsert:
    """An INSERT … ON CONFLICT in the making, for either database."""

    def __init__(self, insert: Any, key: Sequence[str], names: Sequence[str]) -> None:
        self._insert, self._key, self._names = insert, key, names

    def from_select(self, names: Sequence[str], source: Any) -> Any:
        return self._resolved(self._insert.from_select(names, source))

    def values(self, values: Mapping[str, Any]) -> Any:
        return self._resolved(self._insert.values(values))

    def _resolved(self, statement: Any) -> Any:
        others = {n: statement.excluded[n] for n in self._names if n not in self._key}
        if not others:
            return statement.on_conflict_do_nothing(index_elements=list(self._key))
        return statement.on_conflict_do_update(index_elements=list(self._key), set_=others)


def _upsert(tx: Transaction, made: sa.Table, wanted: Projection, names: Sequence[str]) -> _Upsert:
    kind: Any = sqlite if tx.dialect == "sqlite" else postgresql
    return _Upsert(kind.insert(made), wanted.key, names)


def clear(tx: Transaction, wanted: Projection) -> None:
    """Empty the table before it is built anew."""
    tx.execute(sa.delete(table_of(wanted)))
