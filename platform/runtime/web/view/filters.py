"""Filters as people read and build them: conditions as sentences, one condition from a field, operator, value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from dacheng.metadata.definition import Field
from dacheng.metadata.kinds import Json
from dacheng.runtime.web.fields import view_of
from dacheng.runtime.web.fields.base import UNARY, Setting, Texts

NAMES = {
    "==": "is",
    "!=": "is_not",
    ">=": "from",
    "<=": "to",
    ">": "above",
    "<": "below",
    "contains": "contains",
    "starts_with": "starts_with",
    "is_set": "is_set",
    "unset": "unset",
}
LITERALS = ("date", "instant", "number", "duration")
Find = Callable[[tuple[str, ...]], Field | None]
Titles = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Chip:
    """One condition of a filter: its sentence, and the address of the list without it."""

    text: str
    without: str


def operators_of(field: Field) -> tuple[str, ...]:
    """The operators offered for a field; none for kinds that cannot be filtered by hand."""
    return view_of(field).operators


def operator_key(field: Field, operator: str) -> str:
    """The words' key of an operator; days and numbers have verbs of their own."""
    name = NAMES[operator]
    if view_of(field).on_days and operator in (">=", "<=", "=="):
        return f"list.op_day_{name}"
    return f"list.op_{name}"


def condition(field: Field, operator: str, name: str, texts: Texts, setting: Setting) -> Json:
    """The condition a person built as an expression; None where no value was given."""
    subject = {"var": field.id}
    if operator == "is_set":
        return {"is_set": subject}
    if operator == "unset":
        return {"!": {"is_set": subject}}
    value = view_of(field).read(field, setting, name, texts)
    operand = None if value is None else view_of(field).operand(field, value)
    if operand is None or operator not in operators_of(field):
        return None
    return {operator: [subject, operand]}


def conditions(filter_json: Json) -> list[Json]:
    """The conditions a filter joins with `and`; a filter of another shape is one condition."""
    if filter_json is None:
        return []
    if isinstance(filter_json, Mapping) and set(filter_json) == {"and"}:
        return list(filter_json["and"])
    return [filter_json]


def joined(parts: Sequence[Json]) -> Json:
    """The filter that demands every part; None for no part."""
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else {"and": list(parts)}


def linked_ids(parts: Sequence[Json], find: Find) -> dict[str, set[str]]:
    """The record ids that conditions name, by entity, so that their titles can be read."""
    found: dict[str, set[str]] = {}
    for part in parts:
        shape = _simple(part)
        field = find(shape[1]) if shape else None
        if shape and field is not None and field.is_link and isinstance(shape[2], str):
            found.setdefault(field.to or "", set()).add(shape[2])
    return found


def sentence(part: Json, find: Find, setting: Setting, titles: Titles) -> str:
    """A condition in words; one too deep for a sentence is called a condition of its own."""
    say = setting.say
    shape = _simple(part)
    field = find(shape[1]) if shape else None
    if shape is None or field is None:
        return say("list.other_condition")
    operator, _, operand = shape
    label = setting.labels.field(setting.locale, field)
    verb = say(operator_key(field, operator))
    if operator in UNARY:
        return say("list.condition_unary", field=label, operator=verb)
    value = _text(field, operand, setting, titles)
    return say("list.condition", field=label, operator=verb, value=value)


def _simple(part: Json) -> tuple[str, tuple[str, ...], Json] | None:
    """(operator, path, operand) of a condition on one field; None for any other shape."""
    if not isinstance(part, Mapping) or len(part) != 1:
        return None
    ((operator, operand),) = part.items()
    if operator == "!" and isinstance(operand, Mapping | list):
        inner = operand[0] if isinstance(operand, list) and len(operand) == 1 else operand
        if isinstance(inner, Mapping) and set(inner) == {"is_set"}:
            path = _path(inner["is_set"])
            return ("unset", path, None) if path else None
        return None
    if operator == "is_set":
        path = _path(operand)
        return ("is_set", path, None) if path else None
    if operator not in NAMES or not isinstance(operand, list) or len(operand) != 2:
        return None
    path = _path(operand[0])
    if path and operator in ("==", "!=") and operand[1] is None:
        return ("unset" if operator == "==" else "is_set", path, None)
    return (operator, path, _literal(operand[1])) if path else None


def _path(node: Json) -> tuple[str, ...]:
    if isinstance(node, list) and len(node) == 1:
        node = node[0]
    if isinstance(node, Mapping) and isinstance(node.get("var"), str):
        return tuple(node["var"].split("."))
    return ()


def _literal(node: Json) -> Json:
    if isinstance(node, Mapping):
        return next((node[key] for key in LITERALS if node.get(key)), node)
    return node


def _text(field: Field, operand: Json, setting: Setting, titles: Titles) -> str:
    if field.is_link:
        return titles.get(str(operand)) or setting.say("field.unseen")
    return view_of(field).operand_text(field, setting, operand)
