"""Long text: a tall text area that grows with what is written."""

from __future__ import annotations

from html import escape

from dacheng.metadata.definition import Field
from dacheng.metadata.field_kinds.text import MAX_LENGTH
from dacheng.runtime.web.fields.base import UNARY, Control, Marks, Setting, Texts
from dacheng.runtime.web.fields.text import TextView


class LongTextView(TextView):
    """Paragraphs: cut in cells, whole on the record's page."""

    block = True
    operators = ("contains", *UNARY)

    def control(self, field: Field, setting: Setting, name: str, ident: str) -> Control:
        """A text area; one line where a condition is built of it."""
        limit = int(field.spec.get("maxLength", MAX_LENGTH))
        head = f'<textarea class="in grows" name="{name}" id="{ident}" maxlength="{limit}" rows="4"'

        def draw(texts: Texts, marks: Marks) -> str:
            readonly = " readonly" if marks.readonly else ""
            return f"{head}{readonly}{marks.attributes()}>\n{escape(texts.get(name, ''))}</textarea>"

        return draw

    def filter_control(self, field: Field, setting: Setting, name: str, ident: str) -> Control:
        """One line."""
        return plain_input(name, ident, 'maxlength="200"')


def plain_input(name: str, ident: str, attributes: str) -> Control:
    """The control of one line with these attributes, which are ours and no one's input."""
    head = f'<input class="in" name="{name}" id="{ident}" {attributes}'

    def draw(texts: Texts, marks: Marks) -> str:
        readonly = " readonly" if marks.readonly else ""
        return f'{head} value="{escape(texts.get(name, ""))}"{readonly}{marks.attributes()}>'

    return draw
