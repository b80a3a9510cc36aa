"""Dates, instants and durations: years 1 to 9999, whole milliseconds, days by the workspace's zone.

Inside an evaluation an instant is an integer of milliseconds since 1970 UTC and a duration one of milliseconds.
What leaves the range is missing.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from dacheng.metadata.expression.numbers import whole

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
FIRST_INSTANT = (
    -62135510400000
)  # 0001-01-02T00:00Z: a day inside the calendar, so every zone has a date for it
LAST_INSTANT = 253402214400000  # 9999-12-31T00:00Z
DURATION_LIMIT = 10**15
UNITS = ("day", "week", "month", "quarter", "year")
_SPAN = 4_000_000  # days; more than the whole calendar
_DURATION = re.compile(
    r"(-)?P(?:([0-9]{1,9})W)?(?:([0-9]{1,9})D)?(?:T(?:([0-9]{1,9})H)?(?:([0-9]{1,9})M)?"
    r"(?:([0-9]{1,11})(?:\.([0-9]{1,3}))?S)?)?",
    re.ASCII,
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def to_ms(moment: datetime) -> int | None:
    """Milliseconds since 1970 UTC, parts of a millisecond cut; None for a naive or out-of-range datetime."""
    if moment.tzinfo is None:
        return None
    return in_range((moment - EPOCH) // MILLISECOND)


def from_ms(ms: int) -> datetime:
    """The UTC datetime of an instant in range."""
    return EPOCH + timedelta(milliseconds=ms)


def in_range(ms: int) -> int | None:
    """The instant itself when it lies in the calendar."""
    return ms if FIRST_INSTANT <= ms <= LAST_INSTANT else None


def duration_in_range(ms: int) -> int | None:
    """The duration itself when its magnitude is below 10^15 milliseconds."""
    return ms if -DURATION_LIMIT < ms < DURATION_LIMIT else None


def local_date(ms: int, zone: ZoneInfo) -> date:
    """The calendar date of an instant in `zone`."""
    return from_ms(ms).astimezone(zone).date()


def local_hour(ms: int, zone: ZoneInfo) -> int:
    """The hour of the day, 0 to 23, that clocks in `zone` show at an instant."""
    return from_ms(ms).astimezone(zone).hour


def parse_date(text: str) -> date | None:
    """The date of exactly `YYYY-MM-DD`, else None."""
    if _DATE.fullmatch(text) is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def parse_duration(text: str) -> int | None:
    """Milliseconds of an ISO 8601 duration in weeks, days, hours, minutes, seconds (`P3D`, `-PT1.5S`), else None."""
    match = _DURATION.fullmatch(text)
    if match is None or text[-1] in "PT":
        return None
    sign, weeks, days, hours, minutes, seconds, fraction = match.groups()
    parts = (int(part or 0) for part in (weeks, days, hours, minutes, seconds))
    total = sum(part * size for part, size in zip(parts, (604800, 86400, 3600, 60, 1), strict=True)) * 1000
    total += int((fraction or "").ljust(3, "0"))
    return duration_in_range(-total if sign else total)


def format_duration(ms: int) -> str:
    """The canonical ISO 8601 form in seconds: `PT86400S`, `-PT0.25S`."""
    seconds, rest = divmod(abs(ms), 1000)
    fraction = f".{rest:03d}".rstrip("0") if rest else ""
    return f"{'-' if ms < 0 else ''}PT{seconds}{fraction}S"


def format_instant(ms: int) -> str:
    """The canonical UTC form with milliseconds: `2026-01-31T08:00:00.000Z`."""
    return from_ms(ms).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def add_days(day: date, count: Decimal) -> date | None:
    """`count` days later (cut to a whole number)."""
    days = whole(count, _SPAN)
    return _from_ordinal(day.toordinal() + days) if days is not None else None


def add_months(day: date, count: Decimal) -> date | None:
    """`count` months later (cut to a whole number); the 31st becomes the month's last day."""
    months = whole(count, _SPAN)
    if months is None:
        return None
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        return None
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def start_of(unit: str, day: date) -> date:
    """The first day of the day, week (Monday), month, quarter or year that holds `day`."""
    if unit == "week":
        return date.fromordinal(day.toordinal() - day.weekday())
    if unit == "month":
        return day.replace(day=1)
    if unit == "quarter":
        return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
    return date(day.year, 1, 1) if unit == "year" else day


def _from_ordinal(ordinal: int) -> date | None:
    return date.fromordinal(ordinal) if 1 <= ordinal <= 3652059 else None


@dataclass(frozen=True, slots=True)
class Calendar:
    """Working days: Monday to Friday, except `off` (holidays) and plus `extra` (make-up working weekends).

    Both are sorted ISO dates; `off` holds weekdays only and `extra` weekends only, so each shifts a count by one.
    """

    off: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()

    @classmethod
    def of(cls, days: Iterable[tuple[date, bool]]) -> Calendar:
        """The calendar of rows (day, is it a working day); rows that say what the weekday says already are dropped."""
        rows = dict(days)
        off = sorted(day.isoformat() for day, working in rows.items() if not working and day.weekday() < 5)
        extra = sorted(day.isoformat() for day, working in rows.items() if working and day.weekday() >= 5)
        return cls(tuple(off), tuple(extra))


WEEKDAYS = Calendar()
_LONGEST = 20_000  # working days, some eighty years


def working_days_between(start: date, end: date, calendar: Calendar) -> int:
    """Working days after `start` up to and including `end`; negative when `end` comes first."""
    if end < start:
        return -working_days_between(end, start, calendar)
    off, extra = _ordinals(calendar.off), _ordinals(calendar.extra)
    first, last = start.toordinal(), end.toordinal()
    weekdays = _weekdays_until(last) - _weekdays_until(first)
    corrected = bisect_right(extra, last) - bisect_right(extra, first)
    return weekdays + corrected - (bisect_right(off, last) - bisect_right(off, first))


def is_working_day(day: date, calendar: Calendar) -> bool:
    """Whether a day is worked."""
    text = day.isoformat()
    return text in calendar.extra if day.weekday() >= 5 else text not in calendar.off


def add_working_days(start: date, count: int, calendar: Calendar) -> date | None:
    """The day on which the `count`-th working day after `start` falls (`start` itself for 0); None beyond year 9999.

    The first day on which `working_days_between(start, day)` reaches `count`.
    """
    day = start
    for _ in range(min(count, _LONGEST)):
        following = add_days(day, Decimal(1))
        while following is not None and not is_working_day(following, calendar):
            following = add_days(following, Decimal(1))
        if following is None:
            return None
        day = following
    return day


def _weekdays_until(ordinal: int) -> int:
    weeks, rest = divmod(ordinal, 7)  # ordinal 1 is a Monday
    return weeks * 5 + min(rest, 5)


@lru_cache(maxsize=64)
def _ordinals(days: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(date.fromisoformat(day).toordinal() for day in days)
