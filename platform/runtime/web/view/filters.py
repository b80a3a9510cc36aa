"""Filters as people build them: the operators of a field, one condition of a field, operator and value, groups."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from dacheng.metadata.definition import Field
from dacheng.metadata.kinds import Json
from dacheng.metadata.periods import DAY_OPERATORS, RELATIVE, WITH_DAYS
from dacheng.metadata.system_fields import DEPARTMENT, USER
from dacheng.runtime.web.fields import view_of
from dacheng.runtime.web.fields.base import LISTED, UNARY, Setting, Texts

NAMES = {
    "==": "is",
    "!=": "is_not",
    ">=": "from",
    "<=": "to",
    ">": "above",
    "<": "below",
    "contains": "contains",
    "starts_with": "starts_with",
    "has": "has",
    "has_not": "has_not",
    "is_set": "is_set",
    "unset": "unset",
    "within": "within",
    **{macro.id: macro.id for macro in RELATIVE},
}
LITERALS = ("date", "instant", "number", "duration")
JOINING = ("and", "or", "none")  # all of them, any of them, none of them
MAX_DAYS = 3660
DEPARTMENT_LEVELS = 3  # how far below a chosen department its own ones are looked for
_VALUELESS = frozenset([*UNARY, *(macro.id for macro in RELATIVE if "days" not in macro.parameters)])
Find = Callable[[tuple[str, ...]], Field | None]
Titles = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Chip:
    """One condition of a filter: its sentence, and the address of the list without it."""

    text: str
    without: str


@dataclass(frozen=True, slots=True)
class Simple:
    """A condition on one field: `operand` is a literal, a number of days, or None."""

    operator: str
    path: tuple[str, ...]
    operand: Json = None


def operators_of(field: Field) -> tuple[str, ...]:
    """The operators offered for a field; none for kinds that cannot be filtered by hand."""
    if field.is_momentary:
        return ()
    view = view_of(field)
    more: tuple[str, ...] = ()
    if view.operators and view.on_days:
        more = DAY_OPERATORS
    elif view.operators and field.is_links:
        more = ()
    elif view.operators and field.to == USER:
        more = ("is_me",)
    elif view.operators and field.to == DEPARTMENT:
        more = ("is_below_me", "within")
    return (*view.operators, *more)


def wants(operator: str) -> str:
    """What a condition compares with: `value`, a number of `days`, or nothing."""
    return "" if operator in _VALUELESS else "days" if operator in WITH_DAYS else "value"


def operator_key(field: Field, operator: str) -> str:
    """The words' key of an operator; days and numbers have verbs of their own."""
    name = NAMES[operator]
    if view_of(field).on_days and operator in (">=", "<=", "=="):
        return f"list.op_day_{name}"
    return f"list.op_{name}"


def operator_text(field: Field, operator: str, setting: Setting, days: object = "n") -> str:
    """An operator as a verb."""
    return setting.say(operator_key(field, operator), n=days)


def condition(field: Field, operator: str, name: str, texts: Texts, setting: Setting, path: str = "") -> Json:
    """The condition a person built as an expression; None where no value was given."""
    subject = {"var": path or field.id}
    if operator not in operators_of(field):
        return None
    wanted = wants(operator)
    if operator == "unset":
        return {"!": {"is_set": subject}}
    if not wanted:
        return {operator: subject}
    if wanted == "days":
        days = texts.get(f"{name}.days", "") or texts.get(name, "")
        return {operator: [subject, int(days)]} if _is_days(days) else None
    value = view_of(field).read(field, setting, name, texts)
    operand = None if value is None else view_of(field).operand(field, value)
    if operand is None:
        return None
    if operator in LISTED:
        holds = {"in": [operand, subject]}
        return holds if operator == "has" else {"!": holds}
    return _within(str(subject["var"]), operand) if operator == "within" else {operator: [subject, operand]}


def _is_days(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 6 and 0 < int(text) <= MAX_DAYS


def _within(path: str, department: Json) -> Json:
    """In a department or one below it, followed upwards from where each record is."""
    levels = [path + ".parent" * level for level in range(DEPARTMENT_LEVELS + 1 - path.count("."))]
    return {"or": [{"==": [{"var": level}, department]} for level in levels]}


# ---------------------------------------------------------------- conditions joined
def conditions(filter_json: Json) -> list[Json]:
    """The conditions a filter joins with `and`; a filter of another shape is one condition."""
    if filter_json is None:
        return []
    if isinstance(filter_json, Mapping) and set(filter_json) == {"and"}:
        return list(filter_json["and"])
    return [filter_json]


def joined(parts: Sequence[Json]) -> Json:
    """The filter that demands every part; None for no part."""
    return joined_by("and", parts)


def joined_by(joining: str, parts: Sequence[Json]) -> Json:
    """The parts joined by one of `JOINING`; None for no part."""
    if not parts:
        return None
    if joining == "none":
        return {"!": parts[0] if len(parts) == 1 else {"or": list(parts)}}
    return parts[0] if len(parts) == 1 else {joining: list(parts)}


def group_of(part: Json) -> tuple[str, list[Json]] | None:
    """How a group joins its parts, and the parts; None for what is no group."""
    if not isinstance(part, Mapping) or len(part) != 1 or simple(part) is not None:
        return None
    ((operator, operand),) = part.items()
    if operator in ("and", "or") and isinstance(operand, list) and operand:
        return operator, list(operand)
    if operator == "!":
        inner = operand[0] if isinstance(operand, list) and len(operand) == 1 else operand
        if isinstance(inner, Mapping) and set(inner) == {"or"} and isinstance(inner["or"], list):
            return "none", list(inner["or"])
        return "none", [inner]
    return None


def linked_ids(parts: Iterable[Json], find: Find) -> dict[str, set[str]]:
    """The record ids that conditions name, by entity, so that their titles can be read."""
    found: dict[str, set[str]] = {}
    for one in _all_simple(parts):
        field = find(one.path)
        if field is not None and _leads(field) and isinstance(one.operand, str):
            found.setdefault(field.to or "", set()).add(one.operand)
    return found


def _leads(field: Field) -> bool:
    return field.leads_to_records


def _all_simple(parts: Iterable[Json]) -> Iterator[Simple]:
    for part in parts:
        one, group = simple(part), group_of(part)
        if one is not None:
            yield one
        elif group is not None:
            yield from _all_simple(group[1])


# ---------------------------------------------------------------- conditions read
def simple(part: Json) -> Simple | None:
    """A condition on one field taken apart; None for any other shape."""
    if not isinstance(part, Mapping) or len(part) != 1:
        return None
    ((operator, operand),) = part.items()
    if operator == "!":
        inner = operand[0] if isinstance(operand, list) and len(operand) == 1 else operand
        if isinstance(inner, Mapping) and set(inner) == {"is_set"}:
            return _unary("unset", inner["is_set"])
        return _held("has_not", inner["in"]) if isinstance(inner, Mapping) and set(inner) == {"in"} else None
    if operator == "in":
        return _held("has", operand)
    if operator == "or":
        return _read_within(operand)
    if operator in _VALUELESS:
        return _unary(operator, operand)
    if operator not in NAMES or not isinstance(operand, list) or len(operand) != 2:
        return None
    path = _path(operand[0])
    if path and operator in ("==", "!=") and operand[1] is None:
        return Simple("unset" if operator == "==" else "is_set", path)
    return Simple(operator, path, _literal(operand[1])) if path else None


def _held(operator: str, operand: Json) -> Simple | None:
    """A list that holds one text, or does not."""
    if not isinstance(operand, list) or len(operand) != 2 or not isinstance(operand[0], str):
        return None
    path = _path(operand[1])
    return Simple(operator, path, operand[0]) if path else None


def _unary(operator: str, operand: Json) -> Simple | None:
    path = _path(operand)
    return Simple(operator, path) if path else None


def _read_within(operand: Json) -> Simple | None:
    first = simple(operand[0]) if isinstance(operand, list) and len(operand) > 1 else None
    if first is None or first.operator != "==" or first.operand is None:
        return None
    meant = _within(".".join(first.path), first.operand)
    return Simple("within", first.path, first.operand) if meant == {"or": operand} else None


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
