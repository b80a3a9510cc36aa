"""Choice: a pill in lists; two to four options side by side in forms, more in a select."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from dacheng.metadata.definition import Field
from dacheng.metadata.kinds import Json
from dacheng.metadata.option import Option
from dacheng.runtime.web.fields.base import (
    CHOSEN,
    EMPTY,
    Cell,
    Control,
    FieldView,
    Marks,
    Setting,
    Texts,
    options,
    symbol,
)

SEGMENTED = 4
FEW = 16
SHAPED = ("good", "watch", "risk")


class ChoiceView(FieldView):
    """One of a field's options, shown by its label with its tone's colour and shape."""

    operators = CHOSEN

    def reading(self, field: Field, setting: Setting, name: str, texts: Texts) -> str:
        """The chosen option's label."""
        return setting.labels.option(setting.locale, field, texts.get(name, ""))

    def operand_text(self, field: Field, setting: Setting, operand: Json) -> str:
        """The option's label."""
        return setting.labels.option(setting.locale, field, str(operand))

    def cell(self, field: Field, setting: Setting) -> Cell:
        """A pill per option, drawn once."""
        pills = {each.id: pill(field, each, setting) for each in field.options}

        def draw(stored: Sequence[Any]) -> str:
            value = stored[0]
            return EMPTY if value is None else pills.get(value) or escape(value)

        return draw

    def control(self, field: Field, setting: Setting, name: str, ident: str) -> Control:
        """Radio segments for up to four options, else a select; archived ones only where they are held."""
        if is_segmented(field):
            return _segments(field, setting, name, ident)
        return select_control(field, setting, name, ident)

    def few(self, field: Field) -> frozenset[str]:
        """Every option, and none."""
        ids = [each.id for each in field.options]
        return frozenset(("", *ids)) if len(ids) <= FEW else frozenset()

    def filter_control(self, field: Field, setting: Setting, name: str, ident: str) -> Control:
        """A select, however few the options."""
        return select_control(field, setting, name, ident)


@dataclass(frozen=True, slots=True)
class Cascade:
    """What a control says for scripts to narrow it: the input it depends on, and what each option stands under."""

    root: str
    under: Mapping[str, str]

    @classmethod
    def of(cls, field: Field, setting: Setting, name: str) -> Cascade:
        """The attributes of one field's control called `name`; none where nothing is depended on."""
        if not field.depends_on or not name.endswith(field.id):
            return cls("", {})
        above = name.removesuffix(field.id) + field.depends_on
        cleared = escape(setting.say("choices.cleared", options="{options}"))
        under = {
            each.id: f' data-under="{" ".join(sorted(each.under))}"' for each in field.options if each.under
        }
        return cls(f' data-depends="{above}" data-cleared-word="{cleared}"', under)

    def at(self, option: str) -> str:
        """The attribute of the element that shows an option."""
        return self.under.get(option, "")

    def marked(self, html: str) -> str:
        """`<option>`s with their attributes."""
        for option, attribute in self.under.items():
            at = f'<option value="{option}"'
            html = html.replace(at, at + attribute, 1)
        return html


def is_segmented(field: Field) -> bool:
    """Whether the field's living options stand side by side."""
    living = [each for each in field.options if not each.archived]
    return bool(field.options) and 2 <= len(living) <= SEGMENTED


def pill(field: Field, option: Option, setting: Setting) -> str:
    """One option as people see it in lists."""
    text = escape(setting.labels.option(setting.locale, field, option.id))
    shape = symbol(setting.icons, f"h-{option.tone}") if option.tone in SHAPED else ""
    kind = "tag" if option.tone == "neutral" else "pill"
    return f'<span class="{kind} tone-{option.tone}">{shape}{text}</span>'


def _labelled(field: Field, setting: Setting) -> Callable[[str], list[tuple[str, str]]]:
    """The options with their labels: those that live, and the one held."""
    labels = {each.id: setting.labels.option(setting.locale, field, each.id) for each in field.options}
    archived = {each.id for each in field.options if each.archived}
    living = [(name, text) for name, text in labels.items() if name not in archived]

    def shown(held: str) -> list[tuple[str, str]]:
        if held not in archived:
            return living
        return [(name, text) for name, text in labels.items() if name not in archived or name == held]

    return shown


def _segments(field: Field, setting: Setting, name: str, ident: str) -> Control:
    cascade = Cascade.of(field, setting, name)
    none = [] if field.required else [("", setting.say("field.none"))]
    labelled = _labelled(field, setting)

    def draw(texts: Texts, marks: Marks) -> str:
        held = texts.get(name, "")
        parts = [
            f'<span class="seg" role="radiogroup" id="{ident}-group" aria-labelledby="{ident}-label"{cascade.root}'
        ]
        parts.append(f' aria-describedby="{marks.described}">' if marks.described else ">")
        for number, (value, text) in enumerate([*none, *labelled(held)]):
            at = f' id="{ident}"' if number == 0 else ""
            checked = " checked" if value == held else ""
            off = " disabled" if marks.readonly and value != held else ""
            must = " required" if marks.required and none == [] else ""
            parts.append(
                f'<label{cascade.at(value)}><input type="radio" name="{name}" value="{value}"{at}{checked}{off}{must}>'
                f"<span>{escape(text)}</span></label>"
            )
        parts.append("</span>")
        return "".join(parts)

    return draw


def select_control(field: Field, setting: Setting, name: str, ident: str) -> Control:
    """The select of a choice, however few its options."""
    cascade = Cascade.of(field, setting, name)
    head = f'<span class="select"{cascade.root}><select class="in" name="{name}" id="{ident}"'
    arrow = symbol(setting.icons, "down")
    choose, labelled = setting.say("field.choose"), _labelled(field, setting)

    def draw(texts: Texts, marks: Marks) -> str:
        held = texts.get(name, "")
        pairs = [("", choose), *labelled(held)]
        if marks.readonly:
            pairs = [pair for pair in pairs if pair[0] == held]
        return f"{head}{marks.attributes()}>{cascade.marked(options(pairs, held))}</select>{arrow}</span>"

    return draw
