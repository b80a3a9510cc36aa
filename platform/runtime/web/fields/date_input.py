"""The input of days and instants: text as people write it, a calendar beside it where scripts run."""

from __future__ import annotations

from html import escape

from dacheng.runtime.web.fields.base import Control, Marks, Setting, Texts, symbol

WORDS = ("choose", "previous", "next", "today", "clear", "done", "clock")


def date_input(setting: Setting, name: str, ident: str, clock: str | None = None, hint: str = "") -> Control:
    """The control of a day; with `clock` that of an instant, and the time a chosen day gets at first.

    `hint` stands in the empty input instead of an example, where there is no room for one.
    """
    kind = "day" if clock is None else "instant"
    say = setting.say
    words = escape("|".join(say(f"date.{each}") for each in WORDS))
    head = (
        f'<span class="date" data-date="{kind}" data-zone="{setting.zone}" data-clock="{clock or ""}" data-words="{words}">'
        f'<input class="in" name="{name}" id="{ident}" autocomplete="off" maxlength="40" placeholder="{escape(hint or say(f"date.{kind}"))}"'
    )
    button = (
        f'<button class="btn btn-quiet btn-icon btn-small scripted" type="button" data-calendar aria-haspopup="dialog"'
        f' aria-label="{escape(say("date.open"))}">{symbol(setting.icons, "calendar")}</button>'
    )

    def draw(texts: Texts, marks: Marks) -> str:
        own = f' value="{escape(texts.get(name, ""))}"{" readonly" if marks.readonly else ""}{marks.attributes()}>'
        return f"{head}{own}{'' if marks.readonly else button}</span>"

    return draw
