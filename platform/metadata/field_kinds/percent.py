"""Percent: an exact share; kept as the fraction (0.125), written and read as people do (12.5%)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal as Number
from typing import Any

from dacheng.metadata.field_kinds.decimal import BOUND, DecimalCodec
from dacheng.metadata.field_kinds.numerals import narrow, number_from_text, to_scale
from dacheng.metadata.kinds import FieldKind, Spec
from dacheng.metadata.problem import Refused, refuse

DEFAULT_DECIMALS = 2
MAX_DECIMALS = 4
_PLAIN = re.compile(r"(-?\d{1,12})(?:\.(\d{1,4}))?%?", re.ASCII)


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
        """All at once when they are plain percentages; the column holds shares × 10^scale."""
        plain = [_PLAIN.fullmatch(text) for text in texts]
        if any(text and not at for text, at in zip(texts, plain, strict=True)):
            return None
        kept = [None if at is None else self._stored(at[1], at[2] or "") for at in plain]
        within = all(number is None or self._fits(number) for number in kept)
        return kept if within and all(len(at[2] or "") <= self.scale - 2 for at in plain if at) else None

    def _stored(self, whole: str, decimals: str) -> int:
        return int(whole + decimals.ljust(self.scale - 2, "0"))

    def _fits(self, stored: int) -> bool:
        low = self.low is None or stored >= self.low.scaleb(self.scale)
        return low and (self.high is None or stored <= self.high.scaleb(self.scale))

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
