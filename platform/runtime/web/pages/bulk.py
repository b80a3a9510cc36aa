"""Many rows of a list worked on together: what to change, a look at what it would do, then done or refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dacheng.metadata.definition import Field
from dacheng.metadata.problem import refuse
from dacheng.runtime.services import bulk_edit, read_records
from dacheng.runtime.services.bulk_edit import Change, Result, RowRefused
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.web.fields import view_of
from dacheng.runtime.web.fields.base import Choices, Marks, Setting
from dacheng.runtime.web.fields.links import held_ids
from dacheng.runtime.web.form_body import read_form, read_pairs
from dacheng.runtime.web.markup import NOTHING, drawn
from dacheng.runtime.web.page import Link, Page
from dacheng.runtime.web.render import flash, render
from dacheng.runtime.web.routing import SIGNED_IN, Route, host_of, in_thread, work_of
from dacheng.runtime.web.view.chosen import choose, known
from dacheng.runtime.web.view.list_query import query_of
from dacheng.runtime.web.view.list_state import ListState
from dacheng.runtime.web.view.setting import setting_of
from dacheng.runtime.web.words import sentences

SHOWN = 50
CHOICES = 50
OWN = frozenset({"id", "ids", "all", "state", "do", "field"})


@dataclass(frozen=True, slots=True)
class RowShown:
    """A record that stays as it is: its name, where it is, and why."""

    title: str
    href: str
    reasons: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkPage(Page):
    """One step: choosing what to change, the look before, or what came of it (`undo` takes it back)."""

    path: str
    state: str
    ids: str
    counted: str
    action: str
    fields: tuple[tuple[str, str], ...]
    field: str
    label: str
    said: str  # the value that will be set, in words
    control: Markup
    texts: tuple[tuple[str, str], ...]
    result: Result | None
    rows: tuple[RowShown, ...]
    more: int
    done: bool
    undo: str
    list: str


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the form said: which records, which field, the texts of its value, the step."""

    ids: list[str]
    action: str
    field: Field | None
    texts: dict[str, str]
    step: str
    state: str

    @property
    def runs(self) -> bool:
        """Whether this step carries the change out."""
        return self.step in ("run", "delete-run")


async def work_on_many(request: Request) -> Response:
    """The steps of a change of many records; nothing is changed before `do` says `run`."""
    work, ref = work_of(request), f"{request.path_params['app']}.{request.path_params['entity']}"
    policy, setting, db = work.entity(ref), setting_of(work), host_of(request).db
    asked = await _asked(request, work, policy, setting)
    change = _change(asked.action, asked.field, asked.texts, setting)
    result: Result | None = None
    if change is not None and asked.runs:
        result = await in_thread(bulk_edit.run, db, work, ref, asked.ids, change)
    elif change is not None and asked.step in ("look", "delete"):
        wanted = change
        result = await db.read(lambda reader: bulk_edit.preview(reader, work, ref, asked.ids, wanted))
    path = f"/apps/{ref.replace('.', '/')}"
    undo = f"{path}/bulk/{result.cause}/undo" if result is not None and result.cause else ""
    if result is not None and asked.runs and not result.refused:
        response = RedirectResponse(path + (f"?{asked.state}" if asked.state else ""), 303)
        flash(response, f"list.bulk_done_{asked.action}", undo=undo, count=f"{result.done:,}")
        return response
    control, said = await db.read(
        lambda reader: (
            _control(reader, work, asked.field, asked.texts, setting),
            _value_said(reader, work, asked.field, asked.texts, setting) if result is not None else "",
        )
    )
    return render(request, "bulk.html", _page(work, policy, asked, result, undo, control, said, setting))


async def _asked(request: Request, work: Work, policy: EntityPolicy, setting: Setting) -> _Asked:
    pairs = await read_pairs(request)
    form = {name: value for name, value in pairs if name != "id"}
    picked = [value for name, value in pairs if name == "id"] or form.get("ids", "").split(",")
    action = "delete" if form.get("do", "").startswith("delete") else "update"
    if not policy.may(action):
        raise refuse("access.not_permitted")
    ids, state = [each for each in picked if each], form.get("state", "")
    if form.get("all") == "yes" and not form.get("ids"):
        ids = await host_of(request).db.read(lambda reader: _all(reader, work, policy, state, setting))
    if not ids:
        raise refuse("bulk.nothing")
    offered = {name for name, _ in _fields(work, policy, setting)}
    field = policy.readable[form["field"]] if form.get("field") in offered else None
    texts = {name: value for name, value in form.items() if name not in OWN}
    return _Asked(ids, action, field, texts, form.get("do", ""), state)


def _page(
    work: Work,
    policy: EntityPolicy,
    asked: _Asked,
    result: Result | None,
    undo: str,
    control: Markup,
    said: str,
    setting: Setting,
) -> BulkPage:
    ref, refused = policy.entity.ref, result.refused if result is not None else ()
    path = f"/apps/{ref.replace('.', '/')}"
    back = path + (f"?{asked.state}" if asked.state else "")
    field, count = asked.field, len(asked.ids)
    return BulkPage(
        title=setting.say(f"list.bulk_{asked.action}"),
        current=ref,
        crumbs=(Link(setting.labels.entity(setting.locale, policy.entity, "plural"), back),),
        back=back,
        scripts=("list.js", *(view_of(field).scripts if field is not None else ())),
        path=f"{path}/bulk",
        state=asked.state,
        ids=",".join(asked.ids),
        counted=setting.say("list.count", count=count, shown=f"{count:,}"),
        action=asked.action,
        fields=_fields(work, policy, setting),
        field=field.id if field is not None else "",
        label=setting.labels.field(setting.locale, field) if field is not None else "",
        said=said,
        control=control,
        texts=tuple(asked.texts.items()) if result is not None else (),
        result=result,
        rows=tuple(_row(one, path, policy, setting) for one in refused[:SHOWN]),
        more=max(0, len(refused) - SHOWN),
        done=asked.runs and result is not None,
        undo=undo,
        list=back,
    )


async def take_back(request: Request) -> Response:
    """Take a change of many records back and say what came of it."""
    work, ref = work_of(request), f"{request.path_params['app']}.{request.path_params['entity']}"
    await read_form(request)
    cause = str(request.path_params["cause"])
    work.entity(ref)
    done = await in_thread(bulk_edit.take_back, host_of(request).db, work, ref, cause)
    response = RedirectResponse(f"/apps/{ref.replace('.', '/')}", 303)
    tone = "good" if not done.kept and not done.failed else "watch"
    key = "list.bulk_undone" if tone == "good" else "list.bulk_undone_some"
    flash(
        response, key, tone=tone, count=f"{done.reversed:,}", kept=f"{done.kept:,}", failed=f"{done.failed:,}"
    )
    return response


def _all(reader: Reader, work: Work, policy: EntityPolicy, text: str, setting: Setting) -> list[str]:
    """Every record of the list the person came from."""
    query = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=100))
    chosen = choose(work, policy, known(reader, work, policy.entity.ref), query.get("view", ""))
    state = ListState.of(f"/apps/{policy.entity.ref.replace('.', '/')}", query, chosen.base)
    return bulk_edit.selected(reader, work, query_of(work, policy, chosen.view, ("id",), state, setting))


def _fields(work: Work, policy: EntityPolicy, setting: Setting) -> tuple[tuple[str, str], ...]:
    """What may be set on many records: everything writable but lines, files, unique values and a workflow's field."""
    flow = work.model.catalogue.workflows.get(policy.entity.ref)
    return tuple(
        (name, setting.labels.field(setting.locale, each))
        for name, each in policy.readable.items()
        if name in policy.writable
        and bool(each.codec.columns)
        and not each.unique
        and not view_of(each).uploads
        and not each.spec.get("x-hidden")
        and (flow is None or flow.field != name)
    )


def _change(action: str, field: Field | None, texts: dict[str, str], setting: Setting) -> Change | None:
    if action == "delete":
        return Change("delete")
    if field is None:
        return None
    return Change("update", {field.id: view_of(field).read(field, setting, "value", texts)})


def _control(
    reader: Reader, work: Work, field: Field | None, texts: dict[str, str], setting: Setting
) -> Markup:
    if field is None:
        return NOTHING
    choices = {}
    if field.leads_to_records and work.policy.entity(field.to or "") is not None:
        choices[field.to or ""] = read_records.choices(reader, work, field.to or "", CHOICES, Choices.of)
    control = view_of(field).control(replace(field, required=False), setting, "value", "f-value")
    return drawn([control(texts, Marks(choices=choices))])


def _value_said(
    reader: Reader, work: Work, field: Field | None, texts: Mapping[str, str], setting: Setting
) -> str:
    """The value in the words people know it by; empty where the field will be emptied."""
    if field is None or view_of(field).read(field, setting, "value", texts) is None:
        return ""
    view, target, known = view_of(field), field.to or "", {}
    if field.leads_to_records and work.policy.entity(target) is not None:
        held = held_ids("value", texts) if field.is_links else [texts.get("value", "")]
        titles = read_records.titles(reader, work, target, [each for each in held if each])
        if field.is_link:
            return titles.get(held[0], "")
        known = {f"value.{ident}.title": title for ident, title in titles.items()}
    return view.reading(field, setting, "value", {**texts, **known})


def _row(one: RowRefused, path: str, policy: EntityPolicy, setting: Setting) -> RowShown:
    reasons = []
    for each in one.problems:
        name = policy.readable.get(each.pointer.strip("/"))
        text = sentences(setting.locale, each.message_in(setting.locale), each.hint_in(setting.locale))
        label = setting.labels.field(setting.locale, name) if name is not None else ""
        reasons.append(setting.say("form.problem", field=label, message=text) if label else text)
    return RowShown(one.title or setting.say("list.untitled"), f"{path}/{one.id}", " ".join(reasons))


ROUTES = (
    Route("/apps/{app}/{entity}/bulk", work_on_many, SIGNED_IN, ("POST",), per_minute=60),
    Route("/apps/{app}/{entity}/bulk/{cause}/undo", take_back, SIGNED_IN, ("POST",), per_minute=60),
)
