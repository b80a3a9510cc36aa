"""Percent: the percentage with its sign; in forms the digits before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from html import escape
from typing import Any

from dacheng.metadata.definition import Field
from dacheng.metadata.field_kinds.percent import percent_text
from dacheng.metadata.kinds import Json
from dacheng.metadata.problem import Refused
from dacheng.runtime.web.fields.base import EMPTY, Cell, Control, Marks, Setting, Texts
from dacheng.runtime.web.fields.number import NumberView
from dacheng.runtime.web.fields.numbers import number_literal


class PercentView(NumberView):
    """A share, read and typed as a percentage; conditions compare the exact share."""

    def cell(self, field: Field, setting: Setting) -> Cell:
        """`12.5%`."""
        scale = field.codec.columns[0].scale

        def draw(stored: Sequence[Any]) -> str:
            if stored[0] is None:
                return EMPTY
            return percent_text(Decimal(stored[0]).scaleb(-scale)).replace("-", "−")

        return draw

    def control(self, field: Field, setting: Setting, name: str, ident: str) -> Control:
        """The digits, then the sign."""
        number = f'<span class="affix"><input class="in num" name="{name}" id="{ident}" inputmode="decimal"'
        head = f'{number} maxlength="40" autocomplete="off" data-number'

        def draw(texts: Texts, marks: Marks) -> str:
            value = escape(texts.get(name, ""))
            readonly = " readonly" if marks.readonly else ""
            return f'{head} value="{value}"{readonly}{marks.attributes()}><span class="unit">%</span></span>'

        return draw

    def texts(self, field: Field, setting: Setting, name: str, value: Json) -> dict[str, str]:
        """The percentage's digits."""
        try:
            return {name: field.codec.text(field.codec.parse(value)).removesuffix("%")}
        except Refused:
            return {name: str(value)}

    def read(self, field: Field, setting: Setting, name: str, texts: Texts) -> Json:
        """The share; what is no percentage keeps its sign, so that it is refused and never taken for a share."""
        typed = texts.get(name, "")
        try:
            return field.codec.json(field.codec.parse_text(typed))
        except Refused:
            return f"{typed.strip().removesuffix('%')}%"

    def reading(self, field: Field, setting: Setting, name: str, texts: Texts) -> str:
        """The percentage as typed, with its sign."""
        typed = texts.get(name, "")
        return f"{typed.removesuffix('%')}%" if typed else ""

    def operand_text(self, field: Field, setting: Setting, operand: Json) -> str:
        """`12.5%`."""
        number = number_literal(operand)
        exact = number["number"] if isinstance(number, Mapping) else number
        return "…" if exact is None else percent_text(Decimal(str(exact)))
