"""A copy of everything, taken while others work, checked before anyone relies on it, and put back whole.

SQLite: a file, through the backup interface. PostgreSQL: a schema of table copies beside the live one.
"""

from __future__ import annotations

import os
import re
import sqlite3
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.sql.elements import quoted_name

from dacheng.metadata.problem import refuse
from dacheng.runtime.storage import ddl, fault
from dacheng.runtime.storage.connections import connect
from dacheng.runtime.storage.database import Database
from dacheng.runtime.storage.lock_file import LockFile
from dacheng.runtime.storage.physical import read
from dacheng.runtime.storage.reader import Reader, Transaction

_NAME = re.compile(r"[a-z0-9_]{1,40}")
_PAGES = 2000


def take(db: Database, folder: Path, name: str) -> str:
    """Copy the database; answers what `restore` takes: a file's path, or a schema's name.

    `name` is of `a-z0-9_`. Writers go on meanwhile; a damaged copy is refused and removed.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(name)
    if db.path is not None:
        return str(_to_file(db, folder / f"{name}.db"))
    db.write_now(lambda tx: _to_schema(tx, f"snapshot_{name}"), urgent=False)
    return f"snapshot_{name}"


def _to_file(db: Database, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    source = connect(db.options, writing=False)
    try:
        with sqlite3.connect(unfinished) as copy:
            source.driver.backup(copy, pages=_PAGES, sleep=0.005)
        copy.close()
    finally:
        source.close()
    if not is_sound(unfinished):
        unfinished.unlink()
        raise refuse("storage.check_failed", check="snapshot", what=target.name)
    fault.point("snapshot.before_rename")
    _sync(unfinished)
    unfinished.replace(target)
    return target


def is_sound(path: Path) -> bool:
    """Whether a SQLite file passes its own integrity and foreign key checks."""
    copy = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        whole = copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return whole and copy.execute("PRAGMA foreign_key_check").fetchone() is None
    except sqlite3.DatabaseError:
        return False
    finally:
        copy.close()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def restore_file(snapshot: Path, database: Path) -> None:
    """Put a checked SQLite snapshot in the place of a database that nobody has open."""
    if not is_sound(snapshot):
        raise refuse("storage.check_failed", check="snapshot", what=snapshot.name)
    lock = LockFile(database)
    try:
        fresh = database.with_suffix(".restoring")
        fresh.write_bytes(snapshot.read_bytes())
        _sync(fresh)
        for ending in ("-wal", "-shm"):
            database.with_name(database.name + ending).unlink(missing_ok=True)
        fresh.replace(database)
    finally:
        lock.release()


# ---------------------------------------------------------------- PostgreSQL
def _tables(reader: Reader) -> dict[str, list[str]]:
    """Live tables with their columns; partitions and earlier snapshots are reached otherwise."""
    parts = sa.text("SELECT inhrelid::regclass::text FROM pg_inherits")
    partitions = {row[0].strip('"') for row in reader.rows(parts)}
    return {t: list(c) for t, c in read(reader).columns.items() if t not in partitions}


def _to_schema(tx: Transaction, schema: str) -> None:
    name = quoted_name(schema, quote=True)
    tx.ddl(sa.schema.DropSchema(name, cascade=True, if_exists=True))
    tx.ddl(sa.schema.CreateSchema(name))
    for table in sorted(_tables(tx)):
        tx.ddl(ddl.Script(f'CREATE TABLE "{schema}"."{table}" AS TABLE "{table}"'))


def restore_schema(db: Database, schema: str) -> None:
    """Put the rows of a PostgreSQL snapshot back, in one transaction; tables made since stay, empty."""
    if not _NAME.fullmatch(schema.removeprefix("snapshot_")):
        raise ValueError(schema)
    db.write_now(lambda tx: _from_schema(tx, schema), urgent=False)


def _from_schema(tx: Transaction, schema: str) -> None:
    live = _tables(tx)
    asked = sa.text(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = :schema"
    )
    kept: dict[str, list[str]] = {}
    for table, column in tx.rows(asked, {"schema": schema}):
        if column in live.get(table, ()):
            kept.setdefault(table, []).append(column)
    if not kept:
        raise refuse("storage.check_failed", check="snapshot", what=schema)
    quoted = ", ".join(f'"{table}"' for table in sorted(live))
    tx.ddl(ddl.Script(f"TRUNCATE {quoted} CASCADE"))
    tx.command("SET LOCAL session_replication_role = replica")  # rows come in any order; all keys held before
    for table, columns in kept.items():
        names = ", ".join(f'"{column}"' for column in columns)
        source = f'SELECT {names} FROM "{schema}"."{table}"'  # noqa: S608 - names read from the database
        tx.ddl(ddl.Script(f'INSERT INTO "{table}" ({names}) OVERRIDING SYSTEM VALUE {source}'))
    _count_on(tx, live)


def _count_on(tx: Transaction, live: dict[str, list[str]]) -> None:
    """Numbers given by the database go on behind the largest one put back."""
    asked = sa.text(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = current_schema() AND is_identity = 'YES'"
    )
    for table, column in tx.rows(asked):
        if table in live:
            source = sa.table(table, sa.column(column))
            largest = sa.select(sa.func.coalesce(sa.func.max(source.c[column]), 0) + 1).scalar_subquery()
            tx.rows(
                sa.select(
                    sa.func.setval(sa.func.pg_get_serial_sequence(f'"{table}"', column), largest, sa.false())
                )
            )
