"""A form's conditions over the values it holds now, decided on the server as the browser will decide them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from dacheng.metadata.definition import Entity, Field
from dacheng.metadata.formulas import compute
from dacheng.metadata.kinds import Json
from dacheng.metadata.problem import Refused, refuse
from dacheng.runtime.services import form_defaults, form_rules, links
from dacheng.runtime.services.conditions import Subject, stored_formulas, user_values
from dacheng.runtime.services.form_rules import FormState
from dacheng.runtime.services.parse_values import starting_rows
from dacheng.runtime.services.records_at_hand import AtHand
from dacheng.runtime.services.work import Work
from dacheng.runtime.services.write_shape import WriteShape, shape_of
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.web.view.form import PreparedForm
from dacheng.runtime.web.view.form_script import own_figures


@dataclass(frozen=True, slots=True)
class Decided:
    """What the conditions say now, and what the browser needs to go on deciding: `$user`, record, now.

    `subject` is the record as the form holds it, as far as the person sees it; None where nothing looks at it.
    """

    state: FormState
    context: dict[str, Json]
    subject: Subject | None = field(default=None, compare=False)


def defaults(
    reader: Reader, work: Work, ref: str, form: str | None, given: Mapping[str, Json]
) -> dict[str, Json]:
    """What a new record with these JSON values starts with besides: the definitions' defaults, rows of lines, and its owner."""
    shape = shape_of(work, ref, form)
    policy = shape.policy
    rows = {name: each for name, each in starting_lines(shape).items() if name not in given}
    subject = subject_of(reader, work, ref, "", {**rows, **given})
    try:
        settled = form_defaults.settle(shape.defaults, subject, work.context, given, policy.readable)
    except Refused:  # the save will say so; a form can do without
        settled = {}
    found = {n: policy.entity.fields[n].codec.json(v) for n, v in settled.items() if n in policy.writable}
    found |= rows
    if "owner" in policy.writable - given.keys():
        found.setdefault("owner", work.context.actor.id)
    return found


def starting_lines(shape: WriteShape) -> dict[str, Json]:
    """The rows that the lines of a new record start with."""
    writable = shape.policy.writable
    found = {name: starting_rows(each) for name, each in shape.lines.items() if name in writable}
    return {name: rows for name, rows in found.items() if rows is not None}


def decide(
    reader: Reader,
    work: Work,
    prepared: PreparedForm,
    record_id: str,
    values: Mapping[str, Json],
    *,
    computing: bool = False,
) -> Decided:
    """The form's conditions for these JSON values over the stored record (`record_id` empty: a new one).

    `computing` is for a form of which anything follows from these values besides its conditions.
    """
    if not prepared.rules and not computing:
        return Decided(form_rules.NOTHING, _shown(work, {}))
    ref = prepared.form.entity if "." in prepared.form.entity else ""
    ref = ref or next(iter(prepared.places.values())).field.entity
    subject = subject_of(reader, work, ref, record_id, values)
    state, cleared = form_rules.settle(form_rules.conditional(prepared.form), subject, work.context)
    subject = subject.with_values(cleared)
    record = _record(subject, [path for rule in prepared.rules for path in rule.dependencies])
    return Decided(state, _shown(work, record), subject)


def looked_up(subject: Subject, one: Field) -> Any:
    """The typed value of a computed field of a record: a lookup through its links, another as the record holds it."""
    values: Mapping[str, Any] | None = subject.values
    for step in one.shows[:-1]:
        held = values.get(step.id) if values is not None else None
        values = subject.lookup(step.to or "", held) if held else None
    return values.get(one.shows[-1].id if one.shows else one.id) if values is not None else None


def as_row(subject: Subject, child: Entity, row: Mapping[str, Any]) -> Subject:
    """One line of a record, its formulas computed."""
    return replace(subject, entity=child, id="", values=row, lines={}).with_values({})


def _shown(work: Work, record: dict[str, Json]) -> dict[str, Json]:
    context = work.context
    return {
        "now": context.now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "zone": str(context.zone),
        "user": _plain(user_values(context)),
        "record": record,
    }


def subject_of(reader: Reader, work: Work, ref: str, record_id: str, values: Mapping[str, Json]) -> Subject:
    """The record as the person sees it, with the form's values over the stored ones; refused to who may not see it."""
    at_hand = AtHand(reader, work.model)
    if record_id and not at_hand.sees(work, ref, record_id):
        raise refuse("record.missing")
    stored = (at_hand.lookup(ref, record_id) or {}) if record_id else shape_of(work, ref).blank
    entity = work.model.catalogue.entities[ref]
    typed = {
        name: typed_value(entity, name, value) for name, value in values.items() if name in entity.fields
    }
    subject = at_hand.shown(work, at_hand.subject(work, ref, record_id, {**stored, **typed}))
    lines = {
        name: _lines(work, entity, name, value) for name, value in values.items() if _is_lines(entity, name)
    }
    subject = subject.with_values(_figures(work, ref, lines))  # formulas over what stands in the form
    return replace(subject, lines=lines) if lines or not record_id else subject


def _figures(work: Work, ref: str, lines: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    """Roll-ups over the lines as they stand in the form."""
    shape = shape_of(work, ref)
    return {
        name: links.figure(
            rollup.aggregate, [row.get(rollup.of or "") for row in lines[at]], shape.blank[name]
        )
        for name, (rollup, at) in own_figures(shape.policy).items()
        if at in lines
    }


def typed_value(entity: Entity, name: str, value: Json) -> Any:
    """A JSON value as its field types it; None for lines, and for what is no value."""
    field = entity.fields[name]
    if field.is_lines:
        return None
    try:
        return field.codec.parse(value)
    except Refused:
        return None


def _is_lines(entity: Entity, name: str) -> bool:
    return name in entity.fields and entity.fields[name].is_lines


def _lines(work: Work, entity: Entity, name: str, value: Json) -> Sequence[Mapping[str, Any]]:
    child = work.model.catalogue.entities[entity.fields[name].to or ""]
    rows = value if isinstance(value, list | tuple) else []
    typed = [{n: typed_value(child, n, cell) for n, cell in row.items() if n in child.fields} for row in rows]
    formulas = stored_formulas(child)
    return [{**row, **compute(formulas, child.fields, row)} for row in typed]


def _record(subject: Subject, paths: Iterable[tuple[str, ...]]) -> dict[str, Json]:
    """The JSON of what the conditions look at, links opened as far as they are followed."""
    found: dict[str, Json] = {}
    for path in paths:
        if path and not path[0].startswith("$"):
            _place(found, path, subject.entity, subject.values, subject)
    return found


def _place(
    into: dict[str, Any], path: Sequence[str], entity: Entity, values: Mapping[str, Any], subject: Subject
) -> None:
    field = entity.fields.get(path[0])
    if field is None or field.is_lines:
        return
    value = values.get(field.id)
    if len(path) == 1 or not field.is_link:
        into.setdefault(field.id, field.codec.json(value))
        return
    inner = into.get(field.id)
    if not isinstance(inner, dict):
        inner = into[field.id] = {"id": value}
    target = subject.entities.get(field.to or "")
    linked = subject.lookup(target.ref, value) if target is not None and value else None
    if target is not None and linked is not None:
        _place(inner, path[1:], target, linked, subject)


def _plain(values: Mapping[str, Any]) -> dict[str, Json]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
