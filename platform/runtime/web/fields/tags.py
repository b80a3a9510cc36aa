"""Tags: small coloured labels; in forms a line to type them in, which scripts turn into chips with suggestions."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from dacheng.metadata.definition import Field
from dacheng.metadata.field_kinds.text_list import items_of
from dacheng.metadata.kinds import Json
from dacheng.runtime.web.fields.base import (
    EMPTY,
    LISTED,
    UNARY,
    Cell,
    Control,
    FieldView,
    Marks,
    Setting,
    Texts,
)

COLOURS = 8


class TagsView(FieldView):
    """Tags in one input, with `、` between."""

    operators = (*LISTED, *UNARY)
    scripts = ("tags.js",)

    def cell(self, field: Field, setting: Setting) -> Cell:
        """Each tag in the colour that its text always has."""

        def draw(stored: Sequence[Any]) -> str:
            held = items_of(stored[0])
            return f'<span class="pills">{"".join(map(_tag, held))}</span>' if held else EMPTY

        return draw

    def control(self, field: Field, setting: Setting, name: str, ident: str) -> Control:
        """One line; `data-suggest` is where tags in use are found."""
        say = setting.say
        source = f"/apps/{field.entity.replace('.', '/')}/tags/{field.id}"
        head = (
            f'<div class="tag-box combo" data-tags="{source}" data-remove-word="{escape(say("tags.remove", tag="{tag}"))}" data-add-word="{escape(say("tags.add", tag="{tag}"))}">'
            f'<input class="in" name="{name}" id="{ident}" maxlength="2000" autocomplete="off" placeholder="{escape(say("tags.hint"))}"'
        )

        def draw(texts: Texts, marks: Marks) -> str:
            readonly = " readonly" if marks.readonly else ""
            return f'{head} value="{escape(texts.get(name, ""))}"{readonly}{marks.attributes()}></div>'

        return draw

    def filter_control(self, field: Field, setting: Setting, name: str, ident: str) -> Control:
        """A plain line for one tag."""
        return FieldView.control(self, field, setting, name, ident)

    def texts(self, field: Field, setting: Setting, name: str, value: Json) -> dict[str, str]:
        """The tags with `、` between."""
        return {name: "、".join(str(each) for each in value or ())}

    def operand(self, field: Field, value: Json) -> Json:
        """One tag, as a condition asks for it."""
        return value[0] if isinstance(value, list) and value else None


def _tag(text: str) -> str:
    return f'<span class="tag tag-{sum(text.encode()) % COLOURS + 1}">{escape(text)}</span>'
