"""Whole numbers and decimals: grouped in cells, a numeric input in forms."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from dacheng.metadata.definition import Field
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
)
from dacheng.runtime.web.fields.numbers import grouped, number_literal, number_words


class NumberView(FieldView):
    """A number of any scale; the scale is that of the field's column."""

    numeric = True
    verbatim = True
    operators = ORDERED

    def operand(self, field: Field, value: Json) -> Json:
        """An exact number."""
        return number_literal(value)

    def operand_text(self, field: Field, setting: Setting, operand: Json) -> str:
        """Grouped by thousands."""
        return number_words(operand)

    def cell(self, field: Field, setting: Setting) -> Cell:
        """The number, grouped by thousands."""
        write = grouped(field.codec.columns[0].scale)

        def draw(stored: Sequence[Any]) -> str:
            return EMPTY if stored[0] is None else write(stored[0])

        return draw

    def control(self, field: Field, setting: Setting, name: str, ident: str) -> Control:
        """A text input with the number keyboard: people paste `1,054` and `１２` too."""
        mode = "decimal" if field.codec.columns[0].scale else "numeric"
        head = f'<input class="in num" name="{name}" id="{ident}" inputmode="{mode}" maxlength="40" autocomplete="off" data-number'

        def draw(texts: Texts, marks: Marks) -> str:
            value = escape(texts.get(name, ""))
            readonly = " readonly" if marks.readonly else ""
            return f'{head} value="{value}"{readonly}{marks.attributes()}>'

        return draw
