"""The event log is its own queue: consumers keep a cursor by sequence; an id is accepted once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from dacheng.runtime.storage import ddl
from dacheng.runtime.storage.failures import Again, is_unique
from dacheng.runtime.storage.reader import Prepared, Reader, Row, Transaction
from dacheng.runtime.storage.system_tables import event, event_cursor, event_id

_IN_ORDER = 7_201_003  # on PostgreSQL appends take turns, so that no cursor passes a number not yet committed
_COLUMNS = (
    "recorded_at", "id", "type", "subject_kind", "subject", "occurred_at", "actor", "trust", "payload",
)  # fmt: skip
_INSERT = Prepared(event.insert().values({name: sa.bindparam(name) for name in _COLUMNS}).inline())
_INSERT_ID = Prepared(
    event_id.insert().values(id=sa.bindparam("id"), recorded_at=sa.bindparam("recorded_at")).inline()
)
_SELECT = sa.select(event.c.seq, *[event.c[name] for name in _COLUMNS])
_AFTER = Prepared(
    _SELECT.where(event.c.seq > sa.bindparam("after", type_=sa.BigInteger()))
    .order_by(event.c.seq)
    .limit(sa.bindparam("limit", type_=sa.BigInteger()))
)
_CURSOR = Prepared(
    sa.select(event_cursor.c.position).where(event_cursor.c.consumer == sa.bindparam("consumer"))
)
_HEAD = Prepared(sa.select(sa.func.max(event.c.seq)))


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: times in ms, `payload` JSON already checked against its type."""

    id: str
    type: str
    subject_kind: str
    subject: str
    occurred_at: int
    recorded_at: int
    actor: str
    trust: str
    payload: Mapping[str, Any]
    seq: int = 0


def append(tx: Transaction, events: Sequence[Event]) -> list[str]:
    """Add events in order; answers the ids that were new. One seen before (within retention) is passed over."""
    known = _known(tx, [each.id for each in events])
    fresh: dict[str, Event] = {}
    for each in events:
        if each.id not in known:
            fresh.setdefault(each.id, each)
    if not fresh:
        return []
    if tx.dialect == "postgresql":
        tx.advisory_lock(_IN_ORDER)
        for month in {_month(each.recorded_at) for each in fresh.values()}:
            _ensure_month(tx, *month)
    try:
        tx.execute(_INSERT_ID, [{"id": e.id, "recorded_at": e.recorded_at} for e in fresh.values()])
    except Exception as error:
        if is_unique(error):
            raise Again from error
        raise
    tx.execute(_INSERT, [_params(each) for each in fresh.values()])
    return list(fresh)


def _known(reader: Reader, ids: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(ids), 400):
        some = sa.select(event_id.c.id).where(event_id.c.id.in_(ids[start : start + 400]))
        found.update(row[0] for row in reader.rows(some))
    return found


def _params(each: Event) -> dict[str, Any]:
    given = {name: getattr(each, name) for name in _COLUMNS if name != "payload"}
    given["payload"] = orjson.dumps(each.payload, default=str).decode()
    return given


def after(reader: Reader, position: int, limit: int = 500) -> list[Event]:
    """The next events behind a position, in order."""
    return [_event(row) for row in reader.rows(_AFTER, {"after": position, "limit": limit})]


def head(reader: Reader) -> int:
    """The latest event's number."""
    return int(reader.scalar(_HEAD) or 0)


def cursor(reader: Reader, consumer: str) -> int:
    """How far a consumer has come; 0 at the beginning."""
    return int(reader.scalar(_CURSOR, {"consumer": consumer}) or 0)


def advance(tx: Transaction, consumer: str, position: int, now: int) -> None:
    """Move a consumer's cursor, in the transaction of what it made of the events; never back."""
    kind: Any = sqlite if tx.dialect == "sqlite" else postgresql
    put = kind.insert(event_cursor).values(consumer=consumer, position=position, at=now)
    moved = put.on_conflict_do_update(
        index_elements=[event_cursor.c.consumer],
        set_={"position": put.excluded.position, "at": put.excluded.at},
        where=event_cursor.c.position < put.excluded.position,
    )
    tx.execute(moved)


def forget_ids(tx: Transaction, before: int) -> int:
    """Drop the ids of events recorded before a moment (ms): after it they could be accepted once more."""
    return tx.execute(sa.delete(event_id).where(event_id.c.recorded_at < before))


def _event(row: Row) -> Event:
    seq, recorded, key, kind, subject_kind, subject, occurred, actor, trust, payload = row
    return Event(
        key, kind, subject_kind, subject, occurred, recorded, actor, trust, orjson.loads(payload), seq
    )


def _month(ms: int) -> tuple[int, int]:
    moment = datetime.fromtimestamp(ms / 1000, UTC)
    return moment.year, moment.month


def _ensure_month(tx: Transaction, year: int, month: int) -> None:
    start = int(datetime(year, month, 1, tzinfo=UTC).timestamp() * 1000)
    after_it = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    stop = int(after_it.timestamp() * 1000)
    name = f"_event_{year:04d}_{month:02d}"
    if tx.scalar(sa.select(sa.func.to_regclass(name))) is None:
        tx.ddl(ddl.Script(f"CREATE TABLE {name} PARTITION OF _event FOR VALUES FROM ({start}) TO ({stop})"))
