"""Link: the linked record's title leading to it; in forms a choice that scripts make searchable."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from dacheng.metadata import candidates
from dacheng.metadata.definition import Field
from dacheng.runtime.web.fields.base import (
    CHOSEN,
    EMPTY,
    Cell,
    Choices,
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
NONE = Choices.of(())
NOTHING = "-"  # no option's value


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
        head = f'<span class="combo-box" data-combo="{source}"{narrowing(field, setting, name)}><span class="select"><select class="in" name="{name}" id="{ident}"'
        arrow, unseen = symbol(setting.icons, "down"), setting.say("field.unseen")
        none = options([("", setting.say("field.choose"))], NOTHING)
        none_chosen = options([("", setting.say("field.choose"))], "")
        target = field.to or ""

        def draw(texts: Texts, marks: Marks) -> str:
            held, choices = texts.get(name, ""), marks.choices.get(target, NONE)
            own = ""
            if held and (marks.readonly or held not in choices.titles):
                title = choices.titles.get(held)
                own = options(
                    [(held, texts.get(f"{name}.title") or unseen if title is None else title)], held
                )
            if marks.readonly:
                return f"{head} data-readonly{marks.attributes()}>{own}</select>{arrow}</span></span>"
            nothing = none if held else none_chosen
            return f"{head}{marks.attributes()}>{nothing}{own}{choices.drawn(held)}</select>{arrow}</span></span>"

        return draw


def narrowing(field: Field, setting: Setting, name: str) -> str:
    """What the control of a link says for scripts to narrow it: the link, and the inputs it is narrowed by."""
    asked = sorted(candidates.asked(field.spec.get(candidates.KEY)))
    if candidates.KEY not in field.spec or not name.endswith(field.id):
        return ""
    base, cleared = name.removesuffix(field.id), escape(setting.say("choices.cleared", options="{options}"))
    return f' data-for="{field.ref}" data-base="{base}" data-with="{" ".join(asked)}" data-cleared-word="{cleared}"'


def avatar(name: str) -> str:
    """The first letter in a circle; the tone follows the name, so that a person keeps theirs."""
    tone = sum(name.encode()) % TONES + 1
    return f'<span class="avatar avatar-{tone}" aria-hidden="true">{escape(name[:1].upper())}</span>'
