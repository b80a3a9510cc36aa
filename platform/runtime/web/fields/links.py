"""Links: the linked records' titles, each leading to it; in forms chips to take away, and a search that adds."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from html import escape
from typing import Any

from dacheng.metadata.definition import Field
from dacheng.metadata.field_kinds.link import ID_PATTERN
from dacheng.metadata.field_kinds.links import LinksCodec
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
    quick_escape,
    symbol,
)
from dacheng.runtime.web.fields.link import NONE, PEOPLE, LinkView, avatar, narrowing

SHOWN = 3
_ID = re.compile(ID_PATTERN.strip("^$"), re.ASCII)
_link = LinkView()


class LinksView(FieldView):
    """Inputs: `name` (what scripts hold, as JSON; empty without them), `name.{id}` each ticked one, `name.add` one more.

    The stored column is followed by the list of titles in the same order, or None where titles are not visible.
    """

    operators = (*LISTED, *UNARY)
    grouped = True
    scripts = ("links.js",)

    def cell(self, field: Field, setting: Setting) -> Cell:
        """The first few titles as links, and how many there are besides."""
        return _drawing(field, setting, SHOWN)

    def fact(self, field: Field, setting: Setting) -> Cell:
        """All titles."""
        return _drawing(field, setting, 0)

    def control(self, field: Field, setting: Setting, name: str, ident: str) -> Control:
        """Chips of what is held; a select of the first records by title, with scripts a search over all of them."""
        say, target, limit = setting.say, field.to or "", _codec(field).limit
        source = f"/apps/{target.replace('.', '/')}/pick"
        narrow = narrowing(field, setting, name)
        unseen, arrow = say("field.unseen"), symbol(setting.icons, "down")
        remove = escape(say("links.remove", title="{title}"))
        hint = f'<p class="hint">{escape(say("choices.at_most", count=limit))}</p>'
        head = (
            f'<div class="links-box" data-links data-most="{limit}" data-remove-word="{remove}" id="{ident}-group"'
            f' role="group" aria-labelledby="{ident}-label"'
        )
        none = f'<option value="">{escape(say("links.add"))}</option>'

        def draw(texts: Texts, marks: Marks) -> str:
            held, choices = held_ids(name, texts), marks.choices.get(target, NONE)
            described = f' aria-describedby="{marks.described}"' if marks.described else ""
            parts = [head, described, '><span class="choices-list">']
            for each in held:
                title = texts.get(f"{name}.{each}.title") or choices.titles.get(each) or unseen
                box, sent = (
                    "hidden" if marks.readonly else "checkbox",
                    quick_escape(each),
                )  # as an address has it
                parts.append(
                    f'<label class="choice-chip is-held"><input type="{box}" name="{name}.{sent}" value="{sent}" checked>'
                    f'<span class="rank" aria-hidden="true"></span><span>{escape(title)}</span></label>'
                )
            parts.append(f'</span><input type="text" name="{name}" value="" hidden data-held>')
            if not marks.readonly:
                parts.append(
                    f'<span class="combo-box" data-combo="{source}"{narrow}><span class="select"><select class="in" name="{name}.add"'
                    f' id="{ident}" aria-labelledby="{ident}-label">{none}{choices.drawn("")}</select>{arrow}</span></span>'
                )
            parts.append(f"</div>{hint if len(held) >= limit else ''}")
            return "".join(parts)

        return draw

    def filter_control(self, field: Field, setting: Setting, name: str, ident: str) -> Control:
        """A select of one record; several conditions ask for several."""
        return _link.control(field, setting, name, ident)

    def texts(self, field: Field, setting: Setting, name: str, value: Json) -> dict[str, str]:
        """One input per record held; a condition's select holds the first."""
        held = [
            str(each) for each in (value if isinstance(value, list | tuple) else [value] if value else ())
        ]
        if name == "v":
            return {name: held[0] if held else ""}
        return {name: "", **{f"{name}.{each}": each for each in held}}

    def read(self, field: Field, setting: Setting, name: str, texts: Texts) -> Json:
        """What is ticked, in order, and the one added."""
        return held_ids(name, texts) or None

    def reading(self, field: Field, setting: Setting, name: str, texts: Texts) -> str:
        """The titles of what is ticked."""
        return "、".join(texts.get(f"{name}.{each}.title", "…") for each in held_ids(name, texts))

    def operand(self, field: Field, value: Json) -> Json:
        """One id, as a condition asks for it."""
        return value[0] if isinstance(value, list) and value else value if isinstance(value, str) else None


def held_ids(name: str, texts: Texts) -> list[str]:
    """The ids that the inputs of a field of links hold: those that scripts kept, else the ticked ones and the added."""
    kept = texts.get(name, "")
    found = _kept(kept) if kept.startswith("[") else ([kept] if _ID.fullmatch(kept) else [])
    begin = f"{name}."
    found += [text for key, text in texts.items() if key.startswith(begin) and key == begin + text and text]
    if texts.get(f"{name}.add"):
        found.append(texts[f"{name}.add"])
    return list(dict.fromkeys(found))


def _kept(text: str) -> list[str]:
    try:
        found = json.loads(text)
    except ValueError:
        return []
    pairs = found if isinstance(found, list) else []
    return [str(each[0]) for each in pairs if isinstance(each, list) and each]


def _drawing(field: Field, setting: Setting, most: int) -> Cell:
    base = f"/apps/{(field.to or '').replace('.', '/')}/"
    unseen = f'<span class="faint">{escape(setting.say("field.unseen"))}</span>'
    people = field.to == PEOPLE

    def one(ident: str, title: object) -> str:
        if not title:
            return unseen
        text = quick_escape(str(title))
        if people:
            return f'<span class="person">{avatar(str(title))}<span>{text}</span></span>'
        return f'<a class="tag" href="{base}{ident}">{text}</a>'

    def draw(stored: Sequence[Any]) -> str:
        ids = items_of(stored[0])
        if not ids:
            return EMPTY
        titles = items_of(stored[1]) if len(stored) > 1 and stored[1] is not None else [None] * len(ids)
        pairs = list(zip(ids, titles, strict=False))
        shown = pairs[:most] if most else pairs
        drawn = "".join([one(ident, title) for ident, title in shown])
        rest = f'<span class="faint num">+{len(pairs) - len(shown)}</span>' if len(pairs) > len(shown) else ""
        return f'<span class="pills">{drawn}{rest}</span>'

    return draw


def _codec(field: Field) -> LinksCodec:
    assert isinstance(field.codec, LinksCodec)
    return field.codec
