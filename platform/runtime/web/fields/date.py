"""Days and instants: ISO in lists and inputs, times in the workspace's zone, the same in every browser."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from dacheng.metadata.definition import Field
from dacheng.metadata.field_kinds.date import date_from_text
from dacheng.metadata.field_kinds.time import time_from_text
from dacheng.metadata.kinds import Json
from dacheng.metadata.problem import Refused
from dacheng.runtime.web.fields.base import EMPTY, UNARY, Cell, Control, FieldView, Setting, Texts
from dacheng.runtime.web.fields.date_input import date_input


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
        """Text with a calendar beside it."""
        return date_input(setting, name, ident)


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
        """Text with a calendar beside it; a day that was chosen starts in the morning."""
        return date_input(setting, name, ident, "09:00")

    def filter_control(self, field: Field, setting: Setting, name: str, ident: str) -> Control:
        """The same; a day that was chosen means all of it."""
        return date_input(setting, name, ident, "00:00")

    def texts(self, field: Field, setting: Setting, name: str, value: Json) -> dict[str, str]:
        """`2026-01-31 16:00`, as lists show it."""
        if not value:
            return {name: ""}
        at = datetime.fromisoformat(str(value)).astimezone(setting.zone)
        seconds = "%H:%M:%S" if at.second else "%H:%M"
        return {name: at.strftime(f"%Y-%m-%d {seconds}")}

    def read(self, field: Field, setting: Setting, name: str, texts: Texts) -> Json:
        """The instant in UTC; what is no time stays as typed and is refused later."""
        typed = texts.get(name, "").strip()
        try:
            at = _instant(typed)
        except (ValueError, Refused):
            return typed or None
        local = at if at.tzinfo else at.replace(tzinfo=setting.zone)
        return local.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _instant(typed: str) -> datetime:
    """The wall-clock time that was typed, `2026/1/31 8:05` and `2026年1月31日 下午3点` among them."""
    try:
        return datetime.fromisoformat(typed)
    except ValueError:
        day, _, clock = typed.partition(" ")
        at = time_from_text(clock.strip()) if clock.strip() else "00:00"
        return datetime.fromisoformat(f"{date_from_text(day)}T{at}")
