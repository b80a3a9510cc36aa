"""The three numbers that say whether what a process knows is still true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from dacheng.metadata.problem import refuse
from dacheng.runtime.storage.reader import Prepared, Reader, Transaction
from dacheng.runtime.storage.system_tables import version

Name = Literal["definitions", "labels", "directory"]
_READ = Prepared(sa.select(version.c.definitions, version.c.labels, version.c.directory))
_HOLD = Prepared(_READ.statement.with_for_update(read=True))  # type: ignore[attr-defined]
_ALONE = (
    f"LOCK TABLE {version.name} IN EXCLUSIVE MODE"  # PostgreSQL; unlike a query it does not fix what is seen
)
_TOUCH = Prepared(sa.update(version).values(definitions=version.c.definitions))
_BUMP = {
    name: Prepared(sa.update(version).values({name: version.c[name] + 1}))
    for name in ("definitions", "labels", "directory")
}


@dataclass(frozen=True, slots=True)
class Versions:
    """`definitions` covers packages and layers, `labels` their words alone, `directory` people and roles."""

    definitions: int = 0
    labels: int = 0
    directory: int = 0


def read_versions(reader: Reader) -> Versions:
    """The versions as this snapshot sees them."""
    row = reader.row(_READ)
    return Versions(*row) if row else Versions()


def bump(tx: Transaction, name: Name) -> None:
    """Tell every process that one of the three has changed, from the moment this transaction commits."""
    tx.execute(_BUMP[name])


def touch(tx: Transaction) -> None:
    """Make every write that still looks at what was before this transaction look again; the numbers stay.

    For who asked `alone` and takes away what others may be about to lean on. On SQLite nobody else is writing.
    """
    if tx.dialect != "sqlite":
        tx.execute(_TOUCH)


def demand(tx: Transaction, known: Versions, *, labels: bool = False, alone: bool = False) -> None:
    """Refuse with `storage.version_moved` when definitions or directory moved since `known` was read.

    They stay put until the transaction ends. Words matter to a write only when `labels` is true. What is going
    to move them, or to delete what others link to, asks `alone`, as the first thing it does: it waits for every
    write under way, sees all of them, and those that come wait for it, so that neither holds what the other needs.
    """
    if alone and tx.dialect != "sqlite":
        tx.command(_ALONE)
    row = tx.row(_HOLD)
    found = Versions(*row) if row else Versions()
    same = (found.definitions, found.directory) == (known.definitions, known.directory)
    if not same or (labels and found.labels != known.labels):
        raise refuse("storage.version_moved")
