"""What a person was told, shown as they may see it now: of a record out of their sight nothing is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from dacheng.plugins.context import User
from dacheng.runtime.services import read_records
from dacheng.runtime.services.directory import USER
from dacheng.runtime.services.save_plan import stamp_of
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage import comments, notifications
from dacheng.runtime.storage.notifications import NotificationRow
from dacheng.runtime.storage.reader import Reader, Transaction

PAGE = 30
EVER = 1 << 62
NO_RECORD = frozenset(
    {"import", "handover", "claim_answer"}
)  # kinds that are about work of one's own, not about one record
EXCERPT = 140
NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Told:
    """One notification. Of a record that may not be seen (any more) `seen` is False and the rest is empty."""

    seq: int
    kind: str
    at: int
    read: bool
    seen: bool
    entity: str = ""
    record: str = ""
    title: str = ""
    actor: str = ""
    excerpt: str = ""
    detail: Mapping[str, Any] = field(default_factory=lambda: NOTHING)


@dataclass(frozen=True, slots=True)
class Inbox:
    """A page of notifications, the latest first; `next` is the number to ask before for earlier ones."""

    items: tuple[Told, ...]
    next: int | None
    unread: int


def read(reader: Reader, work: Work, before: int | None = None, limit: int = PAGE) -> Inbox:
    """What the asker was told."""
    user = work.context.actor.id
    rows = notifications.page(reader, user, EVER if before is None else before, limit + 1)
    kept = rows[:limit]
    following = kept[-1].seq if len(rows) > limit else None
    return Inbox(tuple(_told(reader, work, kept)), following, notifications.unread(reader, user))


def mark(tx: Transaction, work: Work, seqs: Sequence[int] | None, *, read: bool = True) -> int:
    """Note one's own notifications (None: all) as read or unread; others' are out of reach."""
    if not isinstance(work.context.actor, User):
        return 0
    return notifications.mark(tx, work.context.actor.id, seqs, stamp_of(work).now_ms if read else None)


def _told(reader: Reader, work: Work, rows: Sequence[NotificationRow]) -> list[Told]:
    titles = _titles(reader, work, rows)
    names = read_records.titles(reader, work, USER, [str(row.detail.get("actor", "")) for row in rows])
    return [_one(reader, row, titles, names) for row in rows]


def _titles(reader: Reader, work: Work, rows: Sequence[NotificationRow]) -> dict[tuple[str, str], str]:
    """The titles of the records that may be seen, by entity and id."""
    wanted: dict[str, list[str]] = {}
    for row in rows:
        if row.kind not in NO_RECORD:
            wanted.setdefault(row.entity, []).append(row.record)
    return {
        (ref, ident): title
        for ref, ids in wanted.items()
        for ident, title in read_records.titles(reader, work, ref, ids).items()
    }


def _one(
    reader: Reader, row: NotificationRow, titles: Mapping[tuple[str, str], str], names: Mapping[str, str]
) -> Told:
    about = (row.entity, row.record)
    if row.kind not in NO_RECORD and about not in titles:
        return Told(row.seq, row.kind, row.at, row.read_at is not None, seen=False)
    said = comments.one(reader, str(row.detail.get("about", ""))) if row.kind == "mention" else None
    return Told(
        row.seq, row.kind, row.at, row.read_at is not None, seen=True, entity=row.entity, record=row.record,
        title=titles.get(about, ""), actor=names.get(str(row.detail.get("actor", "")), ""),
        excerpt=_excerpt(said.body) if said is not None and (said.entity, said.record) == about else "",
        detail=row.detail,
    )  # fmt: skip


def _excerpt(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= EXCERPT else flat[: EXCERPT - 1] + "…"
