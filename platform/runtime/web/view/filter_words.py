"""Filters as sentences: a condition, and groups of them, as people would say them."""

from __future__ import annotations

from dacheng.metadata.definition import Field
from dacheng.metadata.kinds import Json
from dacheng.runtime.web.fields import view_of
from dacheng.runtime.web.fields.base import Setting
from dacheng.runtime.web.view.filters import (
    Find,
    Simple,
    Titles,
    group_of,
    operator_text,
    operators_of,
    simple,
    wants,
)

DEEPEST = 6


def sentence(part: Json, find: Find, setting: Setting, titles: Titles, depth: int = 0) -> str:
    """A condition or a group in words; one too deep for a sentence is called a condition of its own."""
    one, group = simple(part), group_of(part)
    if one is not None:
        return _of_one(one, find(one.path), setting, titles)
    if group is None or depth > DEEPEST:
        return setting.say("list.other_condition")
    joining, parts = group
    inner = [sentence(each, find, setting, titles, depth + 1) for each in parts]
    if joining == "none":
        return setting.say("list.none_of", text=setting.say("list.or").join(inner))
    text = setting.say(f"list.{joining}").join(inner)
    return setting.say("list.in_brackets", text=text) if depth and len(inner) > 1 else text


def _of_one(one: Simple, field: Field | None, setting: Setting, titles: Titles) -> str:
    if field is None:
        return setting.say("list.other_condition")
    label = setting.labels.field(setting.locale, field)
    verb = operator_text(field, one.operator, setting, one.operand)
    if wants(one.operator) != "value":
        return setting.say("list.condition_unary", field=label, operator=verb)
    if one.operator not in operators_of(field) and isinstance(one.operand, dict):
        return setting.say("list.other_condition")
    value = _text(field, one.operand, setting, titles)
    return setting.say("list.condition", field=label, operator=verb, value=value)


def _text(field: Field, operand: Json, setting: Setting, titles: Titles) -> str:
    if field.leads_to_records:
        return titles.get(str(operand)) or setting.say("field.unseen")
    return view_of(field).operand_text(field, setting, operand)
