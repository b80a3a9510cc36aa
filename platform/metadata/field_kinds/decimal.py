"""Decimal: an exact number with a fixed count of decimals, stored as a scaled integer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal as Number
from typing import Any

from dacheng.metadata.expression import NUMBER
from dacheng.metadata.field_kinds.numerals import (
    bound,
    check_bounds,
    number_from_json,
    number_from_text,
    scaled_column,
    scaled_writer,
    to_scale,
)
from dacheng.metadata.kinds import ColumnSpec, FieldKind, Json, Primitive, Spec

DEFAULT_SCALE = 2
MAX_SCALE = 6
NUMBER_OR_TEXT: Mapping[str, Any] = {
    "anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^-?\d{1,18}(\.\d{1,18})?$"}]
}


class DecimalCodec:
    """An exact number bound to one field: `Decimal` with the field's scale."""

    def __init__(self, spec: Spec) -> None:
        self.scale = int(spec.get("x-scale", DEFAULT_SCALE))
        self.low = bound(spec.get("minimum"))
        self.high = bound(spec.get("maximum"))
        column = ColumnSpec(Primitive.INTEGER, scale=self.scale, indexed=bool(spec.get("x-index")))
        self.columns = (column,)
        self.type = NUMBER
        self.value_schema: Mapping[str, Any] = NUMBER_OR_TEXT
        self._write = scaled_writer(self.scale)

    def parse(self, raw: Json) -> Number | None:
        """JSON number or decimal string → Decimal."""
        if raw is None or raw == "":
            return None
        return self._exact(number_from_json(raw))

    def parse_text(self, text: str) -> Number | None:
        """What a person typed → Decimal; empty is missing."""
        return self._exact(number_from_text(text)) if text.strip() else None

    def _exact(self, value: Number) -> Number:
        exact = to_scale(value, self.scale)
        check_bounds(exact, self.low, self.high)
        return exact

    def store(self, value: Number | None) -> tuple[Any, ...]:
        """Value × 10^scale as an integer."""
        return (None if value is None else int(value.scaleb(self.scale)),)

    def store_texts(self, texts: Sequence[str]) -> list[int | None] | None:
        """All at once when they have exactly the field's decimals."""
        return scaled_column(texts, self.scale, self.low, self.high)

    def load(self, stored: Sequence[Any]) -> Number | None:
        """Stored integer → Decimal."""
        return None if stored[0] is None else Number(stored[0]).scaleb(-self.scale)

    def json(self, value: Number | None) -> Json:
        """Decimal text with all decimals."""
        return None if value is None else f"{value:.{self.scale}f}"

    def json_stored(self, stored: Sequence[Any]) -> Json:
        """Stored integer → decimal text, without a Decimal in between."""
        return None if stored[0] is None else self._write(stored[0])

    def text(self, value: Number | None) -> str:
        """Decimal text with all decimals."""
        return "" if value is None else f"{value:.{self.scale}f}"

    def operand(self, value: Number | None) -> Any:
        """As it is."""
        return value


BOUND: Mapping[str, Any] = {
    "anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^-?[0-9]{1,17}(\.[0-9]{1,6})?$"}]
}
SCALE: Mapping[str, Any] = {"type": "integer", "minimum": 0, "maximum": MAX_SCALE}


class Decimal(FieldKind):
    """An exact number of at most 18 digits, `x-scale` (2 unless said, at most 6) of them decimals."""

    id = "decimal"
    numeric = ordered = True
    schema: Mapping[str, Any] = {"properties": {"minimum": BOUND, "maximum": BOUND, "x-scale": SCALE}}
    merge: Mapping[str, str] = {"x-scale": "locked"}

    def bind(self, field_id: str, spec: Spec) -> DecimalCodec:
        """The codec of one decimal field."""
        return DecimalCodec(spec)
