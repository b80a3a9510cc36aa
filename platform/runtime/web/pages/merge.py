"""Two records of the same thing become one: choose the other, choose values, and take it back if it was wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dacheng.metadata.definition import Field
from dacheng.metadata.problem import Problem, Refused, refuse
from dacheng.runtime.services import duplicates, merge_records, read_records
from dacheng.runtime.services.merge_records import Merge
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.read_records import RecordView
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.web.errors import status_of
from dacheng.runtime.web.fields.base import Setting, options, symbol
from dacheng.runtime.web.form_body import ErrorLine, read_form, read_pairs
from dacheng.runtime.web.markup import NOTHING, drawn
from dacheng.runtime.web.page import Link, Page
from dacheng.runtime.web.render import flash, render
from dacheng.runtime.web.routing import SIGNED_IN, Route, host_of, in_thread, work_of
from dacheng.runtime.web.view.duplicates import shown
from dacheng.runtime.web.view.record import title_of, value_drawing
from dacheng.runtime.web.view.setting import setting_of

OFFERED = 50
TAKE = "take."


@dataclass(frozen=True, slots=True)
class Row:
    """One field in which the two differ; `take` says that the other's value is the one to begin with."""

    id: str
    label: str
    own: Markup
    other: Markup
    take: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MergePage(Page):
    """Either the choice of the other record, or both side by side."""

    action: str
    entity: str
    other: str = ""
    stays: str = ""
    goes: str = ""
    likely: tuple[Link, ...] = ()
    picker: Markup = NOTHING
    rows: tuple[Row, ...] = ()
    wrong: tuple[ErrorLine, ...] = ()


async def show(request: Request) -> Response:
    """Choose the other record; with `?with=` compare the two."""
    return await _show(request, request.query_params.get("with", "")[:40], ())


async def carry_out(request: Request) -> Response:
    """Merge, and show the record that stays with a way back."""
    work, ref, ident = work_of(request), _ref(request), str(request.path_params["id"])
    sent = dict(await read_pairs(request))
    other = sent.get("with", "")[:40]
    take = frozenset(name.removeprefix(TAKE) for name, on in sent.items() if name.startswith(TAKE) and on)
    try:
        done = await in_thread(merge_records.merge, host_of(request).db, work, Merge(ref, ident, other, take))
    except Refused as refused:
        if refused.problems[0].code in ("record.missing", "query.unknown_entity"):
            raise
        return await _show(request, other, refused.problems)
    response = RedirectResponse(f"{_path(ref)}/{quote(ident)}", 303)
    flash(response, "merge.done", undo=f"{_path(ref)}/merges/{done.id}/undo", count=str(done.moved))
    return response


async def undo(request: Request) -> Response:
    """Take a merge back and say how far that went."""
    await read_form(request)
    work, ref = work_of(request), _ref(request)
    work.entity(ref)
    done = await in_thread(merge_records.undo, host_of(request).db, work, str(request.path_params["merge"]))
    response = RedirectResponse(_path(ref), 303)
    flash(response, "merge.undone", moved=str(done.moved), kept=str(done.kept))
    return response


def _ref(request: Request) -> str:
    return f"{request.path_params['app']}.{request.path_params['entity']}"


def _path(ref: str) -> str:
    return f"/apps/{ref.replace('.', '/')}"


async def _show(request: Request, other: str, problems: Sequence[Problem]) -> Response:
    work, ref, ident = work_of(request), _ref(request), str(request.path_params["id"])
    policy, setting = work.entity(ref), setting_of(work)
    if policy.entity.parent is not None:
        raise refuse("query.unknown_entity")
    page = await host_of(request).db.read(
        lambda reader: _read(reader, work, policy, setting, ident, other, problems)
    )
    return render(request, "merge.html", page, status=status_of(problems) if problems else 200)


def _read(
    reader: Reader,
    work: Work,
    policy: EntityPolicy,
    setting: Setting,
    ident: str,
    other: str,
    problems: Sequence[Problem],
) -> MergePage:
    ref, say = policy.entity.ref, setting.say
    record = read_records.get(reader, work, ref, ident)
    if "update" not in record.may:
        raise refuse("access.not_permitted")
    title = title_of(record) or say("list.untitled")
    address = f"{_path(ref)}/{ident}"
    shared: dict[str, Any] = {
        "title": say("merge.title", title=title),
        "current": ref,
        "crumbs": (
            Link(setting.labels.entity(setting.locale, policy.entity, "plural"), _path(ref)),
            Link(title, address),
        ),
        "back": address,
        "action": f"{address}/merge",
        "entity": setting.labels.entity(setting.locale, policy.entity),
        "wrong": tuple(ErrorLine(_wrong(policy, setting, one)) for one in problems),
        "scripts": ("merge.js",),
    }
    if not other:
        likely = tuple(_likely(reader, work, policy, setting, record))
        return MergePage(**shared, likely=likely, picker=_picker(reader, work, policy, setting, ident))
    gone = read_records.get(reader, work, ref, other)
    rows = tuple(_rows(reader, work, policy, setting, record, gone))
    goes = title_of(gone) or say("list.untitled")
    return MergePage(**shared, other=other, stays=title, goes=goes, rows=rows)


def _likely(
    reader: Reader, work: Work, policy: EntityPolicy, setting: Setting, record: RecordView
) -> list[Link]:
    values = {name: value for name, value in record.values.items() if value is not None}
    found = [each for each in duplicates.find(reader, work, policy.entity.ref, values, record.id) if each.id]
    return [
        Link(text.title, f"{_path(policy.entity.ref)}/{record.id}/merge?with={one.id}", key=text.why)
        for one, text in zip(found, shown(found, policy, setting), strict=True)
    ]


def _picker(reader: Reader, work: Work, policy: EntityPolicy, setting: Setting, ident: str) -> Markup:
    """A select of the first records by title; with scripts, a search over all of them."""
    ref = policy.entity.ref
    pairs = [pair for pair in read_records.pick_list(reader, work, ref, "", OFFERED) if pair[0] != ident]
    found = options([("", setting.say("field.choose")), *pairs], "")
    arrow = symbol(setting.icons, "down")
    return drawn(
        f'<span class="combo-box" data-combo="{_path(ref)}/pick"><span class="select">'
        f'<select class="in" name="with" id="f-with" required>{found}</select>{arrow}</span></span>'
    )


def _rows(
    reader: Reader,
    work: Work,
    policy: EntityPolicy,
    setting: Setting,
    record: RecordView,
    gone: RecordView,
) -> list[Row]:
    rows = []
    for name in merge_records.offered(reader, work, policy.entity.ref, record.id):
        if name in record.unseen or name in gone.unseen or record.values.get(name) == gone.values.get(name):
            continue
        field = policy.readable[name]
        own, other = _drawn(field, setting, record), _drawn(field, setting, gone)
        empty = record.values.get(name) is None
        rows.append(Row(name, setting.labels.field(setting.locale, field), own, other, empty))
    return rows


def _wrong(policy: EntityPolicy, setting: Setting, one: Problem) -> str:
    """What was refused, with the field's name where a field is the reason."""
    message, steps = one.message_in(setting.locale), one.pointer.strip("/").split("/")
    field = policy.readable.get(steps[-1] if steps[0] == "take" else steps[0])
    if field is None:
        return message
    return setting.say("form.problem", field=setting.labels.field(setting.locale, field), message=message)


def _drawn(field: Field, setting: Setting, record: RecordView) -> Markup:
    titles: Mapping[str, Mapping[str, str]] = record.titles
    html = value_drawing(field, setting)(record.values.get(field.id), titles)
    return drawn(html) if html else Markup.escape(setting.say("record.empty_value"))


ROUTES = (
    Route("/apps/{app}/{entity}/{id}/merge", show, SIGNED_IN),
    Route("/apps/{app}/{entity}/{id}/merge", carry_out, SIGNED_IN, ("POST",)),
    Route("/apps/{app}/{entity}/merges/{merge}/undo", undo, SIGNED_IN, ("POST",)),
)
