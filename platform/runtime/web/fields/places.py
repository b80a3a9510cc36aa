"""Geolocations: degrees with a way to a map; in forms the device's own position at a tap, or typed."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from dacheng.metadata.definition import Field
from dacheng.metadata.field_kinds.coordinates import to_gcj02
from dacheng.metadata.field_kinds.geolocation import GeolocationCodec, Place
from dacheng.metadata.kinds import Json
from dacheng.metadata.problem import Refused
from dacheng.runtime.web.fields.base import (
    EMPTY,
    UNARY,
    Cell,
    Control,
    FieldView,
    Marks,
    Setting,
    Texts,
    symbol,
)


class GeolocationView(FieldView):
    """A point in one line, `31.230416,121.473701 ±12 m`."""

    operators = UNARY
    scripts = ("places.js",)
    devices = frozenset({"geolocation"})

    def cell(self, field: Field, setting: Setting) -> Cell:
        """The degrees, leading to a map that draws them where they are."""
        codec = _codec(field)
        pin = symbol(setting.icons, "pin")

        def draw(stored: Sequence[Any]) -> str:
            place = codec.load(stored)
            if place is None:
                return EMPTY
            lat, lng = place.point
            around = "" if place.accuracy is None else f' <span class="faint">±{place.accuracy} m</span>'
            address = escape(map_address(place, setting.locale))
            return (
                f'<a class="nowrap num" href="{address}" target="_blank" rel="noopener noreferrer">{pin}'
                f"{lat:.5f}, {lng:.5f}</a>{around}"
            )

        return draw

    def control(self, field: Field, setting: Setting, name: str, ident: str) -> Control:
        """The line, and the button that fills it, hidden where the device does not know its place."""
        say = setting.say
        head = (
            f'<div class="with-button" data-place data-asking="{escape(say("places.asking"))}" data-failed="{escape(say("places.failed"))}">'
            f'<input class="in num" name="{name}" id="{ident}" maxlength="80" autocomplete="off" placeholder="31.230416, 121.473701"'
        )
        button = f'<button type="button" class="btn" data-locate hidden>{symbol(setting.icons, "pin")}<span>{escape(say("places.locate"))}</span></button>'

        def draw(texts: Texts, marks: Marks) -> str:
            readonly = " readonly" if marks.readonly else ""
            tool = "" if marks.readonly else button
            return (
                f'{head} value="{escape(texts.get(name, ""))}"{readonly}{marks.attributes()}>{tool}</div>'
                '<p class="small files-said" role="status" data-said></p>'
            )

        return draw

    def filter_control(self, field: Field, setting: Setting, name: str, ident: str) -> Control:
        """Points are asked for by whether they are there."""
        return FieldView.control(self, field, setting, name, ident)

    def texts(self, field: Field, setting: Setting, name: str, value: Json) -> dict[str, str]:
        """The point in one line."""
        codec = _codec(field)
        try:
            return {name: codec.text(codec.parse(value))}
        except Refused:
            return {name: str(value)}


def map_address(place: Place, locale: str) -> str:
    """A public map with the point on it: in Chinese one that draws GCJ-02, else one that draws WGS-84."""
    lat, lng = place.point
    if locale.startswith("zh"):
        north, east = to_gcj02((lat, lng))
        return f"https://uri.amap.com/marker?position={east:.6f},{north:.6f}"
    return f"https://www.openstreetmap.org/?mlat={lat:.6f}&mlon={lng:.6f}#map=17/{lat:.6f}/{lng:.6f}"


def _codec(field: Field) -> GeolocationCodec:
    assert isinstance(field.codec, GeolocationCodec)
    return field.codec
