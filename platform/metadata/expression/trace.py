"""Why an expression came out as it did: the tree again, with the actual values at every step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from dacheng.metadata.expression.ast import Items, Literal, Var
from dacheng.metadata.expression.evaluate import build
from dacheng.metadata.expression.operators import QUANTIFIERS
from dacheng.metadata.expression.typed import Environment, Expression, Run, Typed
from dacheng.metadata.expression.values import json_safe

MAX_ITEMS = 20
KEPT_RUNS = 8192


@dataclass(frozen=True, slots=True)
class TraceNode:
    """One step: `operator` (`var`, `literal`, `list` for leaves), where it stands, operand values and result.

    `values` and `result` are JSON-safe. Below some/all/none stand the list and then the condition once per item,
    the first `MAX_ITEMS` of them.
    """

    operator: str
    pointer: str
    values: tuple[Any, ...]
    result: Any
    below: tuple[TraceNode, ...] = ()
    path: str = ""


def trace(expression: Expression, record: Mapping[str, Any], environment: Environment) -> TraceNode:
    """The tree of values; every branch is evaluated, and the result at the top equals `evaluate`'s."""
    return _trace(expression.root, record, environment)


def _trace(typed: Typed, scope: Any, environment: Environment) -> TraceNode:
    node = typed.node
    value = _run_of(typed)(scope, environment)
    result = json_safe(value, typed.type)
    if isinstance(node, Literal):
        return TraceNode("literal", node.pointer, (), result)
    if isinstance(node, Var):
        return TraceNode("var", node.pointer, (), result, path=".".join(node.path))
    if typed.operator in QUANTIFIERS:
        below = _items(typed, scope, environment)
    else:
        below = tuple(_trace(arg, scope, environment) for arg in typed.args)
    operator = "list" if isinstance(node, Items) else node.operator
    return TraceNode(operator, node.pointer, tuple(step.result for step in below), result, below)


@lru_cache(maxsize=KEPT_RUNS)
def _run_of(typed: Typed) -> Run:
    """The closure of a node, built once: the same rules are explained for every record."""
    return build(typed)


def _items(typed: Typed, scope: Any, environment: Environment) -> tuple[TraceNode, ...]:
    listed, condition = typed.args
    items = _run_of(listed)(scope, environment)
    steps = (_trace(condition, item, environment) for item in items[:MAX_ITEMS])
    return (_trace(listed, scope, environment), *steps)
