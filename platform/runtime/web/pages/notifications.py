"""What one was told: the inbox behind the bell, each line leading to its record and read by going there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from string import Formatter
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dacheng.metadata.problem import refuse
from dacheng.runtime.services import inbox
from dacheng.runtime.services.inbox import Inbox, Told
from dacheng.runtime.services.work import Work
from dacheng.runtime.web.form_body import read_form
from dacheng.runtime.web.page import Page
from dacheng.runtime.web.render import render
from dacheng.runtime.web.routing import SIGNED_IN, Route, host_of, user_of, work_of
from dacheng.runtime.web.security import own_path
from dacheng.runtime.web.words import Words, words

ICONS = {
    "mention": "chat",
    "assigned": "user",
    "shared": "people",
    "handover": "users",
    "import": "upload",
    "rule": "bolt",
    "claim": "flag",
    "claim_answer": "flag",
    "claim_lost": "flag",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One notification in words; `href` is empty where there is nothing to go to."""

    seq: int
    icon: str
    text: str
    excerpt: str
    href: str
    at: str
    when: str
    read: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationsPage(Page):
    """A page of them; `earlier` is the address of those before."""

    lines: tuple[Line, ...]
    unread: int
    earlier: str


async def show_notifications(request: Request) -> Response:
    """The inbox."""
    work, before = work_of(request), _number(request.query_params.get("before", ""))
    user_of(request)
    found = await host_of(request).db.read(lambda reader: inbox.read(reader, work, before))
    return render(request, "notifications.html", _page(work, found))


async def read_notifications(request: Request) -> Response:
    """Note one (with `id`) or all as read, or as unread again, and go on to where the line leads."""
    form = await read_form(request, "id", "unread", "next")
    work, seq = work_of(request), _number(form["id"])
    seqs = None if seq is None else [seq]
    await host_of(request).db.write(lambda tx: inbox.mark(tx, work, seqs, read=not form["unread"]))
    return RedirectResponse(own_path(form["next"]) if form["next"] else "/notifications", 303)


def _page(work: Work, found: Inbox) -> NotificationsPage:
    say = words(work.context.locale)
    return NotificationsPage(
        title=say("inbox.title"),
        current="notifications",
        back="/",
        lines=lines_of(work, found.items),
        unread=found.unread,
        earlier="" if found.next is None else f"/notifications?before={found.next}",
    )


def lines_of(work: Work, told: Iterable[Told]) -> tuple[Line, ...]:
    """Notifications in words, in the order given."""
    say = words(work.context.locale)
    return tuple(_line(work, each, say) for each in told)


def _line(work: Work, told: Told, say: Words) -> Line:
    at = datetime.fromtimestamp(told.at / 1000, work.context.zone)
    text, href = _said(work, told, say) if told.seen else (say("inbox.unseen"), "")
    return Line(
        told.seq, ICONS.get(told.kind, "bell"), text, told.excerpt, href,
        at.isoformat(timespec="seconds"), f"{at:%m-%d %H:%M}", told.read,
    )  # fmt: skip


def _said(work: Work, told: Told, say: Words) -> tuple[str, str]:
    """The sentence and where it leads."""
    if told.kind == "import":
        return say("inbox.import", file=str(told.detail.get("file", ""))), f"/import/{told.record}"
    actor = told.actor or say("record.someone")
    if told.kind == "handover":
        return say("inbox.handover", actor=actor, count=int(told.detail.get("count", 0))), "/"
    if told.kind == "claim_answer":
        return say(
            "inbox.claim_accepted" if told.detail.get("accepted") else "inbox.claim_refused", actor=actor
        ), "/claims"
    title, href = told.title or say("list.untitled"), f"/apps/{told.entity.replace('.', '/')}/{told.record}"
    if told.kind == "rule":
        said = _rule_said(work, told.detail) if told.detail else ""
        return said or say("inbox.rule", title=title), href
    if told.kind == "claim":
        return say("inbox.claim", actor=actor, title=title), "/claims"
    if told.kind in ("mention", "assigned", "shared", "claim_lost"):
        return say(f"inbox.{told.kind}", actor=actor, title=title), href
    return title, href


def _rule_said(work: Work, detail: Mapping[str, Any]) -> str:
    """What the rule's author wrote, its places filled; what is not filled stays empty."""
    labels, locale = work.context.labels, work.context.locale
    text = labels.text(locale, str(detail.get("app", "")), str(detail.get("slot", "")))
    params = detail.get("params")
    given = params if isinstance(params, Mapping) else {}
    pieces = []
    for before, name, _, _ in Formatter().parse(text):
        pieces.append(before)
        value = given.get(name) if name is not None else None
        pieces.append("" if value is None else str(value))
    return "".join(pieces).strip()


def _number(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise refuse("web.bad_parameter", name="id")
    return int(text)


ROUTES = (
    Route("/notifications", show_notifications, SIGNED_IN),
    Route("/notifications/read", read_notifications, SIGNED_IN, ("POST",)),
)
