"""Money: the amount grouped with its sign; in forms the amount with its currency beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from dacheng.metadata.definition import Field
from dacheng.metadata.field_kinds.money import MoneyCodec
from dacheng.metadata.kinds import Json
from dacheng.runtime.web.fields.base import (
    EMPTY,
    ORDERED,
    Cell,
    Control,
    FieldView,
    Marks,
    Setting,
    Texts,
    options,
    symbol,
)
from dacheng.runtime.web.fields.numbers import grouped, number_literal, number_words, with_currency

OFFERED = ("CNY", "USD", "EUR", "GBP", "HKD", "JPY")


class MoneyView(FieldView):
    """An amount and its currency: inputs `name` and `name.currency`."""

    numeric = True
    operators = ORDERED

    def operand(self, field: Field, value: Json) -> Json:
        """The amount, exact; conditions compare amounts."""
        return number_literal(value["amount"] if isinstance(value, Mapping) else value)

    def operand_text(self, field: Field, setting: Setting, operand: Json) -> str:
        """The amount, grouped by thousands."""
        return number_words(operand)

    def reading(self, field: Field, setting: Setting, name: str, texts: Texts) -> str:
        """The amount as typed, and its currency."""
        return f"{texts.get(name, '')} {texts.get(f'{name}.currency', '')}".strip()

    def cell(self, field: Field, setting: Setting) -> Cell:
        """`¥1,054.00`."""
        scale, own = field.codec.columns[0].scale, currency_of(field)
        write, unit, sign = grouped(scale), 10**scale, with_currency("", own)

        def draw(stored: Sequence[Any]) -> str:
            amount, currency = stored
            if amount is None:
                return EMPTY
            if amount >= 0 and scale and (currency is None or currency == own):
                return f"{sign}{amount // unit:,}.{amount % unit:0{scale}d}"
            return with_currency(write(amount), currency or own)

        return draw

    def control(self, field: Field, setting: Setting, name: str, ident: str) -> Control:
        """The amount, then the choice of its currency."""
        own = currency_of(field)
        head = f'<span class="affix"><input class="in num" name="{name}" id="{ident}" inputmode="decimal" maxlength="40" autocomplete="off" data-number'
        label = escape(setting.say("field.currency"))
        pick = f'<span class="select"><select name="{name}.currency" aria-label="{label}"'
        arrow = symbol(setting.icons, "down", "icon icon-s")

        def draw(texts: Texts, marks: Marks) -> str:
            chosen = texts.get(f"{name}.currency") or own
            offered = dict.fromkeys((own, chosen, *OFFERED))
            off = " disabled" if marks.readonly else ""
            readonly = " readonly" if marks.readonly else ""
            return (
                f'{head} value="{escape(texts.get(name, ""))}"{readonly}{marks.attributes()}>'
                f"{pick}{off}>{options(((c, c) for c in offered), chosen)}</select>{arrow}</span></span>"
            )

        return draw

    def texts(self, field: Field, setting: Setting, name: str, value: Json) -> dict[str, str]:
        """The amount's digits, and the currency."""
        if not isinstance(value, dict):
            return {name: "" if value is None else str(value), f"{name}.currency": currency_of(field)}
        return {name: str(value["amount"]), f"{name}.currency": str(value["currency"])}

    def read(self, field: Field, setting: Setting, name: str, texts: Texts) -> Json:
        """What was typed, in the currency chosen; `USD 12` typed as the amount brings its own."""
        value = super().read(field, setting, name, texts)
        chosen = texts.get(f"{name}.currency", "")
        if isinstance(value, dict) and chosen and value["currency"] == currency_of(field):
            return {"amount": value["amount"], "currency": chosen}
        return value


def currency_of(field: Field) -> str:
    """The currency a bare amount of this field is in."""
    codec = field.codec
    return codec.currency if isinstance(codec, MoneyCodec) else str(field.spec.get("x-currency", "CNY"))
