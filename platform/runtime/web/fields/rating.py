"""Rating: stars; in forms a row of them that arrow keys move through."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from dacheng.metadata.definition import Field
from dacheng.metadata.field_kinds.rating import BEST
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
    options,
    symbol,
)
from dacheng.runtime.web.fields.numbers import number_literal


class RatingView(FieldView):
    """From one star to the field's best; each star is a radio with its number as its name."""

    grouped = True
    operators = ORDERED

    def operand(self, field: Field, value: Json) -> Json:
        """An exact number."""
        return number_literal(value)

    def cell(self, field: Field, setting: Setting) -> Cell:
        """Filled and empty stars, drawn once for each value; said as `4 of 5`."""
        best = best_of(field)
        drawn = [
            f'<span class="stars" role="img" aria-label="{escape(setting.say("field.stars", count=n, best=best))}">'
            f"{'★' * n}<span>{'★' * (best - n)}</span></span>"
            for n in range(best + 1)
        ]

        def draw(stored: Sequence[Any]) -> str:
            value = stored[0]
            return EMPTY if value is None else drawn[value] if 0 <= value <= best else str(value)

        return draw

    def control(self, field: Field, setting: Setting, name: str, ident: str) -> Control:
        """One radio a star; where none is an answer, one more without stars."""
        if "." in name:
            return self.filter_control(field, setting, name, ident)
        best = best_of(field)
        names = [(str(n), escape(setting.say("field.stars", count=n, best=best))) for n in range(1, best + 1)]
        none, cross = escape(setting.say("field.no_stars")), symbol(setting.icons, "x")

        def draw(texts: Texts, marks: Marks) -> str:
            held = texts.get(name, "")
            described = f' aria-describedby="{marks.described}"' if marks.described else ""
            parts = [f'<span class="rating" role="radiogroup" aria-labelledby="{ident}-label"{described}>']
            for value, text in names:
                at = f' id="{ident}"' if value == "1" else ""
                parts.append(
                    f'<label class="star"><input type="radio" name="{name}" value="{value}"{at}{_state(value, held, marks)}>'
                    f'<span aria-hidden="true">★</span><span class="sr">{text}</span></label>'
                )
            if not field.required:
                parts.append(
                    f'<label class="none"><input type="radio" name="{name}" value=""{_state("", held, marks)}>'
                    f'{cross}<span class="sr">{none}</span></label>'
                )
            return "".join([*parts, "</span>"])

        return draw

    def filter_control(self, field: Field, setting: Setting, name: str, ident: str) -> Control:
        """A select of the numbers."""
        head = f'<span class="select"><select class="in" name="{name}" id="{ident}"'
        arrow = symbol(setting.icons, "down")
        pairs = [("", "–"), *((str(n), f"{n} ★") for n in range(1, best_of(field) + 1))]

        def draw(texts: Texts, marks: Marks) -> str:
            held = texts.get(name, "")
            shown = [pair for pair in pairs if pair[0] == held] if marks.readonly else pairs
            return f"{head}{marks.attributes()}>{options(shown, held)}</select>{arrow}</span>"

        return draw


def best_of(field: Field) -> int:
    """How many stars the best is."""
    return int(field.spec.get("x-best", BEST))


def _state(value: str, held: str, marks: Marks) -> str:
    checked = " checked" if value == held else ""
    return f"{checked} disabled" if marks.readonly and not checked else checked
