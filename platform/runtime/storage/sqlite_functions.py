"""The expression functions on SQLite: exact, deterministic, registered on every connection.

A computed number travels as text of 25 digits: its millionths plus 10^24. So texts sort and compare as the numbers
do, far beyond what a 64-bit integer or a double could hold.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Context, Decimal
from functools import lru_cache
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from dacheng.metadata.expression import moments, numbers, text
from dacheng.metadata.expression.moments import Calendar

_OFFSET = 10**24
_MILLION = 10**6
_LARGEST = 2**63 - 1
_WIDE = Context(prec=60)


class Connection(Protocol):
    """The part of `sqlite3.Connection` that is needed here."""

    def create_function(
        self, name: str, narg: int, func: Callable[..., Any], *, deterministic: bool = ...
    ) -> None:
        """Makes `func` callable from SQL."""


def encode(value: Decimal) -> str:
    """A number's travelling form; the value must fit the language's range."""
    return f"{int(value.scaleb(numbers.SCALE, _WIDE)) + _OFFSET:025d}"


def decode(coded: str) -> Decimal:
    """The number of a travelling form."""
    return Decimal(int(coded) - _OFFSET).scaleb(-numbers.SCALE, _WIDE)


def register(connection: Connection) -> None:
    """Registers every `dc_…` function on a `sqlite3` connection."""
    for name, (count, function) in _FUNCTIONS.items():
        connection.create_function(name, count, _strict(function), deterministic=True)


def _strict(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*values: Any) -> Any:
        return None if None in values else function(*values)

    return call


def _coded(value: Decimal | None) -> str | None:
    return None if value is None else encode(value)


def _arithmetic(function: Callable[..., Decimal | None]) -> Callable[..., str | None]:
    return lambda *values: _coded(function(*map(decode, values)))


def _lift(value: int, scale: int) -> str | None:
    return _coded(numbers.fit(Decimal(value).scaleb(-scale, _WIDE)))


def _scaled(coded: str, scale: int) -> int | None:
    rounded = numbers.round_to(decode(coded), Decimal(scale))
    result = None if rounded is None else int(rounded.scaleb(scale, _WIDE))
    return result if result is not None and -_LARGEST <= result <= _LARGEST else None


def _within(value: int, least: int, most: int) -> int | None:
    return value if least <= value <= most else None


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _day(value: date | None) -> str | None:
    return None if value is None else value.isoformat()


def _date_of(ms: int, zone: str) -> str | None:
    return _day(moments.local_date(ms, _zone(zone))) if moments.in_range(ms) is not None else None


def _hour_of(ms: int, zone: str) -> int | None:
    return moments.local_hour(ms, _zone(zone)) if moments.in_range(ms) is not None else None


def _days(start: str, end: str) -> str:
    return encode(Decimal(date.fromisoformat(end).toordinal() - date.fromisoformat(start).toordinal()))


def _working_days(start: str, end: str, off: str, extra: str) -> str:
    calendar = _calendar(off, extra)
    return encode(
        Decimal(moments.working_days_between(date.fromisoformat(start), date.fromisoformat(end), calendar))
    )


@lru_cache(maxsize=16)
def _calendar(off: str, extra: str) -> Calendar:
    return Calendar(tuple(filter(None, off.split(","))), tuple(filter(None, extra.split(","))))


_FUNCTIONS: dict[str, tuple[int, Callable[..., Any]]] = {
    "dc_num": (2, _lift),
    "dc_scaled": (2, _scaled),
    "dc_num_text": (1, lambda coded: numbers.as_text(decode(coded))),
    "dc_add": (2, _arithmetic(numbers.add)),
    "dc_sub": (2, _arithmetic(numbers.subtract)),
    "dc_mul": (2, _arithmetic(numbers.multiply)),
    "dc_div": (2, _arithmetic(numbers.divide)),
    "dc_mod": (2, _arithmetic(numbers.remainder)),
    "dc_neg": (1, _arithmetic(numbers.negate)),
    "dc_abs": (1, _arithmetic(numbers.magnitude)),
    "dc_round": (2, _arithmetic(numbers.round_to)),
    "dc_within": (3, _within),
    "dc_lower": (1, text.lower),
    "dc_substr": (3, lambda whole, start, length: text.part(whole, decode(start), decode(length))),
    "dc_date_of": (2, _date_of),
    "dc_hour_of": (2, _hour_of),
    "dc_date_text": (1, lambda value: _day(moments.parse_date(value))),
    "dc_add_days": (2, lambda day, count: _day(moments.add_days(date.fromisoformat(day), decode(count)))),
    "dc_add_months": (2, lambda day, count: _day(moments.add_months(date.fromisoformat(day), decode(count)))),
    "dc_start_of": (2, lambda unit, day: _day(moments.start_of(unit, date.fromisoformat(day)))),
    "dc_days": (2, _days),
    "dc_working_days": (4, _working_days),
}
