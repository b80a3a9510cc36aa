"""What people were told, one row each; the same key told twice is one row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from dacheng.runtime.storage.reader import Prepared, Reader, Transaction
from dacheng.runtime.storage.system_tables import notification

_PUT_COLUMNS = ("user", "key", "kind", "entity", "record", "detail", "at")
_COLUMNS = ("seq", "kind", "entity", "record", "detail", "at", "read_at")
_b = sa.bindparam
_PUT = {
    module.__name__.rsplit(".", 1)[-1]: Prepared(
        module.insert(notification).values({n: _b(n) for n in _PUT_COLUMNS}).on_conflict_do_nothing().inline()
    )
    for module in (sqlite, postgresql)
}
_PAGE = Prepared(
    sa.select(*[notification.c[name] for name in _COLUMNS])
    .where(notification.c.user == _b("user"), notification.c.seq < _b("before", type_=sa.BigInteger()))
    .order_by(notification.c.seq.desc())
    .limit(_b("limit", type_=sa.BigInteger()))
)
_UNREAD = Prepared(
    sa.select(sa.func.count())
    .select_from(notification)
    .where(notification.c.user == _b("user"), notification.c.read_at.is_(None))
)


@dataclass(frozen=True, slots=True)
class NotificationRow:
    """One thing somebody was told; `detail` is what its kind needs to say it."""

    seq: int
    kind: str
    entity: str
    record: str
    detail: Mapping[str, Any]
    at: int
    read_at: int | None


def put(
    tx: Transaction, users: Sequence[str], key: str, kind: str, about: tuple[str, str],
    detail: Mapping[str, Any], at: int,
) -> None:  # fmt: skip
    """Tell people something about a record; whom it was told before under this key is not told again."""
    packed = orjson.dumps(detail, default=str).decode()
    same = {"key": key, "kind": kind, "entity": about[0], "record": about[1], "detail": packed, "at": at}
    tx.execute(_PUT[tx.dialect], [{**same, "user": each} for each in dict.fromkeys(users)])


def page(reader: Reader, user: str, before: int, limit: int) -> list[NotificationRow]:
    """What somebody was told, the latest first, from before a number."""
    rows = reader.rows(_PAGE, {"user": user, "before": before, "limit": limit})
    return [NotificationRow(r[0], r[1], r[2], r[3], orjson.loads(r[4]), r[5], r[6]) for r in rows]


def unread(reader: Reader, user: str) -> int:
    """How many of them are not read yet."""
    return int(reader.scalar(_UNREAD, {"user": user}))


def mark(tx: Transaction, user: str, seqs: Sequence[int] | None, now: int | None) -> int:
    """Note some (None: all) of somebody's own as read, or with `now` None as unread; answers how many changed."""
    mine = notification.c.user == user
    other = notification.c.read_at.is_(None) if now is not None else notification.c.read_at.is_not(None)
    changed = sa.update(notification).where(mine, other)
    if seqs is not None:
        changed = changed.where(notification.c.seq.in_(list(seqs)))
    return tx.execute(changed.values(read_at=now))


def forget(tx: Transaction, before: int) -> int:
    """Drop what was read before a moment (ms); answers how many."""
    return tx.execute(sa.delete(notification).where(notification.c.read_at < before))
