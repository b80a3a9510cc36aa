"""Moves an expression's constants into fields of the record, so that a database works them out itself."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tests.contracts.expressions.deal import SPARE

_TYPED = {"date": "d", "instant": "i", "duration": "s", "number": "n"}


def lifted(expression: Any, record: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The expression with variables for its constants, and the record that holds them; units and nulls stay."""
    filled = dict(record)
    return _lift(expression, filled, _variables(expression)), filled


def _lift(node: Any, filled: dict[str, Any], taken: set[str]) -> Any:
    if isinstance(node, list):
        return [_lift(item, filled, taken) for item in node]
    if isinstance(node, dict):
        ((name, operand),) = node.items()
        if name == "var":
            return node
        if name in _TYPED and isinstance(operand, str):
            return _place(_TYPED[name], operand, node, filled, taken)
        if name in ("some", "all", "none"):
            return {name: [_lift(operand[0], filled, taken), operand[1]]}
        if name == "start_of":
            return {name: [operand[0], _lift(operand[1], filled, taken)]}
        return {name: _lift(operand, filled, taken)}
    if node is None:
        return None
    if isinstance(node, bool):
        return _place("b", node, node, filled, taken)
    return _place("t" if isinstance(node, str) else "n", node, node, filled, taken)


def _place(letter: str, value: Any, node: Any, filled: dict[str, Any], taken: set[str]) -> Any:
    if letter == "n":
        number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
        if abs(number) >= 9 * 10**12:
            if number != int(number):
                return node
            letter = "w"
        value = format(number, "f")
    for name in SPARE:
        if name[0] == letter and name not in taken:
            taken.add(name)
            filled[name] = value
            return {"var": name}
    return node


def _variables(node: Any) -> set[str]:
    if isinstance(node, list):
        return {name for item in node for name in _variables(item)}
    if isinstance(node, dict):
        ((name, operand),) = node.items()
        return {str(operand)} if name == "var" else _variables(operand)
    return set()
