"""JSON to syntax tree: every problem at once, within a budget of depth, nodes and text, plugin macros expanded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from dacheng.metadata.expression import moments, numbers
from dacheng.metadata.expression.ast import Call, Constant, Items, Literal, Node, Var, children, walk
from dacheng.metadata.expression.operators import MANY, OPERATORS, QUANTIFIERS
from dacheng.metadata.expression.types import BOOLEAN, DATE, DURATION, INSTANT, MISSING, NUMBER, TEXT
from dacheng.metadata.problem import Problem, Refused, problem

MAX_DEPTH = 32
MAX_NODES = 500
MAX_TEXT = 1000
PATH = re.compile(r"\$?[a-z][a-z0-9_]{0,63}(?:\.[a-z][a-z0-9_]{0,63}){0,7}", re.ASCII)
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,3})?)?(?:Z|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)
_NUMBER = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,6})?", re.ASCII)
_UNREADABLE = Literal(None, MISSING)


@dataclass(frozen=True, slots=True)
class Macro:
    """A plugin's operator: JSON over core operators, where `{"param": name}` stands for an operand."""

    id: str
    parameters: tuple[str, ...]
    body: Any


NO_MACROS: Mapping[str, Macro] = MappingProxyType({})


def parse(json_value: Any, *, operators: Mapping[str, Macro] = NO_MACROS) -> Node:
    """The tree of a JSON expression; raises Refused with every problem found, pointers into the JSON."""
    reader = _Reader(operators)
    node = reader.read(json_value, _Place())
    if reader.problems:
        raise Refused(reader.problems)
    return node


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the reader stands: pointer, depth, the macro's operands in reach, and whether inside some/all/none."""

    pointer: str = ""
    depth: int = 1
    operands: Mapping[str, Node] | None = None
    inside: bool = False

    def below(self, step: str | int) -> _Place:
        """One level down; within a macro's body the pointer stays where the macro was called."""
        return _Place(self._pointer(step), self.depth + 1, self.operands, self.inside)

    def operand(self, index: int | None, *, inside: bool = False) -> _Place:
        """The same level, at one of the operands (None: a single operand written without a list)."""
        pointer = self.pointer if index is None else self._pointer(index)
        return _Place(pointer, self.depth, self.operands, self.inside or inside)

    def _pointer(self, step: str | int) -> str:
        text = str(step).replace("~", "~0").replace("/", "~1")
        return self.pointer if self.operands is not None else f"{self.pointer}/{text}"


@dataclass(slots=True)
class _Reader:
    macros: Mapping[str, Macro]
    nodes: int = 0
    problems: list[Problem] = field(default_factory=list)
    full: bool = False

    def read(self, value: Any, place: _Place) -> Node:
        """One node; what cannot be read is reported and stands as a missing value meanwhile."""
        if self.full or not self._within_budget(place):
            return _UNREADABLE
        if isinstance(value, Mapping):
            return self._object(value, place)
        if isinstance(value, list | tuple):
            within = value[: MAX_NODES + 1]
            return Items(
                tuple(self.read(item, place.below(index)) for index, item in enumerate(within)), place.pointer
            )
        return self._scalar(value, place)

    def _within_budget(self, place: _Place) -> bool:
        self.nodes += 1
        if place.depth > MAX_DEPTH:
            self._report("expression.too_deep", place, limit=MAX_DEPTH)
            return False
        if self.nodes > MAX_NODES:
            self.full = True
            self._report("expression.too_long", place, limit=MAX_NODES)
            return False
        return True

    def _scalar(self, value: Any, place: _Place) -> Node:
        if value is None or isinstance(value, bool):
            return Literal(value, MISSING if value is None else BOOLEAN, place.pointer)
        if isinstance(value, str):
            return self._text(value, place)
        if isinstance(value, int | float | Decimal):
            return self._number(Decimal(repr(value)) if isinstance(value, float) else Decimal(value), place)
        return self._report("expression.not_json", place, found=type(value).__name__)

    def _text(self, value: str, place: _Place) -> Node:
        if len(value) > MAX_TEXT:
            return self._report("expression.text_too_long", place, limit=MAX_TEXT)
        if "\x00" in value or any("\ud800" <= char <= "\udfff" for char in value):
            return self._report("expression.text_unstorable", place)
        return Literal(value, TEXT, place.pointer)

    def _number(self, value: Decimal, place: _Place) -> Node:
        if not numbers.is_exact(value):
            return self._report("expression.number_out_of_range", place, value=value)
        return Literal(value or Decimal(0), NUMBER, place.pointer)

    def _object(self, value: Mapping[Any, Any], place: _Place) -> Node:
        if len(value) != 1:
            return self._report("expression.one_operator", place, count=len(value))
        ((name, operand),) = value.items()
        if not isinstance(name, str):
            return self._report("expression.not_json", place, found=type(name).__name__)
        if name in _TYPED_LITERALS:
            return self._typed_literal(name, operand, place)
        if name == "var":
            return self._var(operand, place)
        if name == "param" and place.operands is not None:
            return self._param(operand, place)
        if name in self.macros:
            return self._macro(self.macros[name], operand, place)
        return self._call(name, operand, place)

    def _typed_literal(self, name: str, operand: Any, place: _Place) -> Node:
        kind, convert = _TYPED_LITERALS[name]
        if name == "date" and not isinstance(operand, str):
            return self._call(name, operand, place)
        constant = convert(operand) if isinstance(operand, str) else None
        if constant is None:
            return self._report(f"expression.bad_{name}", place, value=operand)
        return Literal(constant, kind, place.pointer)

    def _var(self, operand: Any, place: _Place) -> Node:
        if isinstance(operand, list | tuple) and len(operand) == 1:
            operand = operand[0]
        if operand == "" and isinstance(operand, str):
            return Var((), place.pointer)
        if not isinstance(operand, str) or PATH.fullmatch(operand) is None:
            return self._report("expression.unknown_variable", place, name=operand)
        return Var(tuple(operand.split(".")), place.pointer)

    def _call(self, name: str, operand: Any, place: _Place) -> Node:
        operator = OPERATORS.get(name)
        if operator is None:
            return self._report("expression.unknown_operator", place, operator=name)
        args = _operands(operand)
        if not operator.least <= len(args) <= operator.most:
            return self._report(
                "expression.operand_count",
                place,
                operator=name,
                count=len(args),
                expected=_expected(operator.least, operator.most),
            )
        inner = place.below(name)
        nested = name in QUANTIFIERS
        return Call(
            name,
            tuple(
                self.read(
                    arg, inner.operand(index if args is operand else None, inside=nested and index == 1)
                )
                for index, arg in enumerate(args)
            ),
            place.pointer,
        )

    def _macro(self, macro: Macro, operand: Any, place: _Place) -> Node:
        args = _operands(operand)
        if len(args) != len(macro.parameters):
            return self._report(
                "expression.operand_count",
                place,
                operator=macro.id,
                count=len(args),
                expected=str(len(macro.parameters)),
            )
        inner = place.below(macro.id)
        nodes = [
            self.read(arg, inner.operand(index if args is operand else None))
            for index, arg in enumerate(args)
        ]
        operands = dict(zip(macro.parameters, nodes, strict=True))
        return self.read(macro.body, _Place(place.pointer, place.depth + 1, operands))

    def _param(self, operand: Any, place: _Place) -> Node:
        node = (place.operands or {}).get(operand) if isinstance(operand, str) else None
        if node is None:
            return self._report("expression.unknown_parameter", place, name=operand)
        below = list(walk(node))
        self.nodes += len(below) - 1
        if self.nodes > MAX_NODES:
            self.full = True
            return self._report("expression.too_long", place, limit=MAX_NODES)
        if place.depth + _depth(node) - 1 > MAX_DEPTH:
            return self._report("expression.too_deep", place, limit=MAX_DEPTH)
        if place.inside and any(isinstance(n, Var) and not "".join(n.path).startswith("$") for n in below):
            return self._report("expression.parameter_in_condition", place, name=operand)
        return node

    def _report(self, code: str, place: _Place, **params: object) -> Literal:
        self.problems.append(problem(code, place.pointer, "", **params))
        return _UNREADABLE


def _operands(operand: Any) -> list[Any] | tuple[Any, ...]:
    return operand if isinstance(operand, list | tuple) else [operand]


def _depth(node: Node) -> int:
    level, depth = [node], 0
    while level:
        depth += 1
        level = [child for parent in level for child in children(parent)]
    return depth


def _expected(least: int, most: int) -> str:
    if least == most:
        return str(least)
    return f"≥ {least}" if most == MANY else f"{least}–{most}"


def _instant(text: str) -> Constant:
    if _INSTANT.fullmatch(text) is None:
        return None
    try:
        ms = moments.to_ms(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        return None
    return None if ms is None else moments.from_ms(ms)


def _duration(text: str) -> Constant:
    ms = moments.parse_duration(text)
    return None if ms is None else timedelta(milliseconds=ms)


def _long_number(text: str) -> Constant:
    return Decimal(text) if _NUMBER.fullmatch(text) else None


_TYPED_LITERALS = {
    "date": (DATE, moments.parse_date),
    "instant": (INSTANT, _instant),
    "duration": (DURATION, _duration),
    "number": (NUMBER, _long_number),
}
