"""Telling people inside the product: entered in the outbox with its cause, delivered once to each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from dacheng.plugins.context import Automation, User
from dacheng.runtime.services.save_plan import Message, Plan, stamp_of
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage import notifications, outbox
from dacheng.runtime.storage.reader import Transaction

JOB = "notify"
QUIET = frozenset(
    {"import", "install", "sample", "handover", "claim", "system"}
)  # causes that tell the people once, or not at all
TOLD = (
    "app",
    "slot",
    "params",
    "reads",
)  # of a rule's message: its words, what fills them, and from which fields
NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Notice:
    """What somebody is told: `kind` is mention, assigned, shared, handover, import, rule, claim, claim_answer or claim_lost; `actor` is who did it.

    It says which record it is about and never what stands in it: that is looked up by whoever reads it.
    """

    kind: str
    entity: str
    record: str
    actor: str = ""
    about: str = ""
    more: Mapping[str, Any] = field(default_factory=lambda: NOTHING)


def payload(notice: Notice, users: Sequence[str], key: str, at: int) -> dict[str, Any]:
    """The outbox entry of a notice."""
    return {
        "kind": notice.kind, "entity": notice.entity, "record": notice.record, "users": list(users),
        "detail": {"actor": notice.actor, "about": notice.about, **notice.more}, "key": key, "at": at,
    }  # fmt: skip


def put(tx: Transaction, notice: Notice, users: Sequence[str], key: str, at: int) -> None:
    """Enter a notice in the outbox, in the transaction of its cause."""
    outbox.put(tx, JOB, payload(notice, users, key, at), key, at)


def deliver(tx: Transaction, given: Mapping[str, Any], now: int) -> None:
    """What the outbox hands over becomes a row for each person; a second time changes nothing."""
    detail = given.get("detail") or {name: given[name] for name in TOLD if name in given}
    users = [each for each in given.get("users", ()) if isinstance(each, str) and each]
    about = (str(given.get("entity", "")), str(given.get("record", "")))
    key = str(given.get("key", f"{about[1]}:{given.get('slot', '')}"))
    notifications.put(
        tx, users, key, str(given.get("kind", "rule")), about, detail, int(given.get("at", now))
    )


def tell_owner(
    plan: Plan, work: Work, ref: str, record_id: str, owner: Any, before: Any, version: int
) -> None:
    """Plan to tell whoever becomes a record's owner by somebody else's doing."""
    context = work.context
    if not isinstance(owner, str) or owner == before or context.cause.kind in QUIET:
        return
    if not isinstance(context.actor, User | Automation):
        return
    person = context.cause.person or context.actor.id
    if owner in (person, context.actor.id):
        return
    key = f"assigned:{record_id}:{version}"
    notice = Notice("assigned", ref, record_id, person)
    plan.messages.append(Message(JOB, payload(notice, [owner], key, stamp_of(work).now_ms), key))
