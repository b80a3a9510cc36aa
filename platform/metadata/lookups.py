"""Lookups are names for paths: wherever one is written in an expression, the path itself stands when it is checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from dacheng.metadata.definition import Field
from dacheng.metadata.expression import Call, Items, Node, Var

QUANTIFIERS = frozenset({"some", "all", "none"})
Fields = Callable[[str], Mapping[str, Field]]  # entity reference → the fields known there


def spelled_out(node: Node, entity: str, fields: Fields) -> Node:
    """The same expression with each lookup of the record written as the path it shows."""
    if isinstance(node, Var):
        path = whole_path(node.path, entity, fields)
        return node if path == node.path else replace(node, path=path)
    if isinstance(node, Items):
        return replace(node, items=tuple(spelled_out(item, entity, fields) for item in node.items))
    if isinstance(node, Call):
        if node.operator in QUANTIFIERS:  # inside the condition variables belong to the item
            return replace(node, args=(spelled_out(node.args[0], entity, fields), *node.args[1:]))
        return replace(node, args=tuple(spelled_out(arg, entity, fields) for arg in node.args))
    return node


def whole_path(path: tuple[str, ...], entity: str, fields: Fields) -> tuple[str, ...]:
    """The path of a variable with a lookup on it replaced by what it shows."""
    start = 1 if path[:1] == ("$before",) else 0
    here: str | None = entity
    for at in range(start, len(path)):
        known = fields(here).get(path[at]) if here is not None else None
        if known is None:
            return path
        if known.shows:
            return (*path[:at], *(step.id for step in known.shows), *path[at + 1 :])
        here = known.to if known.is_link else None
    return path
