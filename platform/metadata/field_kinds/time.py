"""Time: a time of day without a day or a zone, to the second."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dacheng.metadata.expression import TEXT
from dacheng.metadata.field_kinds.numerals import narrow
from dacheng.metadata.field_kinds.verbatim import Verbatim
from dacheng.metadata.kinds import ColumnSpec, FieldKind, Json, Primitive, Spec
from dacheng.metadata.problem import refuse

PATTERN = "^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$"
_ISO = re.compile(PATTERN.strip("^$"), re.ASCII)
_TYPED = re.compile(
    r"(上午|早上|凌晨|中午|下午|晚上|am|pm)?\s*(\d{1,2})\s*(?:[:.点时]\s*(?:(\d{1,2})|(半))?分?(?:\s*:?\s*(\d{1,2})秒?)?)?"
    r"\s*(am|pm|a\.m\.|p\.m\.)?",
    re.ASCII,
)
_DIGITS = re.compile(r"(\d{2})(\d{2})", re.ASCII)
_LATE = ("下午", "晚上", "中午", "pm")


def time_from_text(text: str) -> str:
    """The time a person wrote (`8:05`, `8点05分`, `下午3:20`, `3:20 pm`, `0805`) as `HH:MM[:SS]`; refuses anything else."""
    plain = narrow(text).lower()
    if _ISO.fullmatch(plain):
        return _short(plain)
    digits = _DIGITS.fullmatch(plain)
    found = digits or _TYPED.fullmatch(plain)
    if not found:
        raise refuse("value.not_a_clock", value=text)
    if digits:
        return _clock(text, int(digits[1]), int(digits[2]), 0)
    part = (found[1] or found[6] or "").replace(".", "")
    if not part and found.end(2) == len(plain):
        raise refuse("value.not_a_clock", value=text)  # a bare number says no time
    hour, minute = int(found[2]), 30 if found[4] else int(found[3] or 0)
    return _clock(text, _in_day(hour, part), minute, int(found[5] or 0))


def _in_day(hour: int, part: str) -> int:
    """The hour of 24 behind one with a part of the day beside it."""
    if part in _LATE and 1 <= hour < 12 and not (part == "中午" and hour >= 10):
        return hour + 12
    return 0 if part in ("am", "凌晨") and hour == 12 else hour


def _clock(text: str, hour: int, minute: int, second: int) -> str:
    if hour > 23 or minute > 59 or second > 59:
        raise refuse("value.not_a_clock", value=text)
    return _short(f"{hour:02d}:{minute:02d}:{second:02d}")


def _short(clock: str) -> str:
    return clock[:5] if clock.endswith(":00") and len(clock) == 8 else clock


class TimeCodec(Verbatim):
    """A time of day bound to one field: `HH:MM` or `HH:MM:SS`, text whose order is that of the day."""

    def __init__(self, spec: Spec) -> None:
        self.columns = (ColumnSpec(Primitive.TEXT, indexed=bool(spec.get("x-index"))),)
        self.type = TEXT
        self.value_schema: Mapping[str, Any] = {"type": "string", "pattern": PATTERN}

    def parse(self, raw: Json) -> str | None:
        """`08:05` or `08:05:30` → the same, seconds left out where they are none."""
        if raw is None or raw == "":
            return None
        if not isinstance(raw, str) or not _ISO.fullmatch(raw):
            raise refuse("value.not_a_clock", value=raw)
        return _short(raw)

    def parse_text(self, text: str) -> str | None:
        """What a person typed → `HH:MM[:SS]`; empty is missing."""
        return time_from_text(text) if narrow(text) else None


class Time(FieldKind):
    """A time of day, to the second."""

    id = "time"
    ordered = True

    def bind(self, field_id: str, spec: Spec) -> TimeCodec:
        """The codec of one time field."""
        return TimeCodec(spec)
