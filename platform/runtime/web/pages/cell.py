"""One cell of a list changed in place: its control, fetched when somebody opens it, and the save."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from dacheng.metadata.definition import Field
from dacheng.metadata.problem import Refused, refuse
from dacheng.runtime.services import read_records, undo
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.work import Work
from dacheng.runtime.services.write_record import Write
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.web.errors import status_of
from dacheng.runtime.web.fields import view_of
from dacheng.runtime.web.fields.base import Choices, Marks, Setting
from dacheng.runtime.web.form_body import read_pairs
from dacheng.runtime.web.markup import drawn
from dacheng.runtime.web.page import Page
from dacheng.runtime.web.render import render
from dacheng.runtime.web.routing import SIGNED_IN, Route, host_of, work_of
from dacheng.runtime.web.saving import save
from dacheng.runtime.web.view.cell_edit import in_place
from dacheng.runtime.web.view.reason import reason_of
from dacheng.runtime.web.view.setting import setting_of

CHOICES = 50
GONE = ("record.missing", "query.unknown_entity", "query.unknown_field")


@dataclass(frozen=True, slots=True, kw_only=True)
class CellPage(Page):
    """The small form that stands in a cell; the record's `version` is what its reader saw."""

    action: str
    field: str
    name: str
    label: str
    version: int
    control: Markup
    wide: bool
    needs: tuple[str, ...]  # the scripts of its control


async def show_cell(request: Request) -> Response:
    """The form of one field of a record that may be changed."""
    work, ref, ident = work_of(request), _ref(request), str(request.path_params["id"])
    policy, setting = work.entity(ref), setting_of(work)
    field = _field(work, policy, request.query_params.get("field", ""))
    version, control = await host_of(request).db.read(
        lambda reader: _control(reader, work, policy, ident, field, setting)
    )
    name = setting.labels.field(setting.locale, field)
    page = CellPage(
        title="",
        action=f"/apps/{ref.replace('.', '/')}/{ident}/cell",
        field=field.id,
        name=name,
        label=setting.say("list.cell_change", field=name),
        version=version,
        control=control,
        wide=view_of(field).grouped or view_of(field).block,
        needs=view_of(field).scripts,
    )
    return render(request, "cell.html", page)


async def save_cell(request: Request) -> Response:
    """Save the field as a form would; JSON says the new version and what takes it back, or the reason."""
    work, ref, ident = work_of(request), _ref(request), str(request.path_params["id"])
    policy, setting = work.entity(ref), setting_of(work)
    form = {"field": "", "version": "", **dict(await read_pairs(request))}
    field = _field(work, policy, form["field"])
    if not (form["version"].isdecimal() and len(form["version"]) < 16):
        raise refuse("web.bad_parameter", name="version")
    value = view_of(field).read(field, setting, "value", form)
    try:
        outcome = await save(request, Write("update", ref, ident, {field.id: value}, int(form["version"])))
    except Refused as refused:
        if refused.problems[0].code in GONE:
            raise
        reason = reason_of(work, policy, refused.problems)
        return JSONResponse({"reason": reason}, status_of(refused.problems))
    if outcome.version == int(form["version"]):  # nothing changed, so nothing is taken back
        return JSONResponse({"version": outcome.version, "undo": ""})
    seq = await host_of(request).db.read(
        lambda reader: undo.own_change(reader, work, ref, ident), bounded=True
    )
    back = f"/apps/{ref.replace('.', '/')}/{ident}/changes/{seq}/undo" if seq else ""
    return JSONResponse({"version": outcome.version, "undo": back})


def _ref(request: Request) -> str:
    return f"{request.path_params['app']}.{request.path_params['entity']}"


def _field(work: Work, policy: EntityPolicy, name: str) -> Field:
    """The field by its id; one that is hidden is as unknown as one that is misspelt."""
    field = policy.readable.get(name)
    if field is None:
        raise refuse("query.unknown_field", "/field", name=name)
    if not in_place(work, policy, field):
        raise refuse("access.not_permitted")
    return field


def _control(
    reader: Reader, work: Work, policy: EntityPolicy, ident: str, field: Field, setting: Setting
) -> tuple[int, Markup]:
    record = read_records.get(reader, work, policy.entity.ref, ident)
    if "update" not in record.may or field.id in record.unseen:
        raise refuse("access.not_permitted")
    choices, target, held = {}, field.to or "", record.values.get(field.id)
    texts = view_of(field).texts(field, setting, "value", field.codec.json(held))
    if field.leads_to_records and work.policy.entity(target) is not None:
        choices[target] = read_records.choices(reader, work, target, CHOICES, Choices.of)
        texts |= _titles(field, held, record.titles.get(target, {}))
    draw = view_of(field).control(replace(field, required=False), setting, "value", "cell-value")
    return record.version, drawn(draw(texts, Marks(choices=choices, described="cell-reason")))


def _titles(field: Field, held: Any, titles: Mapping[str, str]) -> dict[str, str]:
    """What linked records are called, by the inputs that hold them."""
    if field.is_links:
        return {f"value.{each}.title": titles.get(each, "") for each in held or ()}
    return {"value.title": titles.get(held, "") if held else ""}


ROUTES = (
    Route("/apps/{app}/{entity}/{id}/cell", show_cell, SIGNED_IN, per_minute=600),
    Route("/apps/{app}/{entity}/{id}/cell", save_cell, SIGNED_IN, ("POST",)),
)
