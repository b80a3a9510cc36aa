"""Integer: a whole number that a browser can hold exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from dacheng.metadata.expression import NUMBER
from dacheng.metadata.field_kinds.numerals import (
    bound,
    check_bounds,
    number_from_json,
    number_from_text,
    scaled_column,
)
from dacheng.metadata.kinds import ColumnSpec, FieldKind, Json, Primitive, Spec
from dacheng.metadata.problem import refuse

LIMIT = 2**53 - 1


class IntegerCodec:
    """A whole number bound to one field: `int`."""

    def __init__(self, spec: Spec) -> None:
        self.low = bound(spec.get("minimum"))
        self.high = bound(spec.get("maximum"))
        self.columns = (ColumnSpec(Primitive.INTEGER, indexed=bool(spec.get("x-index"))),)
        self.type = NUMBER
        self.value_schema: Mapping[str, Any] = {
            "type": "integer",
            "minimum": -LIMIT if self.low is None else int(self.low),
            "maximum": LIMIT if self.high is None else int(self.high),
        }

    def parse(self, raw: Json) -> int | None:
        """JSON number (or digits as text) → int."""
        if raw is None or raw == "":
            return None
        return self._whole(raw if type(raw) is int else number_from_json(raw))

    def parse_text(self, text: str) -> int | None:
        """What a person typed → int; empty is missing."""
        return self._whole(number_from_text(text)) if text.strip() else None

    def _whole(self, value: int | Decimal) -> int:
        if not -LIMIT <= value <= LIMIT:
            raise refuse("value.too_many_digits", digits=15)
        whole = int(value)
        if whole != value:
            raise refuse("value.not_whole")
        check_bounds(whole, self.low, self.high)
        return whole

    def store(self, value: int | None) -> tuple[Any, ...]:
        """As it is."""
        return (value,)

    def store_texts(self, texts: Sequence[str]) -> list[int | None] | None:
        """All at once when they are plain digits."""
        low = Decimal(-LIMIT) if self.low is None else max(self.low, Decimal(-LIMIT))
        high = Decimal(LIMIT) if self.high is None else min(self.high, Decimal(LIMIT))
        return scaled_column(texts, 0, low, high)

    def load(self, stored: Sequence[Any]) -> int | None:
        """As it is."""
        return stored[0]  # type: ignore[no-any-return]

    def json(self, value: int | None) -> Json:
        """As it is."""
        return value

    def json_stored(self, stored: Sequence[Any]) -> Json:
        """As it is."""
        return stored[0]

    def text(self, value: int | None) -> str:
        """Plain digits."""
        return "" if value is None else str(value)

    def operand(self, value: int | None) -> Any:
        """An exact number."""
        return None if value is None else Decimal(value)


class Integer(FieldKind):
    """A whole number within ±(2^53 − 1), with optional bounds."""

    id = "integer"
    numeric = ordered = True
    schema: Mapping[str, Any] = {
        "properties": {
            "minimum": {"type": "integer", "minimum": -LIMIT, "maximum": LIMIT},
            "maximum": {"type": "integer", "minimum": -LIMIT, "maximum": LIMIT},
        }
    }

    def bind(self, field_id: str, spec: Spec) -> IntegerCodec:
        """The codec of one integer field."""
        return IntegerCodec(spec)
