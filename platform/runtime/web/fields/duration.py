"""Duration: words in cells; in forms one line that takes it as people write it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from dacheng.metadata.definition import Field
from dacheng.metadata.field_kinds.duration import duration_text
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


class DurationView(FieldView):
    """A length of time: `1h 30m`, `1 小时 30 分`."""

    numeric = True
    verbatim = True
    operators = ORDERED

    def cell(self, field: Field, setting: Setting) -> Cell:
        """In the locale's words."""
        locale = setting.locale

        def draw(stored: Sequence[Any]) -> str:
            if stored[0] is None:
                return EMPTY
            return f'<span class="nowrap">{escape(duration_text(stored[0] // 1000, locale))}</span>'

        return draw

    def control(self, field: Field, setting: Setting, name: str, ident: str) -> Control:
        """One line; the placeholder shows how to write it."""
        example = escape(setting.say("field.duration_example"))
        head = (
            f'<input class="in" name="{name}" id="{ident}" maxlength="60" autocomplete="off" autocapitalize="off"'
            f' spellcheck="false" placeholder="{example}" data-duration="{field.spec.get("x-unit", "minutes")}"'
        )

        def draw(texts: Texts, marks: Marks) -> str:
            value = escape(texts.get(name, ""))
            readonly = " readonly" if marks.readonly else ""
            return f'{head} value="{value}"{readonly}{marks.attributes()}>'

        return draw

    def texts(self, field: Field, setting: Setting, name: str, value: Json) -> dict[str, str]:
        """In the locale's words, which `read` takes back."""
        known = isinstance(value, int) and not isinstance(value, bool)
        return {name: duration_text(value, setting.locale) if known else str(value or "")}

    def operand(self, field: Field, value: Json) -> Json:
        """A length of time."""
        return {"duration": f"PT{value}S"} if isinstance(value, int) else None

    def operand_text(self, field: Field, setting: Setting, operand: Json) -> str:
        """In the locale's words."""
        digits = str(operand).removeprefix("PT").removesuffix("S")
        return duration_text(int(digits), setting.locale) if digits.isdecimal() else str(operand)
