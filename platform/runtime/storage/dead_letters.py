"""Entries of the outbox that were given up: read, tried again under their own key, or discarded for good.

Kind and key stay taken whatever becomes of an entry, so that nothing is queued, and sent, a second time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from dacheng.runtime.storage.reader import Reader, Transaction
from dacheng.runtime.storage.system_tables import outbox

_DEAD = outbox.c.state == "dead"
_COLUMNS = tuple(
    outbox.c[name]
    for name in ("seq", "kind", "key", "attempts", "reason", "created_at", "done_at", "payload")
)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An entry that was given up at `failed_at` (ms), with the last reason."""

    seq: int
    kind: str
    key: str
    attempts: int
    reason: str
    created_at: int
    failed_at: int
    payload: Any


def latest(reader: Reader, limit: int = 100) -> list[DeadLetter]:
    """What was given up, the latest first."""
    return [_letter(row) for row in reader.rows(_select().order_by(outbox.c.seq.desc()).limit(limit))]


def count(reader: Reader) -> int:
    """How many there are."""
    return int(reader.scalar(sa.select(sa.func.count()).select_from(outbox).where(_DEAD)) or 0)


def get(reader: Reader, seq: int) -> DeadLetter | None:
    """One of them; None for an entry that is not, or no longer, given up."""
    row = reader.row(_select().where(outbox.c.seq == seq))
    return None if row is None else _letter(row)


def revive(tx: Transaction, now: int, seq: int | None = None) -> int:
    """Try one again, or all of them, with a new day to succeed in; answers how many."""
    changed = sa.update(outbox).where(_DEAD, *([] if seq is None else [outbox.c.seq == seq]))
    fresh = {"state": "waiting", "due_at": now, "created_at": now, "attempts": 0}
    return tx.execute(changed.values(**fresh, reason=None, done_at=None))


def discard(tx: Transaction, seq: int, now: int) -> bool:
    """Give one up for good. False: it is not among those given up."""
    changed = sa.update(outbox).where(_DEAD, outbox.c.seq == seq)
    return tx.execute(changed.values(state="discarded", done_at=now)) == 1


def _select() -> sa.Select[Any]:
    return sa.select(*_COLUMNS).where(_DEAD)


def _letter(row: Any) -> DeadLetter:
    seq, kind, key, attempts, reason, created_at, failed_at, payload = row
    return DeadLetter(
        seq, kind, key, attempts, reason or "", created_at, failed_at or created_at, orjson.loads(payload)
    )
