"""One record: its facts, where it stands, what points to it, its history; steps, deleting and bringing back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dacheng.metadata.definition import Workflow
from dacheng.metadata.problem import Problem, Refused, refuse
from dacheng.runtime.services import attachments, handover, read_records, record_timeline, workflow
from dacheng.runtime.services.attachments import Attachment
from dacheng.runtime.services.directory import USER
from dacheng.runtime.services.gate import Query
from dacheng.runtime.services.links import held_by
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.read_records import ListPage, RecordView
from dacheng.runtime.services.record_timeline import Timeline
from dacheng.runtime.services.records_at_hand import AtHand
from dacheng.runtime.services.work import Work
from dacheng.runtime.services.workflow import Step
from dacheng.runtime.services.write_record import Write
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.web.errors import status_of
from dacheng.runtime.web.fields import view_of
from dacheng.runtime.web.fields.base import Choices, Setting
from dacheng.runtime.web.form_body import ErrorLine, read_form, read_pairs
from dacheng.runtime.web.form_files import posted_files
from dacheng.runtime.web.markup import NOTHING, drawn
from dacheng.runtime.web.page import Link, Page
from dacheng.runtime.web.render import flash, render
from dacheng.runtime.web.routing import SIGNED_IN, Route, host_of, in_thread, work_of
from dacheng.runtime.web.saving import save
from dacheng.runtime.web.security import permissions
from dacheng.runtime.web.uploads import is_multipart
from dacheng.runtime.web.view.attachments import Attached, attached_card
from dacheng.runtime.web.view.form import PreparedForm, prepare_form
from dacheng.runtime.web.view.form_page import context_script
from dacheng.runtime.web.view.form_state import Decided, decide
from dacheng.runtime.web.view.panels import PanelShown, panels
from dacheng.runtime.web.view.prepared import Prepared
from dacheng.runtime.web.view.reason import message_of
from dacheng.runtime.web.view.record import Facts, prepare_facts, title_of
from dacheng.runtime.web.view.record_timeline import TimelineCard, timeline_card
from dacheng.runtime.web.view.setting import setting_of, view_key
from dacheng.runtime.web.view.stage import Asked, Path, missing_fields, stage_path
from dacheng.runtime.web.view.table import Heading, Table, prepare_table
from dacheng.runtime.web.view.team import Team, team_of
from dacheng.runtime.web.view.timeline import Place
from dacheng.runtime.web.words import sentences

CHOICES = 50
NOT_ASKED = Asked()
GONE = ("record.missing", "query.unknown_entity", "workflow.unknown_transition")
RELATED_ROWS = 5
RELATED_COUNT = 100
NOT_RELATED = frozenset({"created_by", "updated_by"})
_facts: Prepared[tuple[PreparedForm, tuple[Facts, ...]]] = Prepared(512)
_tables: Prepared[Table] = Prepared(512)


@dataclass(frozen=True, slots=True)
class Part:
    """A section of facts as HTML, its lines' tables below."""

    id: str
    title: str
    columns: int
    facts: Markup
    lines: Markup


@dataclass(frozen=True, slots=True)
class Related:
    """Records that point here, the latest few, with the ways to all of them and to a new one."""

    title: str
    entity: str
    count: str
    heads: tuple[Heading, ...]
    rows: Markup
    all: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPage(Page):
    """Everything the record's template shows."""

    state: Markup
    version: int
    edit: str
    delete: str
    merge: str
    path: Path | None
    context: Markup  # the server's clock for a device's measurement; nothing where no step asks for one
    parts: tuple[Part, ...]
    related: tuple[Related, ...]
    timeline: TimelineCard
    attached: Attached | None = None
    largest: int = 0  # bytes that may be attached at once
    team: Team | None = None
    handover: str = ""
    panels: tuple[PanelShown, ...] = ()
    wrong: tuple[ErrorLine, ...] = ()


@dataclass(frozen=True, slots=True)
class _Found:
    record: RecordView
    decided: Decided
    steps: tuple[Step, ...]
    related: list[tuple[str, str, ListPage, int]]
    timeline: Timeline
    attached: tuple[Attachment, ...]
    team: Team | None
    over: bool
    choices: dict[str, Choices]


async def show_record(request: Request) -> Response:
    """The record's page; a line is shown by the record it stands in."""
    work, ref = work_of(request), _ref(request)
    parent = work.entity(ref).entity.parent
    if parent is None:
        return await _show(request, ())
    line = await host_of(request).db.read(
        lambda reader: read_records.get(reader, work, ref, str(request.path_params["id"])), bounded=True
    )
    return RedirectResponse(f"{_path(parent)}/{line.values[str(line.policy.entity.parent_field)]}", 303)


async def take_step(request: Request) -> Response:
    """Take a workflow step with the fields it asked for; refused, the page says what stands against it."""
    work, ref, ident = work_of(request), _ref(request), str(request.path_params["id"])
    step, flow = str(request.path_params["transition"]), work.model.catalogue.workflows.get(ref)
    policy, setting = work.entity(ref), setting_of(work)
    sent, unkept = await _sent(request, _prepared(work, policy, setting)[0])
    form = {"_version": "", "_key": "", **sent}
    if flow is None:
        raise refuse("workflow.unknown_transition", "/transition")
    if unkept:
        return await _show(request, unkept, Asked(step, form))
    values = {
        one.id: view_of(one).read(one, setting, one.id, form)
        for one in missing_fields(flow, step, policy)
        if view_of(one).sent(one.id, form)
    }
    asked = Write(
        "update", ref, ident, values, _version(form), transition=step, key=form["_key"][:100] or None
    )
    try:
        outcome = await save(request, asked)
    except Refused as refused:
        if refused.problems[0].code in GONE:
            raise
        return await _show(request, refused.problems, Asked(step, form))
    said = work.context.labels.text(work.context.locale, flow.app, f"transition:{flow.id}.{step}")
    response = RedirectResponse(f"{_path(ref)}/{outcome.id}", 303)
    flash(response, "record.moved", title=await _titles(request, ref, outcome.id), step=said)
    return response


async def _sent(request: Request, prepared: PreparedForm) -> tuple[dict[str, str], Sequence[Problem]]:
    """What was posted for a step; files that came with it (a browser without scripts) are kept first."""
    if prepared.uploads and is_multipart(request):
        return await posted_files(request, prepared)
    return dict(await read_pairs(request)), ()


async def delete_record(request: Request) -> Response:
    """Move the record to the recycle bin; the list's page offers to take it back."""
    ref, ident = _ref(request), str(request.path_params["id"])
    form = await read_form(request, "_version")
    title = await _titles(request, ref, ident)
    try:
        await save(request, Write("delete", ref, ident, expected_version=_version(form)))
    except Refused as refused:
        if refused.problems[0].code in GONE:
            raise
        return await _show(request, refused.problems)
    response = RedirectResponse(_path(ref), 303)
    flash(response, "record.deleted", undo=f"{_path(ref)}/{ident}/restore", title=title)
    return response


async def restore_record(request: Request) -> Response:
    """Bring a record back from the recycle bin and show it."""
    ref, ident = _ref(request), str(request.path_params["id"])
    await read_form(request)
    await save(request, Write("restore", ref, ident))
    response = RedirectResponse(f"{_path(ref)}/{ident}", 303)
    flash(response, "record.restored", title=await _titles(request, ref, ident))
    return response


# ---------------------------------------------------------------- reading
def _ref(request: Request) -> str:
    return f"{request.path_params['app']}.{request.path_params['entity']}"


def _path(ref: str) -> str:
    return f"/apps/{ref.replace('.', '/')}"


def _version(form: dict[str, str]) -> int | None:
    sent = form["_version"]
    return int(sent) if sent.isdecimal() and len(sent) < 16 else None


async def _titles(request: Request, ref: str, ident: str) -> str:
    work = work_of(request)
    found = await host_of(request).db.read(
        lambda reader: read_records.titles(reader, work, ref, [ident]), bounded=True
    )
    policy = work.entity(ref)
    return found.get(ident) or work.context.labels.entity(work.context.locale, policy.entity)


async def _show(request: Request, problems: Sequence[Problem], asked: Asked = NOT_ASKED) -> Response:
    work, ref, ident = work_of(request), _ref(request), str(request.path_params["id"])
    policy, setting = work.entity(ref), setting_of(work)
    if policy.entity.parent is not None:
        raise refuse("query.unknown_entity")
    prepared, facts = _prepared(work, policy, setting)
    found = await host_of(request).db.read(
        lambda reader: _read(reader, work, policy, prepared, ident, setting)
    )
    page = _page(work, policy, facts, found, setting, problems, replace(asked, choices=found.choices))
    page = replace(page, largest=host_of(request).settings.max_upload_bytes)
    if work.hooks.registered("extra_panels"):
        page = replace(page, panels=await in_thread(panels, host_of(request), work, ref, ident))
    answer = render(request, "record.html", page, status=status_of(problems) if problems else 200)
    if page.path is not None and page.path.devices:
        answer.headers["permissions-policy"] = permissions(page.path.devices)
    return answer


def _prepared(work: Work, policy: EntityPolicy, setting: Setting) -> tuple[PreparedForm, tuple[Facts, ...]]:
    ref, catalogue = policy.entity.ref, work.model.catalogue

    def make() -> tuple[PreparedForm, tuple[Facts, ...]]:
        form = prepare_form(
            catalogue.forms.get(ref), policy, catalogue.workflows.get(ref), setting, creating=False
        )
        return form, prepare_facts(form)

    return _facts.get((*view_key(work), str(setting.zone), ref), make)


def _read(
    reader: Reader, work: Work, policy: EntityPolicy, prepared: PreparedForm, ident: str, setting: Setting
) -> _Found:
    ref = policy.entity.ref
    record = read_records.get(reader, work, ref, ident)
    steps: tuple[Step, ...] = ()
    flow = work.model.catalogue.workflows.get(ref)
    if flow is not None and "update" in record.may:
        at_hand = AtHand(reader, work.model)
        values = at_hand.lookup(ref, ident) or {}
        steps = workflow.steps(flow, at_hand.subject(work, ref, ident, values), work.context)
    return _Found(
        record=record,
        decided=decide(reader, work, prepared, ident, {}),
        steps=steps,
        choices=_choices(reader, work, flow, policy, steps),
        related=list(_related(reader, work, ref, ident, setting)),
        timeline=record_timeline.read(reader, work, ref, ident),
        attached=attachments.read(reader, work, ref, ident),
        over=ref == USER and handover.is_over(reader, work, ident),
        team=team_of(reader, work, record, f"{_path(ref)}/{ident}"),
    )


def _choices(
    reader: Reader, work: Work, flow: Workflow | None, policy: EntityPolicy, steps: Sequence[Step]
) -> dict[str, Choices]:
    """What the links that steps ask for may lead to."""
    asked = (
        [one for step in steps for one in missing_fields(flow, step.transition.id, policy)] if flow else []
    )
    refs = {one.to for one in asked if one.leads_to_records and one.to}
    return {ref: read_records.choices(reader, work, ref, CHOICES, Choices.of) for ref in refs}


def _related(
    reader: Reader, work: Work, ref: str, ident: str, setting: Setting
) -> list[tuple[str, str, ListPage, int]]:
    found = []
    for other, link in _leading(work, ref):
        policy = work.policy.entity(other)
        if (
            policy is None
            or policy.entity.parent is not None
            or link not in policy.readable
            or link in NOT_RELATED
        ):
            continue
        table = _related_table(work, policy, link, setting)
        query = Query(
            other,
            table.paths,
            held_by(policy.readable[link], ident),
            ("-updated_at",) if "updated_at" in policy.readable else (),
            limit=RELATED_ROWS,
        )
        page = read_records.list_page(reader, work, query)
        found.append((other, link, page, read_records.count(reader, work, query, RELATED_COUNT + 1)))
    return found


def _leading(work: Work, ref: str) -> tuple[tuple[str, str], ...]:
    """Every field that leads to an entity, one record or several."""
    catalogue = work.model.catalogue
    return (*catalogue.links.get(ref, ()), *catalogue.many_links.get(ref, ()))


def _related_table(work: Work, policy: EntityPolicy, link: str, setting: Setting) -> Table:
    key = (*view_key(work), str(setting.zone), policy.entity.ref, link)
    view = work.model.catalogue.lists.get(policy.entity.ref)
    return _tables.get(key, lambda: prepare_table(work, policy, view, setting, without=link))


# ---------------------------------------------------------------- showing
def _page(
    work: Work,
    policy: EntityPolicy,
    facts: tuple[Facts, ...],
    found: _Found,
    setting: Setting,
    problems: Sequence[Problem],
    asked: Asked,
) -> RecordPage:
    ref, record = policy.entity.ref, found.record
    labels, locale, address = setting.labels, setting.locale, f"{_path(ref)}/{record.id}"
    flow, matched = work.model.catalogue.workflows.get(ref), work.model.catalogue.matches.get(ref)
    path = stage_path(work, flow, record, found.steps, setting, address, asked) if flow is not None else None
    entities = labels.entity(locale, policy.entity, "plural")
    hidden = found.decided.state.hidden
    return RecordPage(
        title=title_of(record) or setting.say("list.untitled"),
        current=ref,
        crumbs=(Link(entities, _path(ref)),),
        back=_path(ref),
        state=_state(flow, record, setting) if flow is not None else NOTHING,
        version=record.version,
        edit=f"{address}/edit" if "update" in record.may else "",
        delete=f"{address}/delete" if "delete" in record.may else "",
        merge=f"{address}/merge" if {"update", "delete"} <= record.may and matched else "",
        path=path,
        context=context_script(found.decided) if path is not None and path.devices else NOTHING,
        parts=tuple(
            Part(
                one.id,
                one.title,
                one.columns,
                drawn(one.draw(record, hidden)),
                drawn([draw(record) for draw in one.lines]),
            )
            for one in facts
        ),
        related=tuple(_shown_related(work, one, record, setting) for one in found.related),
        timeline=timeline_card(found.timeline, work, policy, setting, Place(address, "update" in record.may)),
        attached=attached_card(found.attached, setting, address, writable="update" in record.may),
        team=found.team,
        handover=f"/handover/{record.id}" if found.over else "",
        scripts=("comments.js", "attachments.js", *(path.scripts if path is not None else ())),
        wrong=tuple(_wrong(work, one, policy, setting) for one in problems),
    )


def _state(flow: Workflow, record: RecordView, setting: Setting) -> Markup:
    """The workflow's field as a pill beside the title; nothing where it may not be seen."""
    field = record.policy.readable.get(flow.field)
    held = record.values.get(flow.field)
    return drawn(view_of(field).cell(field, setting)((held,))) if field is not None and held else NOTHING


def _shown_related(
    work: Work, one: tuple[str, str, ListPage, int], record: RecordView, setting: Setting
) -> Related:
    other, link, page, count = one
    policy = work.entity(other)
    labels, locale = setting.labels, setting.locale
    entities = labels.entity(locale, policy.entity, "plural")
    several = other == record.policy.entity.ref or (
        sum(1 for ref, _ in _leading(work, record.policy.entity.ref) if ref == other) > 1
    )
    name = labels.field(locale, policy.readable[link])
    table = _related_table(work, policy, link, setting)
    writable = policy.may("create") and link in policy.writable
    return Related(
        title=setting.say("record.related", entities=entities, field=name) if several else entities,
        entity=labels.entity(locale, policy.entity),
        count=f"{RELATED_COUNT}+" if count > RELATED_COUNT else str(count),
        heads=table.headings,
        rows=drawn(map(table.row, page.ids, page.rows)),
        all=f"{_path(other)}?{link}={record.id}" if count > len(page.ids) else "",
        new=f"{_path(other)}/new?{link}={record.id}" if writable else "",
    )


def _wrong(work: Work, one: Problem, policy: EntityPolicy, setting: Setting) -> ErrorLine:
    said = message_of(work, policy.entity.ref, one)
    general = one.message_in(setting.locale)
    text = sentences(setting.locale, said, one.hint_in(setting.locale) if said == general else "")
    field = policy.readable.get(one.pointer.removeprefix("/"))
    if field is None:
        return ErrorLine(text)
    label = setting.labels.field(setting.locale, field)
    return ErrorLine(setting.say("form.problem", field=label, message=text))


ROUTES = (
    Route("/apps/{app}/{entity}/{id}", show_record, SIGNED_IN),
    Route(
        "/apps/{app}/{entity}/{id}/transitions/{transition}", take_step, SIGNED_IN, ("POST",), multipart=True
    ),
    Route("/apps/{app}/{entity}/{id}/delete", delete_record, SIGNED_IN, ("POST",)),
    Route("/apps/{app}/{entity}/{id}/restore", restore_record, SIGNED_IN, ("POST",)),
)
