"""Time of day: typed as people write it, the same in every browser."""

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
        """Text; where scripts run it is put in order, and the arrow keys go by quarters of an hour."""
        hint = escape(setting.say("date.time"))
        head = f'<input class="in" data-time name="{name}" id="{ident}" autocomplete="off" maxlength="20" placeholder="{hint}"'

        def draw(texts: Texts, marks: Marks) -> str:
            readonly = " readonly" if marks.readonly else ""
            return f'{head} value="{escape(texts.get(name, ""))}"{readonly}{marks.attributes()}>'

        return draw
