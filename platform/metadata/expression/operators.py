"""The operators: one table with arity, operand and result types, cost, and what a missing operand does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from dacheng.metadata.expression.types import (
    BOOLEAN,
    DATE,
    DURATION,
    INSTANT,
    NUMBER,
    ORDERED,
    TEXT,
    ListOf,
    Type,
)

MANY = 1000


@dataclass(frozen=True, slots=True)
class Overload:
    """One way to call an operator: the types each operand may have; `rest` says that the last repeats."""

    operands: tuple[tuple[Type, ...], ...]
    result: Type
    rest: bool = False

    def accepts(self, position: int) -> tuple[Type, ...]:
        """The types allowed at `position`."""
        return self.operands[min(position, len(self.operands) - 1)] if self.operands else ()


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator: `rule` is `typed` (see `overloads`) or names a rule of its own in `check`.

    `missing` says what a missing operand does: `false` (a condition, two-valued), `missing` (so is the result),
    `skip` (adds nothing), `value` (null is a value like another), or `choose` (decided by the branch taken).
    """

    id: str
    least: int
    most: int
    cost: int
    missing: str
    overloads: tuple[Overload, ...] = ()
    rule: str = "typed"


def _one(result: Type, *operands: Type | tuple[Type, ...], rest: bool = False) -> Overload:
    return Overload(
        tuple(kinds if isinstance(kinds, tuple) else (kinds,) for kinds in operands), result, rest
    )


def _pairs(result: Type) -> tuple[Overload, ...]:
    return tuple(_one(result, kind, kind) for kind in ORDERED)


def _extremes() -> tuple[Overload, ...]:
    lists = tuple(_one(kind, ListOf(kind)) for kind in ORDERED)
    return lists + tuple(_one(kind, kind, rest=True) for kind in ORDERED)


_DAY = (DATE, INSTANT)
_TABLE = (
    Operator("==", 2, 2, 1, "value", rule="equality"),
    Operator("!=", 2, 2, 1, "value", rule="equality"),
    Operator(">", 2, 2, 1, "false", _pairs(BOOLEAN)),
    Operator(">=", 2, 2, 1, "false", _pairs(BOOLEAN)),
    Operator("<", 2, 2, 1, "false", _pairs(BOOLEAN)),
    Operator("<=", 2, 2, 1, "false", _pairs(BOOLEAN)),
    Operator("and", 1, MANY, 1, "false", (_one(BOOLEAN, BOOLEAN, rest=True),)),
    Operator("or", 1, MANY, 1, "false", (_one(BOOLEAN, BOOLEAN, rest=True),)),
    Operator("!", 1, 1, 1, "false", (_one(BOOLEAN, BOOLEAN),)),
    Operator("if", 2, MANY, 1, "choose", rule="choice"),
    Operator("in", 2, 2, 2, "false", rule="membership"),
    Operator(
        "+",
        1,
        MANY,
        2,
        "missing",
        (
            _one(NUMBER, NUMBER, rest=True),
            _one(DURATION, DURATION, rest=True),
            _one(INSTANT, INSTANT, DURATION),
            _one(INSTANT, DURATION, INSTANT),
        ),
    ),
    Operator(
        "-",
        1,
        2,
        2,
        "missing",
        (
            _one(NUMBER, NUMBER),
            _one(DURATION, DURATION),
            _one(NUMBER, NUMBER, NUMBER),
            _one(DURATION, INSTANT, INSTANT),
            _one(INSTANT, INSTANT, DURATION),
            _one(DURATION, DURATION, DURATION),
        ),
    ),
    Operator("*", 1, MANY, 3, "missing", (_one(NUMBER, NUMBER, rest=True),)),
    Operator("/", 2, 2, 4, "missing", (_one(NUMBER, NUMBER, NUMBER), _one(NUMBER, DURATION, DURATION))),
    Operator("%", 2, 2, 4, "missing", (_one(NUMBER, NUMBER, NUMBER),)),
    Operator("min", 1, MANY, 2, "missing", _extremes()),
    Operator("max", 1, MANY, 2, "missing", _extremes()),
    Operator("cat", 1, MANY, 2, "skip", (_one(TEXT, (TEXT, NUMBER, DATE), rest=True),)),
    Operator("some", 2, 2, 5, "false", rule="quantifier"),
    Operator("all", 2, 2, 5, "false", rule="quantifier"),
    Operator("none", 2, 2, 5, "false", rule="quantifier"),
    Operator("is_set", 1, 1, 1, "false", rule="anything"),
    Operator("date", 1, 1, 2, "missing", (_one(DATE, (DATE, INSTANT, TEXT)),)),
    Operator("today", 0, 0, 1, "value", (_one(DATE),)),
    Operator("now", 0, 0, 1, "value", (_one(INSTANT),)),
    Operator("add_days", 2, 2, 2, "missing", (_one(DATE, DATE, NUMBER),)),
    Operator("add_months", 2, 2, 2, "missing", (_one(DATE, DATE, NUMBER),)),
    Operator("days_between", 2, 2, 2, "missing", (_one(NUMBER, _DAY, _DAY),)),
    Operator("start_of", 2, 2, 2, "missing", (_one(DATE, TEXT, _DAY),)),
    Operator("hour", 1, 1, 2, "missing", (_one(NUMBER, INSTANT),)),
    Operator("working_days_between", 2, 2, 5, "missing", (_one(NUMBER, _DAY, _DAY),)),
    Operator("lower", 1, 1, 3, "missing", (_one(TEXT, TEXT),)),
    Operator("substr", 3, 3, 3, "missing", (_one(TEXT, TEXT, NUMBER, NUMBER),)),
    Operator("contains", 2, 2, 3, "false", (_one(BOOLEAN, TEXT, TEXT),)),
    Operator("starts_with", 2, 2, 2, "false", (_one(BOOLEAN, TEXT, TEXT),)),
    Operator("first", 1, 1, 2, "missing", rule="first"),
    Operator("length", 1, 1, 2, "missing", rule="length"),
    Operator("round", 1, 2, 2, "missing", (_one(NUMBER, NUMBER), _one(NUMBER, NUMBER, NUMBER))),
    Operator("abs", 1, 1, 1, "missing", (_one(NUMBER, NUMBER),)),
)

OPERATORS: Mapping[str, Operator] = MappingProxyType({operator.id: operator for operator in _TABLE})
QUANTIFIERS = frozenset({"some", "all", "none"})
CONDITIONS = frozenset(
    {
        "==",
        "!=",
        ">",
        ">=",
        "<",
        "<=",
        "and",
        "or",
        "!",
        "in",
        "some",
        "all",
        "none",
        "is_set",
        "contains",
        "starts_with",
    }
)
