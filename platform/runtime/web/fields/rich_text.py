"""Rich text: a text area of HTML that scripts turn into a small editor; shown after one more cleaning."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from dacheng.metadata.definition import Field
from dacheng.metadata.field_kinds.rich_text import harmless, words_of
from dacheng.metadata.kinds import Json
from dacheng.runtime.web.fields.base import EMPTY, UNARY, Cell, Control, FieldView, Marks, Setting, Texts
from dacheng.runtime.web.fields.long_text import plain_input
from dacheng.runtime.web.fields.text import CELL_LENGTH

BUTTONS = (
    "bold",
    "italic",
    "heading",
    "bullets",
    "numbers",
    "quote",
    "link",
    "plain",
)  # their signs are in fields.css


class RichTextView(FieldView):
    """Words in cells, everything on the record's page."""

    block = True
    roomy = True
    operators = ("contains", *UNARY)

    def cell(self, field: Field, setting: Setting) -> Cell:
        """Its words on one line, cut where they are long."""

        def draw(stored: Sequence[Any]) -> str:
            if stored[0] is None:
                return EMPTY
            words = " ".join(words_of(stored[0]).split())
            return escape(words if len(words) <= CELL_LENGTH else words[: CELL_LENGTH - 1] + "…")

        return draw

    def reading(self, field: Field, setting: Setting, name: str, texts: Texts) -> str:
        """Its words."""
        return " ".join(words_of(texts.get(name, "")).split())

    def fact(self, field: Field, setting: Setting) -> Cell:
        """All of it, cleaned once more: what stands in the database is not trusted either."""
        return lambda stored: EMPTY if stored[0] is None else f'<div class="rich">{harmless(stored[0])}</div>'

    def control(self, field: Field, setting: Setting, name: str, ident: str) -> Control:
        """A text area that takes plain paragraphs as well; the toolbar's buttons wait for scripts."""
        say = setting.say
        buttons = "".join(
            f'<button type="button" class="btn btn-quiet btn-icon btn-small" data-rich="{key}" aria-pressed="false"'
            f' title="{escape(say(f"field.rich_{key}"))}" aria-label="{escape(say(f"field.rich_{key}"))}"></button>'
            for key in BUTTONS
        )
        asked = f' data-link-asked="{escape(say("field.rich_link_asked"))}"'
        bar = f'<div class="rich-bar" role="toolbar" aria-controls="{ident}-rich" hidden>{buttons}</div>'
        head = f'<textarea class="in grows" name="{name}" id="{ident}" rows="5" maxlength="50000"'

        def draw(texts: Texts, marks: Marks) -> str:
            readonly = " readonly" if marks.readonly else ""
            value = escape(texts.get(name, ""))
            return (
                f'<div class="rich-box" data-rich-text{asked}>{bar}'
                f"{head}{readonly}{marks.attributes()}>\n{value}</textarea></div>"
            )

        return draw

    def filter_control(self, field: Field, setting: Setting, name: str, ident: str) -> Control:
        """One line."""
        return plain_input(name, ident, 'maxlength="200"')

    def texts(self, field: Field, setting: Setting, name: str, value: Json) -> dict[str, str]:
        """The HTML, cleaned."""
        return {name: "" if value is None else harmless(str(value))}

    def operand(self, field: Field, value: Json) -> Json:
        """The words looked for."""
        return words_of(str(value)) or None if value else None
