"""Duration: a length of time in whole seconds, typed as people write it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from dacheng.metadata.expression import DURATION
from dacheng.metadata.field_kinds.numerals import narrow, number_from_json
from dacheng.metadata.kinds import ColumnSpec, FieldKind, Json, Primitive, Spec
from dacheng.metadata.problem import refuse

LONGEST = 10**10  # seconds, some 317 years: far inside what expressions reckon with
SCALE = 3  # stored in milliseconds, as expressions count
_UNITS = {"seconds": 1, "minutes": 60, "hours": 3600}
_NAMES = {
    "d": 86400,
    "day": 86400,
    "天": 86400,
    "日": 86400,
    "h": 3600,
    "hr": 3600,
    "hour": 3600,
    "小时": 3600,
    "时": 3600,
    "钟头": 3600,
    "m": 60,
    "min": 60,
    "minute": 60,
    "分": 60,
    "分钟": 60,
    "s": 1,
    "sec": 1,
    "second": 1,
    "秒": 1,
    "秒钟": 1,
}
_PART = re.compile(r"(\d{1,11}(?:\.\d{1,6})?)\s*([a-z]+|[\u4e00-\u9fff]+)\s*", re.ASCII)
_CLOCK = re.compile(r"(\d{1,7}):([0-5]?\d)(?::([0-5]?\d))?", re.ASCII)
_NUMBER = re.compile(r"\d{1,11}(\.\d{1,6})?", re.ASCII)
WORDS: Mapping[str, tuple[str, str, str, str]] = {
    "en": ("h", "m", "s", " "),
    "zh-CN": (" 小时", " 分", " 秒", " "),
}


def duration_text(seconds: int, locale: str) -> str:
    """A length of time in a locale's words: 5400 → `1h 30m`, `1 小时 30 分`."""
    hours, minutes, rest, between = WORDS.get(locale, WORDS["en"])
    whole, left = divmod(seconds, 3600)
    parts = [(whole, hours), (left // 60, minutes), (left % 60, rest)]
    return between.join(f"{count}{unit}" for count, unit in parts if count) or f"0{minutes}"


def seconds_from_text(text: str, unit: int) -> Decimal:
    """The seconds a person wrote (`1h 30m`, `1 小时 30 分`, `1:30`, a bare number in `unit`); refuses anything else."""
    plain = narrow(text).lower()
    if _NUMBER.fullmatch(plain):
        return Decimal(plain) * unit
    clock = _CLOCK.fullmatch(plain)
    if clock:
        return Decimal(int(clock[1]) * 3600 + int(clock[2]) * 60 + int(clock[3] or 0))
    total, at = Decimal(0), 0
    while found := _PART.match(plain, at):
        size = _NAMES.get(found[2]) or _NAMES.get(found[2].removesuffix("s").removeprefix("个"))
        if size is None:
            break
        total, at = total + Decimal(found[1]) * size, found.end()
    if at == 0 or at != len(plain):
        raise refuse("value.not_a_duration", value=text)
    return total


class DurationCodec:
    """A length of time bound to one field: `timedelta` in whole seconds, stored in milliseconds."""

    def __init__(self, spec: Spec) -> None:
        self.unit = _UNITS[spec.get("x-unit", "minutes")]
        column = ColumnSpec(Primitive.INTEGER, scale=SCALE, indexed=bool(spec.get("x-index")))
        self.columns = (column,)
        self.type = DURATION
        self.value_schema: Mapping[str, Any] = {"type": "integer", "minimum": 0, "maximum": LONGEST}

    def parse(self, raw: Json) -> timedelta | None:
        """JSON whole number of seconds → timedelta."""
        if raw is None or raw == "":
            return None
        return _whole(number_from_json(raw))

    def parse_text(self, text: str) -> timedelta | None:
        """What a person typed → timedelta; a bare number counts in the field's unit."""
        return _whole(seconds_from_text(text, self.unit)) if narrow(text) else None

    def store(self, value: timedelta | None) -> tuple[Any, ...]:
        """Milliseconds."""
        return (None if value is None else value // timedelta(milliseconds=1),)

    def load(self, stored: Sequence[Any]) -> timedelta | None:
        """Milliseconds → timedelta."""
        return None if stored[0] is None else timedelta(milliseconds=stored[0])

    def json(self, value: timedelta | None) -> Json:
        """Whole seconds."""
        return None if value is None else value // timedelta(seconds=1)

    def json_stored(self, stored: Sequence[Any]) -> Json:
        """Milliseconds → whole seconds."""
        return None if stored[0] is None else stored[0] // 1000

    def text(self, value: timedelta | None) -> str:
        """`1h 30m`."""
        return self.text_in(value, "en")

    def text_in(self, value: timedelta | None, locale: str) -> str:
        """`1h 30m`, `1 小时 30 分`."""
        return "" if value is None else duration_text(value // timedelta(seconds=1), locale)

    def operand(self, value: timedelta | None) -> Any:
        """As it is."""
        return value


def _whole(seconds: Decimal) -> timedelta:
    if seconds < 0:
        raise refuse("value.too_small", minimum=0)
    if seconds > LONGEST:
        raise refuse("value.too_large", maximum=LONGEST)
    if seconds != int(seconds):
        raise refuse("value.not_whole_seconds")
    return timedelta(seconds=int(seconds))


class Duration(FieldKind):
    """A length of time in whole seconds; `x-unit` (seconds, minutes, hours) is what a bare number means: minutes unless said."""

    id = "duration"
    numeric = ordered = True
    schema: Mapping[str, Any] = {"properties": {"x-unit": {"enum": list(_UNITS)}}}

    def bind(self, field_id: str, spec: Spec) -> DurationCodec:
        """The codec of one duration field."""
        return DurationCodec(spec)
