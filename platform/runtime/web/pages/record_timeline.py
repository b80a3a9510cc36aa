"""A record's timeline on a page of its own: narrowed to a kind, page by page; comments; a save taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from dacheng.metadata.problem import Problem, Refused, refuse
from dacheng.plugins.context import Cause
from dacheng.runtime.services import comments, read_records, record_timeline
from dacheng.runtime.services.read_records import RecordView
from dacheng.runtime.services.record_timeline import Timeline
from dacheng.runtime.services.undo import UNDO, latest_change, plan_undo
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.web.errors import status_of
from dacheng.runtime.web.form_body import ErrorLine, read_form
from dacheng.runtime.web.page import Link, Page
from dacheng.runtime.web.render import flash, render
from dacheng.runtime.web.routing import SIGNED_IN, Route, host_of, user_of, work_of
from dacheng.runtime.web.saving import save
from dacheng.runtime.web.view.reason import reason_of
from dacheng.runtime.web.view.record import title_of
from dacheng.runtime.web.view.record_timeline import TimelineCard, timeline_card
from dacheng.runtime.web.view.setting import setting_of
from dacheng.runtime.web.view.timeline import Place
from dacheng.runtime.web.words import sentences, words

RECORD = "/apps/{app}/{entity}/{id}"
GONE = frozenset({"record.missing", "query.unknown_entity"})
SCRIPTS = ("comments.js",)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelinePage(Page):
    """One record's timeline."""

    timeline: TimelineCard


async def show_timeline(request: Request) -> Response:
    """What happened to the record, before a moment or up to now."""
    return await _show(request)


async def add_comment(request: Request) -> Response:
    """Keep a comment; refused, the page shows it again with the reason."""
    form = await read_form(request, "text", "mentions")
    work, (ref, ident) = work_of(request), record_of(request)
    user_of(request)
    named = tuple(each for each in form["mentions"].split(",") if each)
    try:
        await host_of(request).db.write(lambda tx: comments.add(tx, work, ref, ident, form["text"], named))
    except Refused as refused:
        if refused.problems[0].code in GONE:
            raise
        return await _show(request, refused.problems, form["text"])
    return RedirectResponse(f"{_address(request)}#timeline", 303)


async def edit_comment(request: Request) -> Response:
    """Keep a comment's corrected text."""
    form = await read_form(request, "text", "mentions")
    work, (ref, ident) = work_of(request), record_of(request)
    named = tuple(each for each in form["mentions"].split(",") if each)
    comment = str(request.path_params["comment"])
    await host_of(request).db.write(
        lambda tx: comments.edit(tx, work, ref, ident, comment, form["text"], named)
    )
    return RedirectResponse(f"{_address(request)}#comment-{comment}", 303)


async def delete_comment(request: Request) -> Response:
    """Take a comment away."""
    await read_form(request)
    work, (ref, ident) = work_of(request), record_of(request)
    comment = str(request.path_params["comment"])
    await host_of(request).db.write(lambda tx: comments.delete(tx, work, ref, ident, comment))
    response = RedirectResponse(f"{_address(request)}#timeline", 303)
    flash(response, "timeline.comment_deleted")
    return response


async def undo_change(request: Request) -> Response:
    """Take a save back; the next page, or the JSON that a script asks for, offers to do it again."""
    await read_form(request)
    work, (ref, ident), host = work_of(request), record_of(request), host_of(request)
    seq = str(request.path_params["seq"])
    if not (seq.isascii() and seq.isdigit() and len(seq) < 16):
        raise refuse("undo.unknown_change")
    address, alone = _address(request), "application/json" in request.headers.get("accept", "")
    try:
        asked = await host.db.read(lambda reader: plan_undo(reader, work, ref, ident, int(seq), whole=True))
        await save(request, asked, Cause(UNDO, f"undo:{seq}", work.context.actor.id))
    except Refused as refused:
        if refused.problems[0].code in GONE:
            raise
        if alone:
            reason = reason_of(work, work.entity(ref), refused.problems)
            return JSONResponse({"reason": reason}, status_of(refused.problems))
        return await _show(request, refused.problems)
    made = await host.db.read(lambda reader: latest_change(reader, ref, ident), bounded=True)
    again = f"{address}/changes/{made}/undo" if made else ""
    if alone:
        return JSONResponse({"undo": again})
    response = RedirectResponse(address, 303)
    flash(response, "timeline.taken_back", undo=again)
    return response


# ---------------------------------------------------------------- showing
def record_of(request: Request) -> tuple[str, str]:
    """The record an address is about: entity reference and id."""
    return f"{request.path_params['app']}.{request.path_params['entity']}", str(request.path_params["id"])


def _address(request: Request) -> str:
    ref, ident = record_of(request)
    return f"/apps/{ref.replace('.', '/')}/{ident}"


async def _show(request: Request, problems: Sequence[Problem] = (), draft: str = "") -> Response:
    work, (ref, ident) = work_of(request), record_of(request)
    kind, before = request.query_params.get("kind", ""), _moment(request.query_params.get("before", ""))

    def read(reader: Reader) -> tuple[RecordView, Timeline]:
        record = read_records.get(reader, work, ref, ident)
        return record, record_timeline.read(reader, work, ref, ident, kind, before)

    record, found = await host_of(request).db.read(read)
    policy, setting, address = work.entity(ref), setting_of(work), _address(request)
    place = Place(address, "update" in record.may)
    card = timeline_card(found, work, policy, setting, place, kind=kind, before=before)
    name = title_of(record) or setting.say("list.untitled")
    page = TimelinePage(
        title=words(setting.locale)("record.timeline"),
        current=ref,
        crumbs=(
            Link(setting.labels.entity(setting.locale, policy.entity, "plural"), address.rsplit("/", 1)[0]),
            Link(name, address),
        ),
        back=address,
        scripts=SCRIPTS,
        timeline=replace(card, draft=draft, wrong=tuple(_wrong(each, setting.locale) for each in problems)),
    )
    return render(request, "record_timeline.html", page, status=status_of(problems) if problems else 200)


def _moment(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise refuse("web.bad_parameter", name="before")
    return int(text)


def _wrong(one: Problem, locale: str) -> ErrorLine:
    return ErrorLine(sentences(locale, one.message_in(locale), one.hint_in(locale)))


ROUTES = (
    Route(RECORD + "/timeline", show_timeline, SIGNED_IN),
    Route(RECORD + "/comments", add_comment, SIGNED_IN, ("POST",), per_minute=60),
    Route(RECORD + "/comments/{comment}/edit", edit_comment, SIGNED_IN, ("POST",)),
    Route(RECORD + "/comments/{comment}/delete", delete_comment, SIGNED_IN, ("POST",)),
    Route(RECORD + "/changes/{seq}/undo", undo_change, SIGNED_IN, ("POST",)),
)
