"""What each strict operator does with present operands, chosen by the operands' types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from dacheng.metadata.expression import moments, numbers, text
from dacheng.metadata.expression.typed import Environment, Typed
from dacheng.metadata.expression.types import DURATION, INSTANT, NUMBER, TEXT, ListOf, RecordOf, Type
from dacheng.metadata.expression.values import reader

Apply = Callable[..., Any]


def choose(typed: Typed) -> Apply:
    """The function (environment, operand …) of a strict operator's call; None as a result is a missing value."""
    name = typed.operator
    kinds = tuple(arg.type for arg in typed.args)
    if name in ("+", "-", "/") and kinds[0] in (INSTANT, DURATION):
        return _TIME[name, kinds[0], kinds[1] if len(kinds) > 1 else None]
    if name == "-" and len(kinds) == 1:
        return lambda _env, value: numbers.negate(value)
    return _PLAIN[name]


def day_of(env: Environment, value: Any) -> date:
    """A date as it is, an instant's date in the zone."""
    return moments.local_date(value, env.zone) if value.__class__ is int else value


def as_text(kind: Type) -> Callable[[Any], str]:
    """How `cat` writes a value of a type."""
    if kind == NUMBER:
        return numbers.as_text
    return str if kind == TEXT else lambda value: str(value.isoformat())


def item_type(kind: ListOf) -> Type | None:
    """The type `in` compares with: the item's, or the one a record stands for."""
    return kind.item.fields(kind.item.stands_for) if isinstance(kind.item, RecordOf) else kind.item


def standing_item(kind: ListOf) -> Callable[[Any], Any]:
    """For a list of records: the value an item stands for (a bare value stands for itself)."""
    record = kind.item
    assert isinstance(record, RecordOf)
    name = record.stands_for
    read = reader(record.fields(name) or TEXT)
    return lambda item: read(item.get(name) if isinstance(item, Mapping) else item)


def _date(env: Environment, value: Any) -> date | None:
    return moments.parse_date(value) if value.__class__ is str else day_of(env, value)


def _sum_time(_env: Environment, left: int, right: int) -> int | None:
    return moments.in_range(left + right)


def _add_duration(_env: Environment, left: int, right: int) -> int | None:
    return moments.duration_in_range(left + right)


_PLAIN: dict[str, Apply] = {
    "+": lambda _env, a, b: numbers.add(a, b),
    "-": lambda _env, a, b: numbers.subtract(a, b),
    "*": lambda _env, a, b: numbers.multiply(a, b),
    "/": lambda _env, a, b: numbers.divide(a, b),
    "%": lambda _env, a, b: numbers.remainder(a, b),
    "abs": lambda _env, value: numbers.magnitude(value),
    "round": lambda _env, value, digits=Decimal(0): numbers.round_to(value, digits),
    "lower": lambda _env, value: text.lower(value),
    "first": lambda _env, value: value[0] if value else None,
    "length": lambda _env, value: Decimal(len(value)),
    "substr": lambda _env, value, start, length: text.part(value, start, length),
    "contains": lambda _env, value, part: part in value,
    "starts_with": lambda _env, value, prefix: value.startswith(prefix),
    "date": _date,
    "add_days": lambda _env, day, count: moments.add_days(day, count),
    "add_months": lambda _env, day, count: moments.add_months(day, count),
    "days_between": lambda env, a, b: Decimal(day_of(env, b).toordinal() - day_of(env, a).toordinal()),
    "hour": lambda env, value: Decimal(moments.local_hour(value, env.zone)),
    "start_of": lambda env, unit, value: moments.start_of(unit, day_of(env, value)),
    "working_days_between": lambda env, a, b: Decimal(
        moments.working_days_between(day_of(env, a), day_of(env, b), env.calendar)
    ),
}
_TIME: dict[tuple[str, Type, Type | None], Apply] = {
    ("+", INSTANT, DURATION): _sum_time,
    ("+", DURATION, INSTANT): _sum_time,
    ("+", DURATION, DURATION): _add_duration,
    ("+", DURATION, None): _add_duration,
    ("-", INSTANT, INSTANT): lambda _env, a, b: moments.duration_in_range(a - b),
    ("-", INSTANT, DURATION): lambda _env, a, b: moments.in_range(a - b),
    ("-", DURATION, DURATION): lambda _env, a, b: moments.duration_in_range(a - b),
    ("-", DURATION, None): lambda _env, value: -value,
    ("/", DURATION, DURATION): lambda _env, a, b: numbers.divide(Decimal(a), Decimal(b)),
}
