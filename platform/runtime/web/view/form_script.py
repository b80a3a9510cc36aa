"""What a form's browser side reads: kinds, conditions, formulas and figures by field, as JSON inside its page."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping
from typing import Any

from dacheng.metadata.definition import Entity, Field
from dacheng.metadata.derived import Rollup
from dacheng.metadata.expression import Expression, to_json
from dacheng.metadata.kinds import Json
from dacheng.runtime.services.form_defaults import looked_at
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.web.fields.base import LineColumns, Setting
from dacheng.runtime.web.fields.computed import script_of
from dacheng.runtime.web.view.form_place import Place

CONDITIONS = ("visible", "required", "readonly")


def conditions_of(places: Iterable[Place]) -> Iterable[Expression]:
    """Every condition of these places."""
    for place in places:
        for name in CONDITIONS:
            rule = getattr(place.rules, name)
            if rule is not None:
                yield rule


def computed_of(places: Iterable[Place], entity: EntityPolicy) -> Iterable[Expression]:
    """The formulas that the browser computes, when any stands on the form: their inputs are sent along."""
    if any(place.field.kind == "formula" for place in places):
        for each in entity.entity.formulas:
            if each.field in entity.readable and each.inputs <= entity.readable.keys():
                yield each.expression


def asks_of(
    places: Mapping[str, Place],
    rules: Iterable[Expression],
    defaults: Mapping[str, Expression],
    entity: Entity,
) -> frozenset[str]:
    """The fields of a form whose change only the server can follow up: links that bring values, what defaults look at."""
    asked = {each.field.shows[0].id for each in places.values() if each.field.shows}
    for rule in rules:
        asked |= {path[0] for path in rule.dependencies if len(path) > 1}
    links = {name for name in asked if name in entity.fields and entity.fields[name].is_link}
    return frozenset((links | looked_at(defaults, entity)) & places.keys())


def script_of_form(
    places: Iterable[Place], entity: EntityPolicy, setting: Setting, asks: Container[str]
) -> str:
    """The JSON for `form.js`, safe inside a script block: kinds, requiredness, conditions and formulas."""
    described = {place.field.id: _described(place, setting) for place in places}
    for name, one in described.items():
        if name in asks:
            one["asks"] = True
    formulas = script_of(entity.entity.formulas, entity.readable, setting)
    for name, formula in formulas.items() if any(name in described for name in formulas) else ():
        described.setdefault(name, {"kind": "", "label": "", "writable": False})["formula"] = formula
    for name, figure in _figures(entity, setting, described):
        described.setdefault(name, {"kind": "", "label": "", "writable": False})["figure"] = figure
    return script_json(described)


def _described(place: Place, setting: Setting) -> dict[str, Any]:
    one: dict[str, Any] = {"kind": place.field.view, "label": place.label, "writable": place.writable}
    if place.field.required:
        one["must"] = True
    if place.field.shows:
        one["through"] = place.field.shows[0].id
    for name in CONDITIONS:
        rule: Expression | None = getattr(place.rules, name)
        if rule is not None:
            one[name] = {"ast": json.loads(to_json(rule.node)), "types": dict(rule.browser_types)}
    if place.rules.when_hidden == "clear":
        one["clear"] = True
    child = setting.children.get(place.field.to or "") if place.field.is_lines else None
    if child is not None:
        one |= _described_rows(child, setting)
    return one


def _described_rows(child: LineColumns, setting: Setting) -> dict[str, Any]:
    """How each column of lines is read, the links that bring values into a row, and a row's formulas."""
    own = {each.id: each for each in child.fields}
    found: dict[str, Any] = {"columns": {name: each.view for name, each in own.items() if not each.derived}}
    through = {each.id: each.shows[0].id for each in child.fields if each.shows}
    if through:
        found["through"] = through
    defaults = (each.default for name, each in own.items() if each.default and name in child.writable)
    if follows := sorted(
        {path[0] for one in defaults for path in one.dependencies if path and path[0] in own}
    ):
        found["follows"] = follows
    if child.formulas:
        found["rows"] = script_of(child.formulas, own, setting)
    return found


def _figures(
    entity: EntityPolicy, setting: Setting, described: Container[str]
) -> Iterable[tuple[str, dict[str, Json]]]:
    """The roll-ups over lines that stand on the form: reckoned from the lines as they stand there."""
    for name, (rollup, lines) in own_figures(entity).items():
        child = setting.children.get(rollup.child)
        of = (
            next((each for each in child.fields if each.id == rollup.of), None) if child is not None else None
        )
        if lines not in described or (rollup.of is not None and of is None):
            continue
        codec = entity.readable[name].codec
        figure: dict[str, Json] = {"lines": lines, "aggregate": rollup.aggregate, "of": rollup.of}
        figure |= {"result": _shown_as(of), "scale": getattr(codec, "scale", 0)}
        if figure["result"] == "money":
            figure["currency"] = getattr(codec, "currency", "")
        yield name, figure


def _shown_as(of: Field | None) -> str:
    """The kind whose words a figure takes: a count, and what is counted up, is a number."""
    return "decimal" if of is None or of.view in ("integer", "percent", "rating") else of.view


def own_figures(entity: EntityPolicy) -> dict[str, tuple[Rollup, str]]:
    """The roll-ups over a record's own lines that may be read, by name, with the field of those lines."""
    lines = {each.to: name for name, each in entity.readable.items() if each.is_lines}
    return {
        each.field: (each, lines[each.child])
        for each in entity.entity.rollups
        if each.field in entity.readable and each.child in lines
    }


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def script_json(value: object) -> str:
    """JSON that can stand inside `<script type="application/json">`: no `<`, `>` or `&` left in it."""
    text = _encode(value)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
