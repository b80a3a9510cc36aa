"""Check-ins: when, where on a map, how far from the target; in forms one button, and no way to type a place."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from dacheng.metadata.definition import Field
from dacheng.metadata.field_kinds.checkin import CheckIn, CheckInCodec
from dacheng.metadata.kinds import Json
from dacheng.metadata.problem import Refused
from dacheng.runtime.web.fields.base import EMPTY, Cell, Control, Marks, Setting, Texts, symbol
from dacheng.runtime.web.fields.date import DatetimeView
from dacheng.runtime.web.fields.places import map_address


class CheckInView(DatetimeView):
    """One hidden input with the check-in as JSON, filled by the device; lists filter it by day."""

    scripts = ("checkin.js",)
    devices = frozenset({"geolocation"})
    grouped = True

    def cell(self, field: Field, setting: Setting) -> Cell:
        """The time, the way to a map, and how far away it was."""
        codec, at, pin = _codec(field), DatetimeView.cell(self, field, setting), symbol(setting.icons, "pin")

        def draw(stored: Sequence[Any]) -> str:
            found = codec.load(stored)
            if found is None:
                return EMPTY
            address = escape(map_address(found.place, setting.locale))
            shown = escape(found.address) or "{:.5f}, {:.5f}".format(*found.place.point)
            return (
                f'{at(stored[:1])} <a class="nowrap num" href="{address}" target="_blank" rel="noopener noreferrer">'
                f"{pin}{shown}</a>{_around(found, setting)}"
            )

        return draw

    def control(self, field: Field, setting: Setting, name: str, ident: str) -> Control:
        """What is held in words, and the button that measures anew; hidden where the device does not know its place."""
        say, codec, cell = setting.say, _codec(field), self.cell(field, setting)
        words = {
            "asking": say("places.asking"),
            "failed": say("checkin.failed"),
            "done": say("checkin.done", accuracy="{accuracy}"),
        }
        data = "".join(f' data-{key}="{escape(text)}"' for key, text in words.items())
        head = f'<div class="check-in" data-check-in{data} id="{ident}-group" role="group" aria-labelledby="{ident}-label">'
        button = (
            f'<button type="button" class="btn" data-measure id="{ident}" hidden>{symbol(setting.icons, "pin")}'
            f"<span>{escape(say('checkin.measure'))}</span></button>"
        )
        nothing = f'<span class="muted">{escape(say("checkin.nothing"))}</span>'

        def draw(texts: Texts, marks: Marks) -> str:
            text = texts.get(name, "")
            found = _read(codec, text)
            shown = cell(codec.store(found)) if found is not None and found.at is not None else nothing
            described = f' aria-describedby="{marks.described}"' if marks.described else ""
            tool = "" if marks.readonly else button
            return (
                f'{head}<span data-held{described}>{shown}</span><input type="text" name="{name}" value="{escape(text)}" hidden>'
                f'{tool}<p class="small files-said" role="status" data-said></p></div>'
            )

        return draw

    def filter_control(self, field: Field, setting: Setting, name: str, ident: str) -> Control:
        """A day and time, as of any instant."""
        return DatetimeView.filter_control(self, field, setting, name, ident)

    def texts(self, field: Field, setting: Setting, name: str, value: Json) -> dict[str, str]:
        """The check-in as JSON; the moment that a condition compares with as the browser's input wants it."""
        if isinstance(value, Mapping):
            return {name: json.dumps(dict(value), ensure_ascii=False)}
        return DatetimeView.texts(self, field, setting, name, value)

    def read(self, field: Field, setting: Setting, name: str, texts: Texts) -> Json:
        """The JSON that was sent, or a condition's moment."""
        text = texts.get(name, "")
        if not text.startswith("{"):
            return DatetimeView.read(self, field, setting, name, texts)
        try:
            return json.loads(text)
        except ValueError:
            return text

    def operand(self, field: Field, value: Json) -> Json:
        """The moment."""
        at = value.get("at") if isinstance(value, Mapping) else value
        return {"instant": at} if at else None


def _around(found: CheckIn, setting: Setting) -> str:
    parts = []
    if found.place.accuracy is not None:
        parts.append(f"±{found.place.accuracy} m")
    if found.distance is not None:
        far = f"{found.distance} m" if found.distance < 1000 else f"{found.distance / 1000:.1f} km"
        parts.append(setting.say("checkin.from_target", distance=far))
    return f' <span class="faint">{escape(" · ".join(parts))}</span>' if parts else ""


def _read(codec: CheckInCodec, text: str) -> CheckIn | None:
    try:
        return codec.parse(json.loads(text)) if text else None
    except (ValueError, Refused):
        return None


def _codec(field: Field) -> CheckInCodec:
    assert isinstance(field.codec, CheckInCodec)
    return field.codec
