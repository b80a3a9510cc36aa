"""Percent: an exact share; kept as the fraction (0.125), written and read as people do (12.5%)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal as Number
from typing import Any

from dacheng.metadata.field_kinds.decimal import BOUND, DecimalCodec
from dacheng.metadata.field_kinds.numerals import narrow, number_from_text, to_scale
from dacheng.metadata.kinds import FieldKind, Spec
from dacheng.metadata.problem import Refused, refuse

DEFAULT_DECIMALS = 2
MAX_DECIMALS = 4


def percent_text(share: Number) -> str:
    """A share as people write it, without idle zeros: 0.1250 → `12.5%`."""
    shown = f"{share.scaleb(2):f}"
    return f"{shown.rstrip('0').rstrip('.') if '.' in shown else shown}%"


class PercentCodec(DecimalCodec):
    """A share bound to one field: `Decimal`, two decimals finer than the percentage shown."""

    def __init__(self, spec: Spec) -> None:
        super().__init__({**spec, "x-scale": int(spec.get("x-scale", DEFAULT_DECIMALS)) + 2})

    def parse_text(self, text: str) -> Number | None:
        """A percentage, with or without its sign (`12.5`, `12.5%`, `百分之12.5`) → the share."""
        plain = narrow(text).removeprefix("百分之").removesuffix("%").strip()
        return self._exact(number_from_text(plain).scaleb(-2)) if narrow(text) else None

    def store_texts(self, texts: Sequence[str]) -> list[int | None] | None:
        """One by one: a column of plain decimals would be taken for shares."""
        return None

    def _exact(self, value: Number) -> Number:
        try:
            exact = to_scale(value, self.scale)
        except Refused as refused:
            if refused.problems[0].code == "value.too_precise":  # counted in the decimals that people see
                raise refuse("value.too_precise", scale=self.scale - 2) from None
            raise
        if self.low is not None and exact < self.low:
            raise refuse("value.too_small", minimum=percent_text(self.low))
        if self.high is not None and exact > self.high:
            raise refuse("value.too_large", maximum=percent_text(self.high))
        return exact

    def text(self, value: Number | None) -> str:
        """`12.5%`."""
        return "" if value is None else percent_text(value)


class Percent(FieldKind):
    """A share such as 0.125, shown and typed as 12.5%; `x-scale` decimals of the percentage are kept (2 unless said)."""

    id = "percent"
    numeric = ordered = True
    schema: Mapping[str, Any] = {
        "properties": {
            "minimum": BOUND,
            "maximum": BOUND,
            "x-scale": {"type": "integer", "minimum": 0, "maximum": MAX_DECIMALS},
        }
    }
    merge: Mapping[str, str] = {"x-scale": "locked"}

    def bind(self, field_id: str, spec: Spec) -> PercentCodec:
        """The codec of one percent field."""
        return PercentCodec(spec)
