"""Text: one line, or a taller box where the field is long or says so."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from dacheng.metadata.definition import Field
from dacheng.runtime.web.fields.base import (
    EMPTY,
    TEXTUAL,
    Cell,
    Control,
    FieldView,
    Marks,
    Setting,
    Texts,
    quick_escape,
)

TALL_FROM = 300
CELL_LENGTH = 120


class TextView(FieldView):
    """Text, escaped; cells cut what is longer than 120 characters."""

    verbatim = True
    long = True
    operators: tuple[str, ...] = TEXTUAL

    def cell(self, field: Field, setting: Setting) -> Cell:
        """The text, cut with an ellipsis where it is long."""

        def draw(stored: Sequence[Any]) -> str:
            value = stored[0]
            if value is None:
                return EMPTY
            return quick_escape(value if len(value) <= CELL_LENGTH else value[: CELL_LENGTH - 1] + "…")

        return draw

    def fact(self, field: Field, setting: Setting) -> Cell:
        """The whole text."""
        return lambda stored: quick_escape(stored[0]) if stored[0] else EMPTY

    def control(self, field: Field, setting: Setting, name: str, ident: str) -> Control:
        """An input, or a textarea for long and multi-line text."""
        limit = int(field.spec.get("maxLength", 255))
        tall = field.spec.get("x-multiline", False) or limit >= TALL_FROM
        tag = "textarea" if tall else "input"
        head = f'<{tag} class="in" name="{name}" id="{ident}" maxlength="{limit}"'

        def draw(texts: Texts, marks: Marks) -> str:
            value = escape(texts.get(name, ""))
            readonly = " readonly" if marks.readonly else ""
            if tall:
                return f'{head} rows="3"{readonly}{marks.attributes()}>\n{value}</textarea>'
            return f'{head} value="{value}"{readonly}{marks.attributes()}>'

        return draw
