"""Canonical JSON of a tree for hashing and for the browser, and the shape statements are cached by."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal

from dacheng.metadata.expression import moments, numbers
from dacheng.metadata.expression.ast import Items, Literal, Node, Var
from dacheng.metadata.expression.operators import QUANTIFIERS
from dacheng.metadata.expression.text import after_prefix
from dacheng.metadata.expression.typed import Environment, Expression, Typed
from dacheng.metadata.expression.types import DATE, DURATION, INSTANT, NUMBER, TEXT, type_name
from dacheng.metadata.expression.values import reader

_SAFE_DIGITS = 15  # a double holds every decimal of so many digits


def to_json(node: Node) -> str:
    """The one JSON text of a tree: no spaces, operands always in a list, long numbers as `{"number": text}`."""
    if isinstance(node, Literal):
        return _literal(node)
    if isinstance(node, Var):
        return f'{{"var":{_quote(".".join(node.path))}}}'
    if isinstance(node, Items):
        return f"[{','.join(to_json(item) for item in node.items)}]"
    return f"{{{_quote(node.operator)}:[{','.join(to_json(arg) for arg in node.args)}]}}"


def shape(expression: Expression, environment: Environment) -> tuple[tuple[str, ...], tuple[object, ...]]:
    """(key, values): calls with one key share a compiled statement and bind their own values to its parameters.

    The values are internal ones, in the order of `expression.parameters`; the key tells missing, true, false and
    unbounded texts apart, because statements are made differently for them.
    """
    values = tuple(parameter.run(None, environment) for parameter in expression.parameters)
    return (expression.template, *map(_class, values)), values


def shape_of(root: Typed) -> tuple[str, tuple[Typed, ...]]:
    """The template of a typed tree and the largest parts that read nothing of the record, left to right."""
    found: list[Typed] = []
    return _template(root, found), tuple(found)


def is_closed(typed: Typed) -> bool:
    """True when nothing below reads the record (a quantifier over a closed list is closed: it sees items only)."""
    if isinstance(typed.node, Var):
        return bool(typed.node.path) and typed.node.path[0].startswith("$")
    args = typed.args[:1] if typed.operator in QUANTIFIERS else typed.args
    return all(is_closed(arg) for arg in args)


def _template(typed: Typed, found: list[Typed]) -> str:
    if is_closed(typed):
        found.append(typed)
        return f"?{type_name(typed.type)}"
    if isinstance(typed.node, Var):
        return to_json(typed.node)
    return f"{typed.operator}({','.join(_template(arg, found) for arg in typed.args)})"


def _class(value: object) -> str:
    if value is None or isinstance(value, bool):
        return str(value)
    if isinstance(value, str):
        return "text" if after_prefix(value) is not None else "unbounded" if value else "empty"
    return ""


def _literal(node: Literal) -> str:
    value = reader(node.type)(node.value)
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    return _WRITERS[node.type](value)


def _number(value: Decimal) -> str:
    text = numbers.as_text(value)
    return text if len(text.lstrip("-0.").replace(".", "")) <= _SAFE_DIGITS else f'{{"number":"{text}"}}'


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


_WRITERS: dict[object, Callable[..., str]] = {
    TEXT: _quote,
    NUMBER: _number,
    DATE: lambda value: f'{{"date":"{value.isoformat()}"}}',
    INSTANT: lambda value: f'{{"instant":"{moments.format_instant(value)}"}}',
    DURATION: lambda value: f'{{"duration":"{moments.format_duration(value)}"}}',
}
