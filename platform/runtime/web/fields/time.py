"""Time of day: the browser's own clock in forms."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from dacheng.metadata.definition import Field
from dacheng.runtime.web.fields.base import EMPTY, UNARY, Cell, Control, FieldView, Marks, Setting, Texts


class TimeView(FieldView):
    """`08:30`."""

    verbatim = True
    operators = (">=", "<=", "==", *UNARY)

    def cell(self, field: Field, setting: Setting) -> Cell:
        """As it is stored: digits and colons, written by the codec alone."""

        def draw(stored: Sequence[Any]) -> str:
            clock: str | None = stored[0]
            return clock or EMPTY

        return draw

    def control(self, field: Field, setting: Setting, name: str, ident: str) -> Control:
        """The browser's time input, to the second where the value has seconds."""
        head = f'<input class="in" type="time" step="any" name="{name}" id="{ident}"'

        def draw(texts: Texts, marks: Marks) -> str:
            readonly = " readonly" if marks.readonly else ""
            return f'{head} value="{escape(texts.get(name, ""))}"{readonly}{marks.attributes()}>'

        return draw
