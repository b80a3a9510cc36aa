"""A filter as a tree that people edit step by step: groups of conditions, each node named by its place.

The form carries the whole tree in its inputs, so that every step works without scripts: a place is `0`, `0-1`…;
`m.` holds how a group joins, `f.` `o.` `v.` a condition's field, operator and value, `j.` what no form can show.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import orjson

from dacheng.metadata.definition import Field
from dacheng.metadata.kinds import Json
from dacheng.metadata.problem import refuse
from dacheng.metadata.strict_json import strict_json
from dacheng.runtime.web.fields import view_of
from dacheng.runtime.web.fields.base import Setting
from dacheng.runtime.web.view import filters
from dacheng.runtime.web.view.list_state import json_text

MAX_NODES = 60
MAX_DEPTH = 5
Find = Callable[[str], Field | None]


@dataclass(frozen=True, slots=True)
class Condition:
    """One line: `texts` are what its inputs hold, under `v` and `v.…`; `other` is a condition kept as JSON."""

    path: str = ""
    operator: str = ""
    texts: Mapping[str, str] = field(default_factory=dict)
    other: Json = None


@dataclass(frozen=True, slots=True)
class Group:
    """Lines and groups joined by one word of `filters.JOINING`."""

    joining: str = "and"
    parts: tuple[Condition | Group, ...] = ()


Node = Condition | Group
EMPTY = Group("and", (Condition(),))


# ---------------------------------------------------------------- from and to a filter
def from_filter(filter_json: Json, find: Find, setting: Setting) -> Group:
    """The tree of a filter; a single condition stands in a group of its own."""
    if filter_json is None:
        return EMPTY
    found = _node(filter_json, find, setting)
    return found if isinstance(found, Group) else Group("and", (found,))


def _node(part: Json, find: Find, setting: Setting, depth: int = 1) -> Node:
    group = filters.group_of(part)
    if group is not None and depth < MAX_DEPTH:
        joining, parts = group
        return Group(joining, tuple(_node(each, find, setting, depth + 1) for each in parts))
    one = filters.simple(part)
    target = find(".".join(one.path)) if one is not None else None
    if one is None or target is None or one.operator not in filters.operators_of(target):
        return Condition(other=part)
    texts: dict[str, str] = {}
    if filters.wants(one.operator) == "days":
        texts = {"v.days": str(one.operand)}
    elif filters.wants(one.operator) == "value":
        texts = view_of(target).texts(target, setting, "v", one.operand)
    return Condition(".".join(one.path), one.operator, texts)


def to_filter(node: Node, find: Find, setting: Setting) -> Json:
    """The filter of a tree; lines without a value say nothing."""
    if isinstance(node, Group):
        parts = [to_filter(each, find, setting) for each in node.parts]
        return filters.joined_by(node.joining, [part for part in parts if part is not None])
    if node.other is not None:
        return node.other
    target = find(node.path)
    if target is None:
        return None
    return filters.condition(target, node.operator, "v", node.texts, setting, node.path)


# ---------------------------------------------------------------- from the form
def from_form(inputs: Mapping[str, str]) -> Group:
    """The tree that a form's inputs say; nothing sent is a group with one empty line."""
    places = sorted(
        {name.split(".", 2)[1] for name in inputs if name[:2] in ("m.", "f.", "j.")}, key=_in_order
    )
    if len(places) > MAX_NODES or any(len(_in_order(place)) > MAX_DEPTH + 1 for place in places):
        raise refuse("query.too_much", "/filter", what="conditions", count=len(places), limit=MAX_NODES)
    found = _read("0", places, inputs) if "0" in places else EMPTY
    return found if isinstance(found, Group) else EMPTY


def _in_order(place: str) -> tuple[int, ...]:
    steps = place.split("-")
    if not all(step.isascii() and step.isdigit() and len(step) < 4 for step in steps):
        raise refuse("web.not_understood")
    return tuple(map(int, steps))


def _read(place: str, places: list[str], inputs: Mapping[str, str]) -> Node:
    if f"m.{place}" in inputs:
        joining = inputs[f"m.{place}"]
        inner = [each for each in places if each.rpartition("-")[0] == place]
        parts = tuple(_read(each, places, inputs) for each in inner)
        return Group(joining if joining in filters.JOINING else "and", parts)
    if f"j.{place}" in inputs:
        return Condition(other=strict_json(inputs[f"j.{place}"].encode()))
    head = f"v.{place}"
    texts = {
        "v" + name.removeprefix(head): text
        for name, text in inputs.items()
        if name == head or name.startswith(f"{head}.")
    }
    return Condition(inputs.get(f"f.{place}", ""), inputs.get(f"o.{place}", ""), texts)


def kept_json(other: Json) -> str:
    """What a `j.` input holds."""
    return json_text(orjson.loads(json_text(other)))


# ---------------------------------------------------------------- steps
def add(tree: Group, place: str, node: Node) -> Group:
    """The tree with one more node at the end of a group."""
    return _changed(tree, _steps(place), lambda group: replace(group, parts=(*group.parts, node)))


def remove(tree: Group, place: str) -> Group:
    """The tree without one node; a group left empty goes with it, the outermost gets an empty line."""
    steps = _steps(place)
    if not steps:
        return EMPTY
    at = steps[-1]

    def drop(group: Group) -> Group:
        return replace(group, parts=(*group.parts[:at], *group.parts[at + 1 :]))

    found = _pruned(_changed(tree, steps[:-1], drop))
    return found if isinstance(found, Group) else EMPTY


def _steps(place: str) -> tuple[int, ...]:
    return _in_order(place)[1:]


def _changed(tree: Group, steps: tuple[int, ...], change: Callable[[Group], Group]) -> Group:
    if not steps:
        return change(tree)
    at = steps[0]
    inner = tree.parts[at] if at < len(tree.parts) else None
    if not isinstance(inner, Group):
        return tree
    return replace(tree, parts=(*tree.parts[:at], _changed(inner, steps[1:], change), *tree.parts[at + 1 :]))


def _pruned(node: Node) -> Node | None:
    if isinstance(node, Condition):
        return node
    parts = tuple(kept for each in node.parts if (kept := _pruned(each)) is not None)
    return replace(node, parts=parts) if parts else None
