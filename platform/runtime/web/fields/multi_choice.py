"""Multi-choice: pills in lists; in forms every option a chip to tick, searchable where there are many."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from dacheng.metadata.definition import Field
from dacheng.metadata.field_kinds.multi_choice import MultiChoiceCodec
from dacheng.metadata.field_kinds.text_list import items_of, split
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
from dacheng.runtime.web.fields.choice import Cascade, pill, select_control

FEW = 12


class MultiChoiceView(FieldView):
    """Inputs: `name` (empty, says that the field was sent), `name.{option}` each ticked one, `name.order` their order."""

    operators = (*LISTED, *UNARY)
    grouped = True
    scripts = ("choices.js",)

    def cell(self, field: Field, setting: Setting) -> Cell:
        """A pill per option, in their order; where the order counts with its number."""
        pills = {each.id: pill(field, each, setting) for each in field.options}
        ordered = _codec(field).ordered

        def draw(stored: Sequence[Any]) -> str:
            held = items_of(stored[0])
            if not held:
                return EMPTY
            drawn = [pills.get(each) or escape(each) for each in held]
            if ordered:
                drawn = [
                    f'<span class="ranked"><b class="num">{n}</b>{each}</span>'
                    for n, each in enumerate(drawn, 1)
                ]
            return f'<span class="pills">{"".join(drawn)}</span>'

        return draw

    def control(self, field: Field, setting: Setting, name: str, ident: str) -> Control:
        """Chips to tick; with a search above where they are many. Archived ones only where they are held."""
        codec, say, cascade = _codec(field), setting.say, Cascade.of(field, setting, name)
        many = len([each for each in field.options if not each.archived]) > FEW
        labels = [(each, setting.labels.option(setting.locale, field, each.id)) for each in field.options]
        limited = codec.limit < len(field.options)
        hints = [say("choices.at_most", count=codec.limit)] if limited else []
        hints += [say("choices.in_order")] if codec.ordered else []
        hint = f'<p class="hint">{escape(" · ".join(hints))}</p>' if hints else ""
        search = (
            f'<input class="in" type="search" data-narrow placeholder="{escape(say("field.search"))}" aria-label="{escape(say("field.search"))}" hidden>'
            if many
            else ""
        )
        head = (
            f'<div class="choices{" is-many" if many else ""}" data-choices data-most="{codec.limit}"'
            f'{" data-ordered" if codec.ordered else ""} id="{ident}-group" role="group" aria-labelledby="{ident}-label"{cascade.root}'
        )

        def draw(texts: Texts, marks: Marks) -> str:
            held = _held(field, name, texts)
            off = " disabled" if marks.readonly else ""
            described = f' aria-describedby="{marks.described}"' if marks.described else ""
            parts = [head, described, ">", search, '<span class="choices-list">']
            shown = [(o, label) for o, label in labels if not o.archived or o.id in held]
            for number, (option, label) in enumerate(shown):
                at = f' id="{ident}"' if number == 0 else ""
                checked = " checked" if option.id in held else ""
                parts.append(
                    f'<label class="choice-chip"{cascade.at(option.id)}><input type="checkbox" name="{name}.{option.id}" value="{option.id}"{at}{checked}{off}>'
                    f'<span class="rank num" aria-hidden="true"></span><span>{escape(label)}</span></label>'
                )
            parts.append(
                f'</span><input type="text" name="{name}.order" value="{",".join(held)}" hidden data-order>'
                f'<input type="hidden" name="{name}" value=""></div>{hint}'
            )
            return "".join(parts)

        return draw

    def filter_control(self, field: Field, setting: Setting, name: str, ident: str) -> Control:
        """A select of one option; several conditions ask for several."""
        return select_control(field, setting, name, ident)

    def texts(self, field: Field, setting: Setting, name: str, value: Json) -> dict[str, str]:
        """One input per ticked option, and their order."""
        held = [str(each) for each in value or ()]
        return {name: "", **{f"{name}.{each}": each for each in held}, f"{name}.order": ",".join(held)}

    def read(self, field: Field, setting: Setting, name: str, texts: Texts) -> Json:
        """The ticked options in their order; or what a filter's select holds."""
        return _held(field, name, texts) or split(texts.get(name, "")) or None

    def reading(self, field: Field, setting: Setting, name: str, texts: Texts) -> str:
        """The ticked options' labels."""
        return "、".join(
            setting.labels.option(setting.locale, field, each) for each in _held(field, name, texts)
        )

    def operand(self, field: Field, value: Json) -> Json:
        """One option, as a condition asks for it."""
        return value[0] if isinstance(value, list) and value else None

    def operand_text(self, field: Field, setting: Setting, operand: Json) -> str:
        """The option's label."""
        return setting.labels.option(setting.locale, field, str(operand))


def _codec(field: Field) -> MultiChoiceCodec:
    assert isinstance(field.codec, MultiChoiceCodec)
    return field.codec


def _held(field: Field, name: str, texts: Texts) -> list[str]:
    """The ticked options: where the order counts in that of `name.order`, new ones behind; else in their own."""
    ticked = [each.id for each in field.options if texts.get(f"{name}.{each.id}")]
    if not _codec(field).ordered:
        return ticked
    order = texts.get(f"{name}.order", "").split(",")
    return sorted(ticked, key=lambda each: order.index(each) if each in order else len(order))
