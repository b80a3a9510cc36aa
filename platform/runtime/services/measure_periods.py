"""Periods of figures: the days of a group in time, the period before, how keys of two periods match, what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from dacheng.metadata.expression.moments import add_months, start_of
from dacheng.metadata.measures import Target

MONTHS = {"month": 1, "quarter": 3, "year": 12}
IN_TIME = frozenset({"day", "week", *MONTHS})
MOST_KEYS = 400


@dataclass(frozen=True, slots=True)
class Period:
    """Days from `start` to `end`, both included; None leaves that side open."""

    start: date | None = None
    end: date | None = None


def days_of(key: str, grain: str) -> tuple[date, date]:
    """The first and last day of a group in time, such as `2016`, `2016-Q4`, `2016-10`, `2016-10-05`."""
    year = int(key[:4])
    if grain == "year":
        return date(year, 1, 1), date(year, 12, 31)
    if grain == "quarter":
        first = date(year, 3 * int(key[-1]) - 2, 1)
        return first, _months(first, 3) - timedelta(days=1)
    if grain == "month":
        first = date(year, int(key[5:7]), 1)
        return first, _months(first, 1) - timedelta(days=1)
    day = date.fromisoformat(key)
    return day, day + timedelta(days=6 if grain == "week" else 0)


def key_of(day: date, grain: str) -> str:
    """The key of the group that holds a day."""
    first = start_of(grain, day)
    if grain == "quarter":
        return f"{first.year}-Q{(first.month + 2) // 3}"
    return first.isoformat()[: {"year": 4, "month": 7}.get(grain, 10)]


def _months(day: date, count: int) -> date:
    return add_months(day, Decimal(count)) or day


def unit_of(period: Period) -> tuple[str, int] | None:
    """The largest unit a period is made of, and how many: (month, 1) for a month, (year, 2) for two years."""
    if period.start is None or period.end is None or period.end < period.start:
        return None
    behind = period.end + timedelta(days=1)
    for unit, size in reversed(MONTHS.items()):
        if start_of(unit, period.start) == period.start and start_of(unit, behind) == behind:
            months = 12 * (behind.year - period.start.year) + behind.month - period.start.month
            return unit, months // size
    days = (behind - period.start).days
    return ("week", days // 7) if days % 7 == 0 and period.start.weekday() == 0 else ("day", days)


def earlier(period: Period, compare: str, today: date) -> Period | None:
    """The period compared with: as long and just before, or last year's; up to today's place in a running one."""
    unit = unit_of(period)
    if unit is None or period.start is None or period.end is None:
        return None
    name, count = unit
    months = 12 if compare == "last_year" else MONTHS.get(name, 0) * count
    last = today if period.start <= today < period.end else period.end
    if not months:
        size = count * (7 if name == "week" else 1)
        return Period(period.start - timedelta(days=size), last - timedelta(days=size))
    start = _months(period.start, -months)
    whole = last == period.end and name in MONTHS
    end = _months(last + timedelta(days=1), -months) - timedelta(days=1) if whole else _months(last, -months)
    return Period(start, min(end, period.start - timedelta(days=1)))


def moved(key: str, grain: str, start: date, to: date) -> str:
    """The key of a group as many days, weeks, months … behind `to` as `key` is behind `start`."""
    first, _ = days_of(key, grain)
    if grain in MONTHS:
        a, b = start_of(grain, start), start_of(grain, to)
        return key_of(_months(first, 12 * (b.year - a.year) + b.month - a.month), grain)
    return key_of(first + (start_of(grain, to) - start_of(grain, start)), grain)


def keys_within(period: Period, grain: str, today: date) -> Iterator[str]:
    """Every key of a closed period up to today, so that months without records have their place."""
    if period.start is None or period.end is None:
        return
    day = start_of(grain, period.start)
    for _ in range(MOST_KEYS):
        if day > min(period.end, today):
            return
        yield key_of(day, grain)
        day = _months(day, MONTHS[grain]) if grain in MONTHS else day + timedelta(7 if grain == "week" else 1)


def wanted(target: Target | None, period: Period, grain: str, each: bool) -> Decimal | None:
    """The target of a figure over a period (“per month” three times in a quarter), or of each group in time.

    `each` says that the figure does not grow with its records, such as an average: its target holds for any group.
    """
    if target is None:
        return None
    if not target.per:
        return target.value if each or not grain else None
    if grain:
        return target.value if grain == target.per else None
    unit = unit_of(period)
    if unit is None:
        return None
    if target.per in MONTHS and unit[0] in MONTHS:
        months = MONTHS[unit[0]] * unit[1]
        return target.value * months / MONTHS[target.per] if months % MONTHS[target.per] == 0 else None
    sizes = {"day": 1, "week": 7}
    if target.per not in sizes or period.start is None or period.end is None:
        return None
    days = (period.end - period.start).days + 1
    return target.value * days / sizes[target.per] if days % sizes[target.per] == 0 else None
