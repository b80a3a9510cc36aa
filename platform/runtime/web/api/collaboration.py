"""Working together on a record: its timeline, comments, the people to mention; and what one was told."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from dacheng.metadata.expression.moments import format_instant
from dacheng.metadata.problem import refuse
from dacheng.runtime.services import audience, collaborators, comments, inbox, record_timeline
from dacheng.runtime.services.comments import Comment
from dacheng.runtime.services.inbox import Told
from dacheng.runtime.services.record_timeline import Event
from dacheng.runtime.services.write_record import Write
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.web.api.bodies import Body
from dacheng.runtime.web.api.operation import (
    MOMENT,
    NUMBER,
    TEXT,
    TRUTH,
    Json,
    Operation,
    items,
    list_of,
    shape,
)
from dacheng.runtime.web.api.read import answer
from dacheng.runtime.web.api.requests import entity_ref, parameters, record_id, whole_number
from dacheng.runtime.web.routing import SIGNED_IN, host_of, user_of, work_of
from dacheng.runtime.web.saving import save

MOST = 100
OFFERED = 8
FAR = 10**15
PERSON: Final = shape(id=TEXT, name=TEXT)
COMMENT: Final = shape(
    id=TEXT, author=TEXT, name=TEXT, text=TEXT, mentions=list_of(PERSON), at=MOMENT, edited_at=MOMENT,
    may=list_of(TEXT),
)  # fmt: skip
PAGED: Final[Json] = items(COMMENT) | {
    "properties": {"items": list_of(COMMENT), "next": {"type": ["string", "null"]}}
}
BODY: Final = Body(
    {
        "text": {"type": "string", "minLength": 1, "maxLength": comments.LONGEST},
        "mentions": {"type": "array", "items": TEXT, "maxItems": comments.MOST_MENTIONS},
    },
    ("text",),
)
MARK: Final = Body({"items": {"type": "array", "items": {"type": "integer"}, "maxItems": 500}, "read": TRUTH})
CONSENT: Final = Body({"consent": TRUTH}, ("consent",))
RIGHT: Final = Body({"right": {"enum": list(collaborators.RIGHTS)}}, ("right",))
MEMBER: Final = shape(user=TEXT, name=TEXT, right=TEXT)
TOLD: Final = shape(
    id=NUMBER, kind=TEXT, at=MOMENT, read=TRUTH, visible=TRUTH, entity=TEXT, record=TEXT, title=TEXT,
    actor=TEXT, excerpt=TEXT,
)  # fmt: skip


# ---------------------------------------------------------------- comments
async def list_comments(request: Request) -> Response:
    """Comments of a record that may be seen, the latest first; `before` is the `next` of the page before."""
    work, ref, ident = work_of(request), entity_ref(request), record_id(request)
    params = parameters(request, frozenset({"limit", "before"}))
    limit, before = whole_number(params, "limit", comments.PAGE, MOST), _before(params)
    found = await host_of(request).db.read(
        lambda reader: comments.read(reader, work, ref, ident, before, limit)
    )
    following = None if found.next is None else str(found.next)
    return answer({"items": [_comment(each) for each in found.items], "next": following})


async def add_comment(request: Request) -> Response:
    """Comment on a record; `mentions` are ids of people who may see it, and they are told."""
    body = await BODY.read(request)
    work, ref, ident = work_of(request), entity_ref(request), record_id(request)
    made = await host_of(request).db.write(
        lambda tx: comments.add(tx, work, ref, ident, body["text"], body.get("mentions", ()))
    )
    return answer(_comment(made), 201)


async def change_comment(request: Request) -> Response:
    """Correct one's own comment, within a day."""
    body = await BODY.read(request)
    work, ref, ident = work_of(request), entity_ref(request), record_id(request)
    comment = str(request.path_params["comment"])
    made = await host_of(request).db.write(
        lambda tx: comments.edit(tx, work, ref, ident, comment, body["text"], body.get("mentions", ()))
    )
    return answer(_comment(made))


async def delete_comment(request: Request) -> Response:
    """Take one's own comment away; administrators anybody's."""
    work, ref, ident = work_of(request), entity_ref(request), record_id(request)
    comment = str(request.path_params["comment"])
    await host_of(request).db.write(lambda tx: comments.delete(tx, work, ref, ident, comment))
    return Response(status_code=204)


async def list_people(request: Request) -> Response:
    """People who may see the record, to be mentioned; narrowed by `q`."""
    work, ref, ident = work_of(request), entity_ref(request), record_id(request)
    text = parameters(request, frozenset({"q"})).get("q", "")

    def read(reader: Reader) -> list[tuple[str, str]]:
        comments.demand_visible(reader, work, ref, ident)
        return audience.offered(reader, work, ref, ident, text, OFFERED)

    found = await host_of(request).db.read(read)
    return answer({"items": [{"id": each, "name": name} for each, name in found]})


# ---------------------------------------------------------------- collaborators
async def list_collaborators(request: Request) -> Response:
    """The people working on a record besides its owner."""
    work, ref, ident = work_of(request), entity_ref(request), record_id(request)
    found = await host_of(request).db.read(lambda reader: collaborators.read(reader, work, ref, ident))
    return answer({"items": [{"user": each.user, "name": each.name, "right": each.right} for each in found]})


async def put_collaborator(request: Request) -> Response:
    """Let somebody read the record (`right` read) or change it too (write)."""
    body = await RIGHT.read(request)
    work, ref, ident = work_of(request), entity_ref(request), record_id(request)
    user = str(request.path_params["user"])
    await host_of(request).db.write(lambda tx: collaborators.give(tx, work, ref, ident, user, body["right"]))
    return Response(status_code=204)


async def remove_collaborator(request: Request) -> Response:
    """Take somebody off the record."""
    work, ref, ident = work_of(request), entity_ref(request), record_id(request)
    user = str(request.path_params["user"])
    await host_of(request).db.write(lambda tx: collaborators.take(tx, work, ref, ident, user))
    return Response(status_code=204)


# ---------------------------------------------------------------- recycle bin
async def purge_record(request: Request) -> Response:
    """End a record in the recycle bin for good, with its lines and comments; `consent` true; for administrators."""
    body = await CONSENT.read(request)
    ref, ident = entity_ref(request), record_id(request)
    if body["consent"] is not True:
        raise refuse("bin.consent_missing", "/consent")
    await save(request, Write("purge", ref, ident))
    return Response(status_code=204)


# ---------------------------------------------------------------- timeline
async def show_timeline(request: Request) -> Response:
    """Everything that happened to a record in one order; `kind` is comment, change, file, rule or import."""
    work, ref, ident = work_of(request), entity_ref(request), record_id(request)
    params = parameters(request, frozenset({"kind", "limit", "before"}))
    limit, before = whole_number(params, "limit", record_timeline.PAGE, MOST), _before(params)
    found = await host_of(request).db.read(
        lambda reader: record_timeline.read(reader, work, ref, ident, params.get("kind", ""), before, limit)
    )
    following = None if found.next is None else str(found.next)
    titles = {ref: dict(names) for ref, names in found.titles.items()}
    return answer({"items": [_event(each) for each in found.events], "titles": titles, "next": following})


# ---------------------------------------------------------------- notifications
async def list_notifications(request: Request) -> Response:
    """What one was told, the latest first; of a record out of one's sight nothing but that there was something."""
    work = work_of(request)
    user_of(request)
    params = parameters(request, frozenset({"limit", "before"}))
    limit, before = whole_number(params, "limit", inbox.PAGE, MOST), _before(params)
    found = await host_of(request).db.read(lambda reader: inbox.read(reader, work, before, limit))
    following = None if found.next is None else str(found.next)
    return answer({"items": [_told(each) for each in found.items], "next": following, "unread": found.unread})


async def mark_notifications(request: Request) -> Response:
    """Note one's own notifications as read (`read` false: as unread); without `items` all of them."""
    body, work = await MARK.read(request), work_of(request)
    changed = await host_of(request).db.write(
        lambda tx: inbox.mark(tx, work, body.get("items"), read=body.get("read", True))
    )
    return answer({"changed": changed})


def _before(params: dict[str, str]) -> int | None:
    text = params.get("before")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise refuse("web.bad_parameter", name="before")
    return int(text)


def _comment(each: Comment) -> dict[str, Any]:
    return {
        "id": each.id,
        "author": each.author,
        "name": each.author_name,
        "text": each.text,
        "mentions": [{"id": ident, "name": name} for ident, name in each.mentions],
        "at": format_instant(each.at),
        "edited_at": None if each.edited_at is None else format_instant(each.edited_at),
        "may": sorted(each.may),
    }


def _event(each: Event) -> dict[str, Any]:
    return {
        "kind": each.kind,
        "at": format_instant(each.at),
        "comment": None if each.comment is None else _comment(each.comment),
        "changes": [
            {
                "seq": entry.seq, "action": entry.action, "line": entry.line or None, "record": entry.record,
                "fields": {one.field.id: [one.before, one.after] for one in entry.changes},
                "person": entry.person or None, "cause": {"kind": entry.cause_kind, "id": entry.cause},
            }
            for entry in each.entries
        ],
        "file": None if each.file is None else {
            "name": each.file.file.name, "person": each.file.remover or each.file.author,
            "action": "create" if each.file.removed_at is None else "delete",
        },
        "rules": [{"rule": why.rule, "outcome": why.outcome, "condition": why.condition} for why in each.whys],
    }  # fmt: skip


def _told(each: Told) -> dict[str, Any]:
    return {
        "id": each.seq, "kind": each.kind, "at": format_instant(each.at), "read": each.read,
        "visible": each.seen, "entity": each.entity, "record": each.record, "title": each.title,
        "actor": each.actor, "excerpt": each.excerpt,
    }  # fmt: skip


_RECORD: Final = "/api/v1/apps/{app}/{entity}/{id}"
_COMMENT: Final = _RECORD + "/comments/{comment}"
_MEMBER: Final = _RECORD + "/collaborators/{user}"
_ME: Final = "/api/v1/me/notifications"
_WINDOW: Final = (("limit", NUMBER), ("before", TEXT))
OPERATIONS: Final = (
    Operation("GET", _RECORD + "/comments", list_comments, "list_comments", PAGED, SIGNED_IN, query=_WINDOW),
    Operation(
        "POST", _RECORD + "/comments", add_comment, "add_comment", COMMENT, SIGNED_IN, body=BODY, status=201,
        per_minute=60,
    ),
    Operation("PATCH", _COMMENT, change_comment, "change_comment", COMMENT, SIGNED_IN, body=BODY),
    Operation("DELETE", _COMMENT, delete_comment, "delete_comment", {}, SIGNED_IN, status=204),
    Operation(
        "GET", _RECORD + "/people", list_people, "list_record_people", items(PERSON), SIGNED_IN,
        query=(("q", TEXT),),
    ),
    Operation(
        "GET", _RECORD + "/timeline", show_timeline, "show_timeline", items({"type": "object"}), SIGNED_IN,
        query=(("kind", TEXT), *_WINDOW),
    ),
    Operation(
        "GET", _RECORD + "/collaborators", list_collaborators, "list_collaborators", items(MEMBER), SIGNED_IN
    ),
    Operation("PUT", _MEMBER, put_collaborator, "put_collaborator", {}, SIGNED_IN, body=RIGHT, status=204),
    Operation("DELETE", _MEMBER, remove_collaborator, "remove_collaborator", {}, SIGNED_IN, status=204),
    Operation(
        "POST", _RECORD + "/purge", purge_record, "purge_record", {}, SIGNED_IN, body=CONSENT, status=204
    ),
    Operation("GET", _ME, list_notifications, "list_notifications", items(TOLD), SIGNED_IN, query=_WINDOW),
    Operation(
        "POST", _ME + "/read", mark_notifications, "mark_notifications", shape(changed=NUMBER), SIGNED_IN,
        body=MARK,
    ),
)  # fmt: skip
