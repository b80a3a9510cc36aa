"""A form's conditions over the values it holds now, decided on the server as the browser will decide them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dacheng.metadata.definition import Entity
from dacheng.metadata.kinds import Json
from dacheng.metadata.problem import Refused
from dacheng.runtime.services import form_rules
from dacheng.runtime.services.conditions import Subject, user_values, value_of
from dacheng.runtime.services.form_rules import FormState
from dacheng.runtime.services.parse_values import starting_rows
from dacheng.runtime.services.records_at_hand import AtHand
from dacheng.runtime.services.work import Work
from dacheng.runtime.services.write_shape import shape_of
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.web.view.form import PreparedForm


@dataclass(frozen=True, slots=True)
class Decided:
    """What the conditions say now, and what the browser needs to go on deciding: `$user`, record, now."""

    state: FormState
    context: dict[str, Json]


def defaults(reader: Reader, work: Work, ref: str, form: str | None) -> dict[str, Json]:
    """What a new record starts with: the definitions' defaults, rows of lines, and its owner, as JSON."""
    shape = shape_of(work, ref, form)
    policy = shape.policy
    subject = _subject(reader, work, ref, "", {})
    found: dict[str, Json] = {}
    for name, expression in shape.defaults:
        field = policy.entity.fields.get(name)
        if field is not None and name in policy.writable:
            found[name] = field.codec.json(value_of(expression, subject, work.context))
    for name, each in shape.lines.items():
        if name in policy.writable and (rows := starting_rows(each)) is not None:
            found[name] = rows
    if "owner" in policy.writable:
        found.setdefault("owner", work.context.actor.id)
    return found


def decide(
    reader: Reader, work: Work, prepared: PreparedForm, record_id: str, values: Mapping[str, Json]
) -> Decided:
    """The form's conditions for these JSON values over the stored record (`record_id` empty: a new one)."""
    if not prepared.rules:
        return Decided(form_rules.NOTHING, _shown(work, {}))
    ref = prepared.form.entity if "." in prepared.form.entity else ""
    ref = ref or next(iter(prepared.places.values())).field.entity
    subject = _subject(reader, work, ref, record_id, values)
    state, cleared = form_rules.settle(form_rules.conditional(prepared.form), subject, work.context)
    subject = subject.with_values(cleared)
    record = _record(subject, [path for rule in prepared.rules for path in rule.dependencies])
    return Decided(state, _shown(work, record))


def _shown(work: Work, record: dict[str, Json]) -> dict[str, Json]:
    context = work.context
    return {
        "now": context.now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "zone": str(context.zone),
        "user": _plain(user_values(context)),
        "record": record,
    }


def _subject(reader: Reader, work: Work, ref: str, record_id: str, values: Mapping[str, Json]) -> Subject:
    """The record as the person sees it, with the form's values over the stored ones."""
    at_hand = AtHand(reader, work.model)
    stored = (at_hand.lookup(ref, record_id) or {}) if record_id else {}
    entity = work.model.catalogue.entities[ref]
    typed = {name: _typed(entity, name, value) for name, value in values.items() if name in entity.fields}
    subject = at_hand.shown(work, at_hand.subject(work, ref, record_id, {**stored, **typed}))
    lines = {
        name: _lines(work, entity, name, value) for name, value in values.items() if _is_lines(entity, name)
    }
    subject = subject.with_values({})  # formulas over what stands in the form
    return replace(subject, lines=lines) if lines or not record_id else subject


def _typed(entity: Entity, name: str, value: Json) -> Any:
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
    return [
        {key: _typed(child, key, cell) for key, cell in row.items() if key in child.fields} for row in rows
    ]


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
