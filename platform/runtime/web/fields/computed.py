"""Computed fields on a form: an output in place of an input, which the browser keeps up with what is typed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from html import escape

from dacheng.metadata.definition import Field
from dacheng.metadata.derived import Formula
from dacheng.metadata.expression import to_json
from dacheng.metadata.kinds import Json
from dacheng.metadata.problem import Refused
from dacheng.runtime.web.fields.base import Control, FieldView, Marks, Setting, Texts
from dacheng.runtime.web.fields.boolean import words_of

KINDS = frozenset({"formula", "lookup", "rollup"})


def is_computed(field: Field) -> bool:
    """Whether a form shows the field as an output."""
    return field.kind in KINDS


def computed_control(field: Field, view: FieldView, setting: Setting, name: str, ident: str) -> Control:
    """The value as lists show it, in the place of a control; it is sent nowhere."""
    cell, store = view.cell(field, setting), field.codec.store
    number = " num" if view.numeric else ""
    head = f'<output class="in computed{number}" id="{ident}" data-computed="{escape(name)}"'
    if view.numeric:
        head += " data-number"
    if field.shows:
        head += f' data-later="{escape(setting.say("field.after_saving"))}"'

    def held(texts: Texts) -> str:
        if not any(text and (key == name or key.startswith(f"{name}.")) for key, text in texts.items()):
            return ""
        try:
            value = field.codec.parse(view.read(field, setting, name, texts))
        except Refused:
            return ""
        if value is None:
            return ""
        return f"<span>{cell(store(value))}</span>" if field.shows else cell(store(value))

    def draw(texts: Texts, marks: Marks) -> str:
        described = f' aria-describedby="{marks.described}"' if marks.described else ""
        return f"{head}{described}>{held(texts)}</output>"

    return draw


def script_of(
    formulas: Iterable[Formula], fields: Mapping[str, Field], setting: Setting
) -> dict[str, dict[str, Json]]:
    """What the browser needs to compute the formulas of a record of which these fields may be seen, in their order."""
    return {
        each.field: _described(each, fields[each.field], setting)
        for each in formulas
        if each.field in fields and each.inputs <= fields.keys()
    }


def _described(formula: Formula, field: Field, setting: Setting) -> dict[str, Json]:
    expression = formula.expression
    found: dict[str, Json] = {
        "ast": json.loads(to_json(expression.node)),
        "types": dict(expression.browser_types),
        "inputs": sorted(formula.inputs),
        "result": field.spec["x-result"],
        "scale": getattr(field.codec, "scale", 0),
    }
    if field.spec["x-result"] == "money":
        found["currency"] = getattr(field.codec, "currency", "")
    if field.spec["x-result"] == "boolean":
        found["words"] = list(words_of(setting))
    if field.names is not None:
        found["options"] = {
            each.id: setting.labels.option(setting.locale, field, each.id) for each in field.options
        }
    return found
