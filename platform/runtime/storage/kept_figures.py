"""Figures worked out once: kept by statement, values and state of the database, the oldest forgotten first."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TypeVar

import sqlalchemy as sa

from dacheng.runtime.storage.lru import Lru
from dacheng.runtime.storage.reader import Prepared, Reader
from dacheng.runtime.storage.system_tables import change_log, version
from dacheng.runtime.storage.tables import EntityTable

KEPT = 2_000  # answers an entity, of at most a thousand groups each
T = TypeVar("T")
State = tuple[object, ...]
_LAST = (
    sa.select(change_log.c.seq, change_log.c.record, change_log.c.at)
    .order_by(change_log.c.seq.desc())
    .limit(1)
    .subquery()
)
_WHOLE = sa.func.pg_snapshot_xmin(sa.func.pg_current_snapshot()) == sa.func.pg_snapshot_xmax(
    sa.func.pg_current_snapshot()
)


def _state(settled: sa.ColumnElement[bool]) -> Prepared:
    asked = sa.select(
        version.c.definitions, version.c.directory, _LAST.c.seq, _LAST.c.record, _LAST.c.at, settled
    )
    return Prepared(asked.select_from(version.outerjoin(_LAST, sa.true())))


_STATE = {"sqlite": _state(sa.literal_column("1")), "postgresql": _state(_WHOLE)}


def state(reader: Reader) -> tuple[State, bool]:
    """What the newest change was, as this snapshot sees it; and whether every change before it is seen too.

    Numbers of the change log are given before their transactions end, so that on PostgreSQL a lower one may still
    come. What was worked out while nobody was writing holds until there is a newer change.
    """
    row = reader.row(_STATE[reader.dialect])
    return (tuple(row[:5]), bool(row[5])) if row else ((), False)


def answer(reader: Reader, made: EntityTable, key: Hashable, make: Callable[[], T]) -> T:
    """What `make` gives, or gave when it was asked under the same key in the same state of the same database."""
    kept: Lru[T] | None = made.prepared.get("figures")
    if kept is None:
        kept = made.prepared.setdefault("figures", Lru(KEPT))
    at, settled = state(reader)
    whole = (reader.database, at, key)
    found = kept.peek(whole)
    if found is not None:
        return found
    return kept.get(whole, make) if settled else make()


# ---------------------------------------------------------------- what changed
EVERYTHING = "*"
MOST_NEW = 5_000
_NEW = Prepared(
    sa.select(change_log.c.seq, change_log.c.entity)
    .where(change_log.c.seq > sa.bindparam("after", type_=sa.BigInteger()))
    .order_by(change_log.c.seq)
    .limit(sa.bindparam("limit", type_=sa.BigInteger()))
)


@dataclass(frozen=True, slots=True)
class News:
    """The entities that changed since the look before; all of them, as `*`, where there was too much to read.

    `after` is the number below which nothing can come any more, `seen` are those above that were told already.
    """

    entities: frozenset[str]
    state: State
    after: int
    seen: frozenset[int]


def look(reader: Reader, before: News | None) -> News:
    """What the log tells since `before`; the first look only finds the place to go on from."""
    at, settled = state(reader)
    last = at[2] if len(at) > 2 and isinstance(at[2], int) else 0
    if before is None:
        return News(frozenset(), at, last, frozenset())
    rows = reader.rows(_NEW, {"after": before.after, "limit": MOST_NEW})
    fresh = {row[1] for row in rows if row[0] not in before.seen}
    moved = at[:2] != before.state[:2] or (last < before.after)
    if len(rows) == MOST_NEW or moved:
        return News(frozenset({EVERYTHING}), at, last, frozenset())
    if settled:
        return News(frozenset(fresh), at, last, frozenset())
    return News(frozenset(fresh), at, before.after, frozenset(row[0] for row in rows))
