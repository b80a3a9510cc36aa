"""Work for after the commit, kept in the transaction of its cause: mails, webhooks, timers.

Each entry runs at least once. A worker holds a lease with a fence number; an effect inside the database
that commits together with `done` happens exactly once, because a lost lease makes `done` answer False.
Entries of one lane run in order.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from dacheng.runtime.storage.reader import Prepared, Reader, Transaction
from dacheng.runtime.storage.system_tables import WAITING, outbox

FIRST_PAUSE_MS = 5_000
LONGEST_PAUSE_MS = 3_600_000
GIVE_UP_MS = 24 * 3600 * 1000
_b = sa.bindparam
_COLUMNS = ("kind", "key", "lane", "payload", "state", "due_at", "created_at")
_PUT = {
    module.__name__.rsplit(".", 1)[-1]: Prepared(
        module.insert(outbox).values({n: _b(n) for n in _COLUMNS}).on_conflict_do_nothing().inline()
    )
    for module in (sqlite, postgresql)
}


@dataclass(frozen=True, slots=True)
class Job:
    """One entry in a worker's hands; `fence` is the number of its lease."""

    seq: int
    kind: str
    key: str
    lane: str | None
    payload: Any
    attempts: int
    fence: int
    created_at: int


def put(
    tx: Transaction, kind: str, payload: Any, key: str, now: int | None = None, *, lane: str | None = None,
    due_at: int | None = None,
) -> bool:  # fmt: skip
    """Queue an entry; the same kind and key twice is one entry (False the second time). `due_at` in ms."""
    moment = int(time.time() * 1000) if now is None else now
    row = {
        "kind": kind,
        "key": key,
        "lane": lane,
        "payload": orjson.dumps(payload, default=str).decode(),
        "state": "waiting",
        "due_at": moment if due_at is None else due_at,
        "created_at": moment,
    }
    return tx.execute(_PUT[tx.dialect], row) == 1


def take(
    tx: Transaction,
    owner: str,
    now: int,
    *,
    kinds: Sequence[str] = (),
    lease_ms: int = 60_000,
    limit: int = 10,
) -> list[Job]:
    """Lease what is due, oldest first; within a lane only its first entry. Other workers skip what is taken."""
    other = outbox.alias("earlier")
    earlier = sa.exists(
        sa.select(sa.literal_column("1")).where(
            other.c.lane == outbox.c.lane, other.c.seq < outbox.c.seq, other.c.state == WAITING
        )
    )
    free = sa.or_(outbox.c.lease_until.is_(None), outbox.c.lease_until <= now)
    due = sa.select(outbox.c.seq).where(
        outbox.c.state == WAITING, outbox.c.due_at <= now, free, sa.not_(earlier)
    )
    if kinds:
        due = due.where(outbox.c.kind.in_(list(kinds)))
    due = due.order_by(outbox.c.due_at, outbox.c.seq).limit(limit).with_for_update(skip_locked=True)
    chosen = [row[0] for row in tx.rows(due)]
    if not chosen:
        return []
    mine = outbox.c.seq.in_(chosen)
    tx.execute(
        sa.update(outbox)
        .where(mine)
        .values(
            lease_until=now + lease_ms,
            owner=owner,
            fence=outbox.c.fence + 1,
            attempts=outbox.c.attempts + 1,
        )
    )
    wanted = sa.select(
        outbox.c.seq, outbox.c.kind, outbox.c.key, outbox.c.lane, outbox.c.payload, outbox.c.attempts,
        outbox.c.fence, outbox.c.created_at,
    ).where(mine)  # fmt: skip
    rows = tx.rows(wanted.order_by(outbox.c.due_at, outbox.c.seq))
    return [Job(r[0], r[1], r[2], r[3], orjson.loads(r[4]), r[5], r[6], r[7]) for r in rows]


def hold(tx: Transaction, job: Job, now: int, *, lease_ms: int = 60_000) -> bool:
    """Lease an entry for longer, before its effect. False: the lease was lost, another worker has it."""
    changed = sa.update(outbox).where(
        outbox.c.seq == job.seq, outbox.c.fence == job.fence, outbox.c.state == WAITING
    )
    return tx.execute(changed.values(lease_until=now + lease_ms)) == 1


def done(tx: Transaction, job: Job, now: int) -> bool:
    """Finish an entry. False: the lease was lost, so undo whatever else this transaction did."""
    changed = sa.update(outbox).where(
        outbox.c.seq == job.seq, outbox.c.fence == job.fence, outbox.c.state == WAITING
    )
    return tx.execute(changed.values(state="done", done_at=now, lease_until=None)) == 1


def fail(tx: Transaction, job: Job, reason: str, now: int, *, for_good: bool = False) -> bool:
    """Try again later, each time after twice the pause; after a day, or `for_good`, it is parked as dead."""
    pause = min(FIRST_PAUSE_MS * 2 ** min(job.attempts - 1, 20), LONGEST_PAUSE_MS)
    dead = for_good or now + pause - job.created_at > GIVE_UP_MS
    changed = sa.update(outbox).where(
        outbox.c.seq == job.seq, outbox.c.fence == job.fence, outbox.c.state == WAITING
    )
    values = {"state": "dead" if dead else "waiting", "due_at": now + pause, "reason": reason[:1000]}
    return tx.execute(changed.values(**values, done_at=now if dead else None, lease_until=None)) == 1


def next_due(reader: Reader) -> int | None:
    """When the next entry is due (ms), or None."""
    found = reader.scalar(sa.select(sa.func.min(outbox.c.due_at)).where(outbox.c.state == WAITING))
    return None if found is None else int(found)


def head(reader: Reader) -> int:
    """The number of the latest entry: it grows when another process commits one."""
    return int(reader.scalar(sa.select(sa.func.max(outbox.c.seq))) or 0)


def sweep(tx: Transaction, before: int) -> int:
    """Drop entries that were finished or discarded before a moment (ms); answers how many."""
    ended = outbox.c.state.in_(["done", "discarded"])
    return tx.execute(sa.delete(outbox).where(ended, outbox.c.done_at < before))
