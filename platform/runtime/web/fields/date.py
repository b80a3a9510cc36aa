"""Days and instants: ISO in lists, the browser's own pickers in forms, times in the workspace's zone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

from dacheng.metadata.definition import Field
from dacheng.metadata.kinds import Json
from dacheng.runtime.web.fields.base import EMPTY, UNARY, Cell, Control, FieldView, Marks, Setting, Texts


class DateView(FieldView):
    """A calendar day."""

    verbatim = True
    operators = (">=", "<=", "==", *UNARY)
    on_days = True

    def operand(self, field: Field, value: Json) -> Json:
        """A day."""
        return {"date": value} if value else None

    def cell(self, field: Field, setting: Setting) -> Cell:
        """`2026-01-31`."""

        def draw(stored: Sequence[Any]) -> str:
            day: str | None = stored[0]  # ISO text, written by the codec alone
            return day or EMPTY

        return draw

    def control(self, field: Field, setting: Setting, name: str, ident: str) -> Control:
        """The browser's date input."""
        return _input("date", name, ident)


class DatetimeView(FieldView):
    """An instant, read and written in the workspace's zone to the minute."""

    operators = (">=", "<=", *UNARY)
    on_days = True

    def operand(self, field: Field, value: Json) -> Json:
        """An instant."""
        return {"instant": value} if value else None

    def cell(self, field: Field, setting: Setting) -> Cell:
        """`2026-01-31 16:00`."""
        zone = setting.zone

        def draw(stored: Sequence[Any]) -> str:
            if stored[0] is None:
                return EMPTY
            at = datetime.fromtimestamp(stored[0] / 1000, zone)
            return f'<span class="num nowrap">{at:%Y-%m-%d %H:%M}</span>'

        return draw

    def control(self, field: Field, setting: Setting, name: str, ident: str) -> Control:
        """The browser's date-and-time input."""
        return _input("datetime-local", name, ident)

    def texts(self, field: Field, setting: Setting, name: str, value: Json) -> dict[str, str]:
        """`2026-01-31T16:00`, as the browser's input wants it."""
        if not value:
            return {name: ""}
        at = datetime.fromisoformat(str(value)).astimezone(setting.zone)
        seconds = "%H:%M:%S" if at.second else "%H:%M"
        return {name: at.strftime(f"%Y-%m-%dT{seconds}")}

    def read(self, field: Field, setting: Setting, name: str, texts: Texts) -> Json:
        """The instant in UTC; what is no time stays as typed and is refused later."""
        typed = texts.get(name, "").strip()
        try:
            at = datetime.fromisoformat(typed)
        except ValueError:
            return typed or None
        local = at if at.tzinfo else at.replace(tzinfo=setting.zone)
        return local.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _input(kind: str, name: str, ident: str) -> Control:
    head = f'<input class="in" type="{kind}" name="{name}" id="{ident}" max="9999-12-31{"T23:59" if kind != "date" else ""}"'

    def draw(texts: Texts, marks: Marks) -> str:
        readonly = " readonly" if marks.readonly else ""
        return f'{head} value="{escape(texts.get(name, ""))}"{readonly}{marks.attributes()}>'

    return draw
