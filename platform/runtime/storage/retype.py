"""A field whose kind changed: its old column is archived whole, a new one filled through text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from dacheng.metadata.definition import Field
from dacheng.metadata.problem import Refused
from dacheng.runtime.storage import ddl
from dacheng.runtime.storage.physical import Physical, read
from dacheng.runtime.storage.reader import Reader, Transaction
from dacheng.runtime.storage.tables import ROW, EntityTable

_AT_ONCE = 1000


def retyped(before: EntityTable, after: EntityTable) -> tuple[str, ...]:
    """Fields that both versions have and that hold something else in the new one."""
    return tuple(
        name
        for name, field in after.entity.fields.items()
        if name in before.columns and name in after.columns
        if _holds(before.entity.fields[name]) != _holds(field)
    )


def _holds(field: Field) -> tuple[Any, ...]:
    columns = tuple((c.primitive, c.suffix, c.scale, c.references) for c in field.codec.columns)
    return (field.kind if not field.derived else "", columns)


def held(made: EntityTable) -> dict[str, str]:
    """What each physical column of a field holds, in words that are equal when the stored values mean the same."""
    return {
        str(column.name): repr(_holds(made.entity.fields[name]))
        for name, own in made.columns.items()
        for column in own
    }


def archive_column(tx: Transaction, now: Physical, table: str, column: str, number: int) -> str:
    """Rename a column out of the way, with every value in it; answers with its new name."""
    name = f"_archived_{number}_{column}"[:63]
    for index in sorted(n for n in now.indexes.get(table, ()) if n.startswith("ix_")):
        if _uses(tx, index, table, column):
            tx.ddl(ddl.DropIndexByName(index))
    for key in _keys_of(tx, table, column):
        tx.ddl(ddl.DropForeignKey(table, key))
    tx.ddl(ddl.RenameColumn(table, column, name))
    return name


def _uses(tx: Transaction, index: str, table: str, column: str) -> bool:
    if tx.dialect == "sqlite":
        asked = sa.text("SELECT name FROM pragma_index_info(:index)")
        return (column,) in tx.rows(asked, {"index": index})
    asked = sa.text(
        "SELECT a.attname FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid WHERE c.relname = :index"
    )
    return (column,) in tx.rows(asked, {"index": index})


def _keys_of(tx: Transaction, table: str, column: str) -> list[str]:
    """On PostgreSQL the foreign key is dropped with the archive; on SQLite it goes on with the renamed column."""
    if tx.dialect == "sqlite":
        return []
    asked = sa.text(
        "SELECT c.conname FROM pg_constraint AS c JOIN pg_class AS t ON t.oid = c.conrelid"
        " JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = ANY (c.conkey)"
        " WHERE c.contype = 'f' AND t.relname = :table AND a.attname = :column"
    )
    return [name for (name,) in tx.rows(asked, {"table": table, "column": column})]


def run(tx: Transaction, before: EntityTable, after: EntityTable, name: str, number: int) -> int:
    """Retype one field; answers with how many values could not be read and are in the archived column only."""
    table = after.table.name
    olds = [c.name for c in before.columns[name]]
    now = read(tx)
    if not set(olds) <= now.columns[table].keys():
        return 0  # done before
    archived = [archive_column(tx, now, table, column, number) for column in olds]
    for column in after.columns[name]:
        if column.name in olds or column.name not in now.columns[table]:
            tx.ddl(ddl.AddColumn(column))
    return _copy(tx, before.entity.fields[name], after, archived)


def _copy(tx: Transaction, old: Field, after: EntityTable, archived: Sequence[str]) -> int:
    source = sa.table(after.table.name, sa.column(ROW), *[sa.column(name) for name in archived])
    new = after.entity.fields[old.id]
    target = after.columns[old.id]
    key = sa.bindparam("at_row", type_=sa.BigInteger())
    write = (
        sa.update(after.table)
        .where(after.table.c[ROW] == key)
        .values({c.name: sa.bindparam(f"new_{c.name}", type_=c.type) for c in target})
    )
    lost, last = 0, 0
    while True:
        some = sa.select(source).where(source.c[ROW] > last).order_by(source.c[ROW]).limit(_AT_ONCE)
        rows = tx.rows(some)
        if not rows:
            return lost
        last = rows[-1][0]
        ready = []
        for row in rows:
            values, readable = convert(old, new, row[1:])
            lost += not readable
            if values is not None:
                ready.append(
                    {"at_row": row[0], **{f"new_{c.name}": v for c, v in zip(target, values, strict=True)}}
                )
        tx.execute(write, ready)


def convert(old: Field, new: Field, stored: Sequence[Any]) -> tuple[tuple[Any, ...] | None, bool]:
    """One stored value as the new kind stores it (None: stays empty), and whether it could be read."""
    if stored[0] is None:
        return None, True
    try:
        value = new.codec.parse_text(old.codec.text(old.codec.load(tuple(stored))))
    except Refused:
        return None, False
    return (None, True) if value is None else (new.codec.store(value), True)


@dataclass(frozen=True, slots=True)
class Tried:
    """Some rows tried: how many hold a value, the texts that would be left in the archived column, where to go on."""

    values: int
    failing: tuple[str, ...]
    last: int | None


def try_some(reader: Reader, before: EntityTable, after: EntityTable, name: str, last: int) -> Tried:
    """Try a retype on the next rows behind `last`, before anything is done; `last` of the answer is None at the end."""
    old, new = before.entity.fields[name], after.entity.fields[name]
    key = before.table.c[ROW]
    some = sa.select(key, *before.columns[name]).where(key > last, before.columns[name][0].is_not(None))
    rows = reader.rows(some.order_by(key).limit(_AT_ONCE))
    failing = tuple(_text(old, row[1:]) for row in rows if not convert(old, new, row[1:])[1])
    return Tried(len(rows), failing, rows[-1][0] if len(rows) == _AT_ONCE else None)


def _text(field: Field, stored: Sequence[Any]) -> str:
    return field.codec.text(field.codec.load(tuple(stored)))
