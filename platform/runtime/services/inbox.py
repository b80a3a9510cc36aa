"""What a person was told, shown as they may see it now: of a record out of their sight nothing is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from dacheng.plugins.context import User
from dacheng.runtime.services import gate, read_records
from dacheng.runtime.services.directory import USER
from dacheng.runtime.services.records_at_hand import AtHand
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
RULE = "rule"
PARTS = ("id", "amount", "currency")
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
    at_hand = AtHand(reader, work.model)
    kept = [
        row if row.kind != RULE or _may_read(at_hand, work, row) else replace(row, detail={}) for row in rows
    ]
    return [_one(reader, row, titles, names) for row in kept]


def _may_read(at_hand: AtHand, work: Work, row: NotificationRow) -> bool:
    """Whether the asker may read all that a rule's message is filled with; else they are told without its words."""
    reads = row.detail.get("reads", {})
    filled = row.detail.get("params") or {}
    paths = {path for name in filled for path in reads.get(name, ("",))}
    return all(_sees(at_hand, work, row, path) for path in paths if not path.startswith("$user"))


def _sees(at_hand: AtHand, work: Work, row: NotificationRow, path: str) -> bool:
    """Whether a path from the record leads over records and fields that the asker sees now."""
    steps = path.removeprefix("$before.").split(".")
    if len(steps) > 1 and steps[-1] in PARTS:
        steps = steps[:-1]
    found = gate.resolve(work, row.entity, ".".join(steps))
    values = at_hand.lookup(row.entity, row.record)
    for step in found[:-1] if found is not None else ():
        held = values.get(step.id) if values is not None else None
        if held is None or not at_hand.sees(work, step.to or "", held):
            return False
        values = at_hand.lookup(step.to or "", held)
    return found is not None


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
