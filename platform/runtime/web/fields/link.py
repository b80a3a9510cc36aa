"""Link: the linked record's title leading to it; in forms a choice that scripts make searchable."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from dacheng.metadata.definition import Field
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
    quick_escape,
    symbol,
)

PEOPLE = "core.user"
TONES = 4


class LinkView(FieldView):
    """A link; its stored columns are followed by the target's title, or None where that is not visible."""

    operators = CHOSEN

    def cell(self, field: Field, setting: Setting) -> Cell:
        """The title as a link; a person with an avatar; a dash-free `no access` where the title is hidden."""
        base = f"/apps/{(field.to or '').replace('.', '/')}/"
        unseen = f'<span class="faint">{escape(setting.say("field.unseen"))}</span>'
        people = field.to == PEOPLE

        def draw(stored: Sequence[Any]) -> str:
            if stored[0] is None:
                return EMPTY
            title = stored[1] if len(stored) > 1 else None
            if title is None:
                return unseen
            text = quick_escape(str(title))
            if people:
                return f'<span class="person">{avatar(str(title))}<span>{text}</span></span>'
            return f'<a href="{base}{stored[0]}">{text}</a>'

        return draw

    def control(self, field: Field, setting: Setting, name: str, ident: str) -> Control:
        """A select of the first records by title; with scripts, a search over all of them."""
        source = f"/apps/{(field.to or '').replace('.', '/')}/pick"
        head = f'<span class="combo-box" data-combo="{source}"><span class="select"><select class="in" name="{name}" id="{ident}"'
        arrow, choose = symbol(setting.icons, "down"), setting.say("field.choose")
        target = field.to or ""

        def draw(texts: Texts, marks: Marks) -> str:
            held = texts.get(name, "")
            pairs = list(marks.choices.get(target, ()))
            if held and all(value != held for value, _ in pairs):
                pairs.insert(0, (held, texts.get(f"{name}.title") or setting.say("field.unseen")))
            pairs = [p for p in pairs if p[0] == held] if marks.readonly else [("", choose), *pairs]
            off = " data-readonly" if marks.readonly else ""
            return f"{head}{off}{marks.attributes()}>{options(pairs, held)}</select>{arrow}</span></span>"

        return draw


def avatar(name: str) -> str:
    """The first letter in a circle; the tone follows the name, so that a person keeps theirs."""
    tone = sum(name.encode()) % TONES + 1
    return f'<span class="avatar avatar-{tone}" aria-hidden="true">{escape(name[:1].upper())}</span>'
