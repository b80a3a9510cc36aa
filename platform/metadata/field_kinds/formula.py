"""Formula: a value computed from values of the same record, true in every transaction that writes one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from types import MappingProxyType
from typing import Any

from dacheng.metadata.field_kinds.boolean import Boolean
from dacheng.metadata.field_kinds.currencies import CURRENCIES
from dacheng.metadata.field_kinds.date import Date
from dacheng.metadata.field_kinds.datetime import Datetime
from dacheng.metadata.field_kinds.decimal import SCALE
from dacheng.metadata.field_kinds.decimal import Decimal as DecimalKind
from dacheng.metadata.field_kinds.duration import Duration
from dacheng.metadata.field_kinds.integer import Integer
from dacheng.metadata.field_kinds.money import Money, MoneyKind
from dacheng.metadata.field_kinds.percent import Percent
from dacheng.metadata.field_kinds.text import Text
from dacheng.metadata.kinds import Codec, FieldKind, Spec

RESULTS: Mapping[str, FieldKind] = MappingProxyType(
    {
        each.id: each
        for each in (
            Text(),
            Integer(),
            DecimalKind(),
            MoneyKind(),
            Percent(),
            Date(),
            Datetime(),
            Boolean(),
            Duration(),
        )
    }
)
LARGEST = Decimal(10) ** 18 - 1  # what a stored number holds, its decimals counted


class Formula(FieldKind):
    """`x-expression` over fields of the same record, kept as `x-result` says (text, integer, decimal, money, percent,
    date, datetime, boolean or duration). Money is in the currency of the amounts it is made of, and missing where
    those differ. What asks for the present moment is computed when it is read, and no list is put in its order."""

    id = "formula"
    derived = True
    schema: Mapping[str, Any] = {
        "required": ["x-expression", "x-result"],
        "properties": {
            "x-expression": {},
            "x-result": {"enum": list(RESULTS)},
            "x-scale": SCALE,
            "x-currency": {"type": "string", "enum": sorted(CURRENCIES)},
        },
    }
    merge: Mapping[str, str] = {"x-expression": "owner", "x-result": "owner", "x-scale": "owner"}

    def values_as(self, spec: Spec) -> FieldKind:
        """The kind of its result."""
        return RESULTS[spec["x-result"]]

    def bind(self, field_id: str, spec: Spec) -> Codec:
        """The codec of its result."""
        given = {key: spec[key] for key in ("x-scale", "x-currency", "x-index") if key in spec}
        return self.values_as(spec).bind(field_id, MappingProxyType(given))


def settle(spec: Spec, codec: Codec, value: Any, currencies: frozenset[str]) -> Any:
    """What an expression gave → the typed value of the formula's result; missing where its column cannot hold it.

    `currencies` are those of the amounts it was made of.
    """
    if value is None:
        return None
    make = _SETTLED.get(spec["x-result"])
    if make is None:
        return value
    scale = getattr(codec, "scale", 0)
    exact = Decimal(value).quantize(Decimal(1).scaleb(-scale), ROUND_HALF_EVEN)
    return make(codec, exact, currencies) if abs(exact.scaleb(scale)) <= LARGEST else None


def _money(codec: Codec, amount: Decimal, currencies: frozenset[str]) -> Money | None:
    if len(currencies) > 1:
        return None
    return Money(amount, next(iter(currencies), str(getattr(codec, "currency", ""))))


_SETTLED: Mapping[str, Callable[[Codec, Decimal, frozenset[str]], Any]] = {
    "integer": lambda _codec, exact, _currencies: int(exact),
    "decimal": lambda _codec, exact, _currencies: exact,
    "percent": lambda _codec, exact, _currencies: exact,
    "money": _money,
}
