"""Date and time: an instant, exact to the millisecond, kept in UTC."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from dacheng.metadata.expression import INSTANT
from dacheng.metadata.field_kinds.date import date_from_text
from dacheng.metadata.field_kinds.numerals import narrow
from dacheng.metadata.kinds import ColumnSpec, FieldKind, Json, Primitive, Spec
from dacheng.metadata.problem import Refused, refuse

TYPED_ZONE = ZoneInfo("Asia/Shanghai")  # what a time without a zone, typed by a person, means
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})", re.ASCII)
_TIME = re.compile(r"(\d{1,2})[:点](\d{1,2})?分?(?::?(\d{1,2})秒?)?", re.ASCII)


def to_milliseconds(value: datetime) -> int:
    """Milliseconds since 1970 UTC of an aware datetime, exact."""
    return (value - _EPOCH) // _MILLISECOND


def from_milliseconds(stored: int) -> datetime:
    """The aware UTC datetime of a stored instant."""
    return _EPOCH + timedelta(milliseconds=stored)


@lru_cache(maxsize=4096)
def _day_text(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).date().isoformat()


def instant_text(stored: int) -> str:
    """A stored instant as `2026-01-31T08:00:00.000Z`; days are remembered, so a page of rows costs little."""
    day, rest = divmod(stored, 86_400_000)
    minutes, milliseconds = divmod(rest, 60_000)
    return (
        f"{_day_text(day)}T{minutes // 60:02d}:{minutes % 60:02d}"
        f":{milliseconds // 1000:02d}.{milliseconds % 1000:03d}Z"
    )


class DatetimeCodec:
    """An instant bound to one field: aware UTC `datetime`, stored as milliseconds."""

    def __init__(self, spec: Spec) -> None:
        self.columns = (ColumnSpec(Primitive.INSTANT, indexed=bool(spec.get("x-index"))),)
        self.type = INSTANT
        self.value_schema: Mapping[str, Any] = {"type": "string", "minLength": 17, "maxLength": 40}

    def parse(self, raw: Json) -> datetime | None:
        """ISO text with `Z` or an offset → aware UTC datetime, cut to the millisecond."""
        if raw is None or raw == "":
            return None
        if not isinstance(raw, str) or not _ISO.fullmatch(raw):
            raise refuse("value.not_a_time", value=raw)
        try:
            value = datetime.fromisoformat(raw.replace(",", ".")).astimezone(UTC)
        except (ValueError, OverflowError):
            raise refuse("value.not_a_time", value=raw) from None
        return value - timedelta(microseconds=value.microsecond % 1000)

    def parse_text(self, text: str) -> datetime | None:
        """What a person typed (`2026/1/31 8:05`) → UTC; without an offset it is China time."""
        plain = narrow(text)
        if not plain:
            return None
        if _ISO.fullmatch(plain):
            return self.parse(plain)
        day, _, clock = plain.replace("T", " ").partition(" ")
        found = _TIME.fullmatch(clock.strip() or "0:0")
        if not found:
            raise refuse("value.not_a_time", value=text)
        try:
            on = date_from_text(day)
            hour, minute, second = int(found[1]), int(found[2] or 0), int(found[3] or 0)
            local = datetime(on.year, on.month, on.day, hour, minute, second, tzinfo=TYPED_ZONE)
            return local.astimezone(UTC)
        except (Refused, ValueError, OverflowError):
            raise refuse("value.not_a_time", value=text) from None

    def store(self, value: datetime | None) -> tuple[Any, ...]:
        """Milliseconds since 1970 UTC."""
        return (None if value is None else to_milliseconds(value),)

    def load(self, stored: Sequence[Any]) -> datetime | None:
        """Milliseconds → aware UTC datetime."""
        return None if stored[0] is None else from_milliseconds(stored[0])

    def json(self, value: datetime | None) -> Json:
        """`2026-01-31T08:00:00.000Z`."""
        return None if value is None else instant_text(to_milliseconds(value))

    def json_stored(self, stored: Sequence[Any]) -> Json:
        """Milliseconds → `2026-01-31T08:00:00.000Z`."""
        return None if stored[0] is None else instant_text(stored[0])

    def text(self, value: datetime | None) -> str:
        """`2026-01-31T08:00:00.000Z`."""
        return "" if value is None else instant_text(to_milliseconds(value))

    def operand(self, value: datetime | None) -> Any:
        """As it is."""
        return value


class Datetime(FieldKind):
    """An instant."""

    id = "datetime"
    ordered = timed = True

    def bind(self, field_id: str, spec: Spec) -> DatetimeCodec:
        """The codec of one date-and-time field."""
        return DatetimeCodec(spec)
