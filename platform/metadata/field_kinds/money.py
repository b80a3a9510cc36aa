"""Money: an amount in minor units with its currency; sums never mix currencies."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from dacheng.metadata.expression import NUMBER, TEXT, RecordOf
from dacheng.metadata.field_kinds.currencies import CURRENCIES
from dacheng.metadata.field_kinds.decimal import BOUND, NUMBER_OR_TEXT, SCALE
from dacheng.metadata.field_kinds.numerals import (
    bound,
    check_bounds,
    narrow,
    number_from_json,
    number_from_text,
    scaled_writer,
    to_scale,
)
from dacheng.metadata.kinds import ColumnSpec, FieldKind, Json, Primitive, Spec
from dacheng.metadata.problem import refuse

DEFAULT_CURRENCY = "CNY"
_SIGNS = {"¥": "CNY", "$": "USD", "€": "EUR", "£": "GBP", "元": "CNY"}
_CODE = re.compile(r"^([A-Za-z]{3})\s*(.*)$|^(.*?)\s*([A-Za-z]{3})$", re.DOTALL)


MONEY = RecordOf({"amount": NUMBER, "currency": TEXT}.get, "money", "amount")


class Money(NamedTuple):
    """An exact amount in major units, and its ISO 4217 currency."""

    amount: Decimal
    currency: str


class MoneyCodec:
    """Money bound to one field: `Money`, stored as minor units and the currency beside it."""

    def __init__(self, spec: Spec) -> None:
        self.currency = str(spec.get("x-currency", DEFAULT_CURRENCY))
        self.scale = int(spec.get("x-scale", 2))
        self.low = bound(spec.get("minimum"))
        self.high = bound(spec.get("maximum"))
        self.columns = (
            ColumnSpec(Primitive.INTEGER, scale=self.scale, indexed=bool(spec.get("x-index"))),
            ColumnSpec(Primitive.TEXT, "_currency"),
        )
        self.type = MONEY
        parts = {"amount": NUMBER_OR_TEXT, "currency": {"type": "string", "pattern": "^[A-Z]{3}$"}}
        shape = {"type": "object", "properties": parts, "required": ["amount"], "additionalProperties": False}
        self.value_schema: Mapping[str, Any] = {"anyOf": [*NUMBER_OR_TEXT["anyOf"], shape]}
        self._write = scaled_writer(self.scale)

    def parse(self, raw: Json) -> Money | None:
        """`{"amount", "currency"}`, or an amount alone in the field's currency → Money."""
        if raw is None or raw == "":
            return None
        if not isinstance(raw, Mapping):
            return self._money(number_from_json(raw), self.currency)
        if set(raw) - {"amount", "currency"} or "amount" not in raw:
            raise refuse("value.not_money")
        if raw.get("amount") in (None, ""):
            return None
        currency = raw.get("currency", self.currency)
        if not isinstance(currency, str):
            raise refuse("value.currency", currency=currency)
        return self._money(number_from_json(raw["amount"]), currency)

    def parse_text(self, text: str) -> Money | None:
        """What a person typed (`1,054`, `¥1,054.00`, `USD 12`, `12万元`) → Money; empty is missing."""
        plain, currency = narrow(text), self.currency
        if not plain:
            return None
        for sign, code in _SIGNS.items():
            if sign in (plain[0], plain[-1]):
                plain = plain.removeprefix(sign).removesuffix(sign).strip()
                currency = self.currency if sign == "¥" and self.currency == "JPY" else code
                break
        else:
            found = _CODE.match(plain)
            if found:
                currency = (found[1] or found[4]).upper()
                plain = found[2] if found[1] else found[3]
        return self._money(number_from_text(plain), currency)

    def _money(self, amount: Decimal, currency: str) -> Money:
        if currency not in CURRENCIES:
            raise refuse("value.currency", currency=currency)
        exact = to_scale(amount, self.scale)
        check_bounds(exact, self.low, self.high)
        return Money(exact, currency)

    def store(self, value: Money | None) -> tuple[Any, ...]:
        """(minor units, currency)."""
        if value is None:
            return (None, None)
        return (int(value.amount.scaleb(self.scale)), value.currency)

    def load(self, stored: Sequence[Any]) -> Money | None:
        """(minor units, currency) → Money."""
        if stored[0] is None:
            return None
        return Money(Decimal(stored[0]).scaleb(-self.scale), stored[1] or self.currency)

    def json(self, value: Money | None) -> Json:
        """`{"amount": "1054.00", "currency": "CNY"}`."""
        if value is None:
            return None
        return {"amount": f"{value.amount:.{self.scale}f}", "currency": value.currency}

    def json_stored(self, stored: Sequence[Any]) -> Json:
        """Stored pair → JSON, without a Money in between."""
        if stored[0] is None:
            return None
        return {"amount": self._write(stored[0]), "currency": stored[1] or self.currency}

    def text(self, value: Money | None) -> str:
        """The amount, and the currency where it is not the field's own."""
        if value is None:
            return ""
        amount = f"{value.amount:.{self.scale}f}"
        return amount if value.currency == self.currency else f"{amount} {value.currency}"

    def operand(self, value: Money | None) -> Any:
        """`amount` in major units and `currency`; alone it stands for its amount."""
        return None if value is None else {"amount": value.amount, "currency": value.currency}


class MoneyKind(FieldKind):
    """An amount with its currency; `x-currency` (CNY unless said) is what a bare number means."""

    id = "money"
    numeric = ordered = True
    schema: Mapping[str, Any] = {
        "properties": {
            "minimum": BOUND,
            "maximum": BOUND,
            "x-scale": SCALE,
            "x-currency": {"type": "string", "enum": sorted(CURRENCIES)},
        }
    }
    merge: Mapping[str, str] = {"x-scale": "locked"}

    def bind(self, field_id: str, spec: Spec) -> MoneyCodec:
        """The codec of one money field."""
        return MoneyCodec(spec)
