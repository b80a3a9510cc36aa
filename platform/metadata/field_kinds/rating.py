"""Rating: stars from one to five, a number in everything that reckons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dacheng.metadata.field_kinds.integer import IntegerCodec
from dacheng.metadata.kinds import FieldKind, Spec

BEST = 5


class RatingCodec(IntegerCodec):
    """Stars bound to one field: an `int` from one to the field's best."""

    def __init__(self, spec: Spec) -> None:
        self.best = int(spec.get("x-best", BEST))
        super().__init__({**spec, "minimum": 1, "maximum": self.best})

    def parse_text(self, text: str) -> int | None:
        """A number, or as many stars as were typed → int."""
        plain = text.strip().rstrip("☆")
        return self.parse(len(plain)) if plain and not plain.strip("★") else super().parse_text(text)


class Rating(FieldKind):
    """Stars from one to `x-best` (five unless said, at most ten)."""

    id = "rating"
    numeric = ordered = True
    schema: Mapping[str, Any] = {"properties": {"x-best": {"type": "integer", "minimum": 2, "maximum": 10}}}

    def bind(self, field_id: str, spec: Spec) -> RatingCodec:
        """The codec of one rating field."""
        return RatingCodec(spec)
