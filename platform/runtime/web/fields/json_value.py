"""JSON: a text area in the type of code; laid out on the record's page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from typing import Any

from dacheng.metadata.definition import Field
from dacheng.metadata.field_kinds.json_value import canonical
from dacheng.metadata.kinds import Json
from dacheng.runtime.web.fields.base import EMPTY, UNARY, Cell, Control, FieldView, Marks, Setting, Texts
from dacheng.runtime.web.fields.long_text import plain_input

CUT = 60


class JsonView(FieldView):
    """An object or a list: its beginning in cells, all of it on the record's page."""

    block = True
    verbatim = True
    operators = ("contains", *UNARY)

    def cell(self, field: Field, setting: Setting) -> Cell:
        """The canonical text, cut where it is long."""

        def draw(stored: Sequence[Any]) -> str:
            text: str | None = stored[0]
            if text is None:
                return EMPTY
            return f"<code>{escape(text if len(text) <= CUT else text[: CUT - 1] + '…')}</code>"

        return draw

    def fact(self, field: Field, setting: Setting) -> Cell:
        """All of it, laid out."""

        def draw(stored: Sequence[Any]) -> str:
            return (
                EMPTY
                if stored[0] is None
                else f'<pre class="code">{escape(_laid_out(json.loads(stored[0])))}</pre>'
            )

        return draw

    def control(self, field: Field, setting: Setting, name: str, ident: str) -> Control:
        """A text area without spelling marks."""
        head = f'<textarea class="in code grows" name="{name}" id="{ident}" rows="4" autocomplete="off" autocapitalize="off"'

        def draw(texts: Texts, marks: Marks) -> str:
            readonly = " readonly" if marks.readonly else ""
            value = escape(texts.get(name, ""))
            return f'{head} spellcheck="false"{readonly}{marks.attributes()}>\n{value}</textarea>'

        return draw

    def filter_control(self, field: Field, setting: Setting, name: str, ident: str) -> Control:
        """One line."""
        return plain_input(name, ident, 'maxlength="200" spellcheck="false"')

    def texts(self, field: Field, setting: Setting, name: str, value: Json) -> dict[str, str]:
        """Laid out; text that was no JSON as it was typed."""
        return {name: "" if value is None else value if isinstance(value, str) else _laid_out(value)}

    def operand(self, field: Field, value: Json) -> Json:
        """The text that is looked for."""
        return value or None if isinstance(value, str) else canonical(value)


def _laid_out(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
