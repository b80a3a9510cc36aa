"""Values at the border: what callers hold on one side, the evaluator's internal form on the other.

Internal forms: text str, number Decimal, boolean bool, date date, instant int (ms since 1970 UTC), duration int (ms),
list tuple, record whatever was given, missing None. A value of another type than declared is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from dacheng.metadata.expression import moments, numbers
from dacheng.metadata.expression.types import (
    BOOLEAN,
    DATE,
    DURATION,
    INSTANT,
    NUMBER,
    TEXT,
    ListOf,
    RecordOf,
    Type,
)


def _text(value: Any) -> str | None:
    if value.__class__ is str:
        return value
    return str.__str__(value) if isinstance(value, str) else None


def _boolean(value: Any) -> bool | None:
    return value if value is True or value is False else None


def _date(value: Any) -> date | None:
    return value if value.__class__ is date else None


def _instant(value: Any) -> int | None:
    return moments.to_ms(value) if isinstance(value, datetime) else None


def _duration(value: Any) -> int | None:
    return moments.duration_in_range(value // moments.MILLISECOND) if isinstance(value, timedelta) else None


def _nothing(_value: Any) -> None:
    return None


def _as_is(value: Any) -> Any:
    return value


_READERS: Mapping[Type, Callable[[Any], Any]] = {
    TEXT: _text,
    NUMBER: numbers.to_decimal,
    BOOLEAN: _boolean,
    DATE: _date,
    INSTANT: _instant,
    DURATION: _duration,
}


def reader(kind: Type) -> Callable[[Any], Any]:
    """The function that takes a caller's value into internal form for a declared type."""
    if isinstance(kind, ListOf):
        return _list_reader(kind)
    return _as_is if isinstance(kind, RecordOf) else _READERS.get(kind, _nothing)


def _list_reader(kind: ListOf) -> Callable[[Any], Any]:
    item = reader(kind.item)

    def read(value: Any) -> tuple[Any, ...]:
        if isinstance(value, list | tuple | set | frozenset):
            return tuple(item(entry) for entry in value)
        return ()

    return read


def external(value: Any, kind: Type) -> Any:
    """The caller's form of an internal value: Decimal without negative zero, aware UTC datetime, timedelta …"""
    if value is None:
        return None
    if kind == NUMBER:
        return value or Decimal(0)
    if kind == INSTANT:
        return moments.from_ms(value)
    if kind == DURATION:
        return timedelta(milliseconds=value)
    if isinstance(kind, ListOf):
        return tuple(external(item, kind.item) for item in value)
    return value


def json_safe(value: Any, kind: Type) -> Any:
    """A value for a page or a stored trace: numbers as plain decimal text, dates and instants in ISO form."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(kind, ListOf):
        return [json_safe(item, kind.item) for item in value]
    if isinstance(kind, RecordOf):
        standing = value.get(kind.stands_for) if isinstance(value, Mapping) else value
        field = kind.fields(kind.stands_for)
        return json_safe(reader(field)(standing), field) if field is not None else None
    if kind == NUMBER:
        return numbers.as_text(value)
    if kind == INSTANT:
        return moments.format_instant(value)
    return moments.format_duration(value) if kind == DURATION else value.isoformat()
