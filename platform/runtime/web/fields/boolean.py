"""Boolean: a switch where an answer is required, yes, no and none side by side where it is not."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from dacheng.metadata.definition import Field
from dacheng.metadata.field_kinds.boolean import WORDS
from dacheng.metadata.kinds import Json
from dacheng.runtime.web.fields.base import (
    EMPTY,
    UNARY,
    Cell,
    Control,
    FieldView,
    Marks,
    Setting,
    Texts,
    options,
    symbol,
)

YES, NO = "true", "false"


class BooleanView(FieldView):
    """Yes or no, in words; colour and sign never stand alone."""

    operators = ("==", *UNARY)
    grouped = True

    def reading(self, field: Field, setting: Setting, name: str, texts: Texts) -> str:
        """The word for it."""
        return dict(_pairs(setting)).get(texts.get(name, ""), "")

    def operand_text(self, field: Field, setting: Setting, operand: Json) -> str:
        """The word for it."""
        return dict(_pairs(setting)).get(YES if operand is True else NO, "")

    def cell(self, field: Field, setting: Setting) -> Cell:
        """A check mark and the word for yes, the word alone for no."""
        no, yes = (escape(word) for word in words_of(setting))
        check = symbol(setting.icons, "check")
        shown = (f'<span class="faint">{no}</span>', f'<span class="yes">{check}{yes}</span>')

        def draw(stored: Sequence[Any]) -> str:
            return EMPTY if stored[0] is None else shown[stored[0] == 1]

        return draw

    def texts(self, field: Field, setting: Setting, name: str, value: Json) -> dict[str, str]:
        """`true`, `false` or nothing."""
        return {name: "" if value is None else YES if value is True else NO}

    def read(self, field: Field, setting: Setting, name: str, texts: Texts) -> Json:
        """What was chosen."""
        typed = texts.get(name, "")
        return {YES: True, NO: False, "": None}.get(typed, typed)

    def control(self, field: Field, setting: Setting, name: str, ident: str) -> Control:
        """A switch or three segments; a select in a line's cell, where an untouched row must say nothing."""
        if "." in name:
            return _select(setting, name, ident)
        return _switch(setting, name, ident) if field.required else _segments(setting, name, ident)

    def filter_control(self, field: Field, setting: Setting, name: str, ident: str) -> Control:
        """A select of yes and no."""
        return _select(setting, name, ident)


def words_of(setting: Setting) -> tuple[str, str]:
    """The words for no and yes."""
    return WORDS.get(setting.locale, WORDS["en"])


def _pairs(setting: Setting) -> tuple[tuple[str, str], tuple[str, str]]:
    no, yes = words_of(setting)
    return (YES, yes), (NO, no)


def _switch(setting: Setting, name: str, ident: str) -> Control:
    no, yes = (escape(word) for word in words_of(setting))

    def draw(texts: Texts, marks: Marks) -> str:
        checked = " checked" if texts.get(name) == YES else ""
        off = " disabled" if marks.readonly else ""
        attributes = Marks(wrong=marks.wrong, described=marks.described).attributes()
        return (
            f'<label class="switch answer"><input type="hidden" name="{name}" value="{NO}"{off}>'
            f'<input type="checkbox" role="switch" name="{name}" id="{ident}" value="{YES}"{checked}{off}{attributes}'
            f' aria-labelledby="{ident}-label"><span class="on">{yes}</span><span class="off">{no}</span></label>'
        )

    return draw


def _segments(setting: Setting, name: str, ident: str) -> Control:
    pairs = (*_pairs(setting), ("", setting.say("field.not_said")))

    def draw(texts: Texts, marks: Marks) -> str:
        held = texts.get(name, "")
        described = f' aria-describedby="{marks.described}"' if marks.described else ""
        parts = [f'<span class="seg" role="radiogroup" aria-labelledby="{ident}-label"{described}>']
        for number, (value, text) in enumerate(pairs):
            at = f' id="{ident}"' if number == 0 else ""
            checked = " checked" if value == held else ""
            off = " disabled" if marks.readonly and value != held else ""
            parts.append(
                f'<label><input type="radio" name="{name}" value="{value}"{at}{checked}{off}>'
                f"<span>{escape(text)}</span></label>"
            )
        return "".join([*parts, "</span>"])

    return draw


def _select(setting: Setting, name: str, ident: str) -> Control:
    head = f'<span class="select"><select class="in" name="{name}" id="{ident}"'
    arrow = symbol(setting.icons, "down")
    pairs = (("", "–"), *_pairs(setting))

    def draw(texts: Texts, marks: Marks) -> str:
        held = texts.get(name, "")
        shown = [pair for pair in pairs if pair[0] == held] if marks.readonly else pairs
        return f"{head}{marks.attributes()}>{options(shown, held)}</select>{arrow}</span>"

    return draw
