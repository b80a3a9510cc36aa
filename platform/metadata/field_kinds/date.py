"""Date: a calendar day without a time or a zone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from dacheng.metadata.expression import DATE
from dacheng.metadata.field_kinds.numerals import narrow
from dacheng.metadata.kinds import ColumnSpec, FieldKind, Json, Primitive, Spec
from dacheng.metadata.problem import refuse

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TYPED = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?", re.ASCII)
_DIGITS = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)


def date_from_text(text: str) -> date:
    """The day a person wrote (`2026-01-31`, `2026/1/31`, `2026年1月31日`, `20260131`); refuses anything else."""
    if _ISO.fullmatch(text):
        return _day(text, int(text[:4]), int(text[5:7]), int(text[8:]))
    plain = narrow(text)
    found = _TYPED.fullmatch(plain) or _DIGITS.fullmatch(plain)
    if not found:
        raise refuse("value.not_a_date", value=text)
    return _day(text, int(found[1]), int(found[2]), int(found[3]))


def _day(text: str, year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise refuse("value.not_a_date", value=text) from None


class DateCodec:
    """A day bound to one field: `datetime.date`, stored as ISO text."""

    def __init__(self, spec: Spec) -> None:
        self.columns = (ColumnSpec(Primitive.DATE, indexed=bool(spec.get("x-index"))),)
        self.type = DATE
        self.value_schema: Mapping[str, Any] = {"type": "string", "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}

    def parse(self, raw: Json) -> date | None:
        """`2026-01-31` → date."""
        if raw is None or raw == "":
            return None
        if isinstance(raw, str) and _ISO.fullmatch(raw):
            return date_from_text(raw)
        raise refuse("value.not_a_date", value=raw)

    def parse_text(self, text: str) -> date | None:
        """What a person typed → date; empty is missing."""
        return date_from_text(text) if text.strip() else None

    def store(self, value: date | None) -> tuple[Any, ...]:
        """ISO text."""
        return (None if value is None else value.isoformat(),)

    def load(self, stored: Sequence[Any]) -> date | None:
        """ISO text → date."""
        return None if stored[0] is None else date.fromisoformat(stored[0])

    def json(self, value: date | None) -> Json:
        """ISO text."""
        return None if value is None else value.isoformat()

    def json_stored(self, stored: Sequence[Any]) -> Json:
        """As it is."""
        return stored[0]

    def text(self, value: date | None) -> str:
        """ISO text."""
        return "" if value is None else value.isoformat()

    def operand(self, value: date | None) -> Any:
        """As it is."""
        return value


class Date(FieldKind):
    """A calendar day."""

    id = "date"
    ordered = timed = True

    def bind(self, field_id: str, spec: Spec) -> DateCodec:
        """The codec of one date field."""
        return DateCodec(spec)
