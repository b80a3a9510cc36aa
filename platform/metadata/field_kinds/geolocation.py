"""Geolocation: a point in WGS-84 to a millionth of a degree (11 cm), and how exactly it was measured."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from dacheng.metadata.expression import TEXT
from dacheng.metadata.field_kinds.coordinates import Point, to_wgs84
from dacheng.metadata.kinds import ColumnSpec, FieldKind, Json, Primitive, Spec
from dacheng.metadata.problem import refuse

PLACES = 6
MILLION = Decimal(10) ** PLACES
FARTHEST = 100_000  # metres of accuracy that still say anything
_TYPED = re.compile(
    r"(-?\d{1,2}(?:\.\d{1,15})?)\s*[,;\s]\s*(-?\d{1,3}(?:\.\d{1,15})?)(?:\s*±\s*(\d{1,6})\s*m)?", re.ASCII
)
_KEYS = frozenset({"lat", "lng", "accuracy", "system"})


@dataclass(frozen=True, slots=True)
class Place:
    """A point in millionths of a degree, WGS-84; `accuracy` in metres where it was measured."""

    lat: int
    lng: int
    accuracy: int | None = None

    @property
    def point(self) -> Point:
        """Latitude and longitude in degrees."""
        return self.lat / 1e6, self.lng / 1e6


class GeolocationCodec:
    """A point bound to one field: a `Place`; columns: `lat,lng` as text, and the accuracy."""

    columns = (ColumnSpec(Primitive.TEXT), ColumnSpec(Primitive.INTEGER, "_accuracy"))
    type = TEXT
    value_schema: Mapping[str, Any] = {
        "type": "object",
        "required": ["lat", "lng"],
        "additionalProperties": False,
        "properties": {
            "lat": {"type": "number", "minimum": -90, "maximum": 90},
            "lng": {"type": "number", "minimum": -180, "maximum": 180},
            "accuracy": {"type": ["integer", "null"], "minimum": 0, "maximum": FARTHEST},
            "system": {"enum": ["wgs84", "gcj02"]},
        },
    }

    def parse(self, raw: Json) -> Place | None:
        """An object with `lat` and `lng`; `system` `gcj02` says that a Chinese map gave them, and they are converted."""
        if raw is None or raw == "":
            return None
        if isinstance(raw, str):
            return self.parse_text(raw)
        if not isinstance(raw, Mapping) or not raw.keys() <= _KEYS or not {"lat", "lng"} <= raw.keys():
            raise refuse("value.not_a_place")
        lat, lng = _degrees(raw["lat"], 90), _degrees(raw["lng"], 180)
        system = raw.get("system", "wgs84")
        if system not in ("wgs84", "gcj02"):
            raise refuse("value.not_a_place")
        if system == "gcj02":
            north, east = to_wgs84((lat / 1e6, lng / 1e6))
            lat, lng = round(north * 1e6), round(east * 1e6)
        return Place(lat, lng, _accuracy(raw.get("accuracy")))

    def parse_text(self, text: str) -> Place | None:
        """`31.230416, 121.473701 ±12 m`, as `text` writes it."""
        plain = unicodedata.normalize("NFKC", text).replace("、", ",").strip()
        if not plain:
            return None
        found = _TYPED.fullmatch(plain)
        if found is None:
            raise refuse("value.not_a_place")
        accuracy = None if found[3] is None else _accuracy(int(found[3]))
        return Place(_degrees(found[1], 90), _degrees(found[2], 180), accuracy)

    def store(self, value: Place | None) -> tuple[Any, ...]:
        """Both degrees in one text, and the accuracy."""
        return (None, None) if value is None else (_written(value), value.accuracy)

    def load(self, stored: Sequence[Any]) -> Place | None:
        """The same back."""
        if stored[0] is None:
            return None
        lat, _, lng = str(stored[0]).partition(",")
        return Place(int(Decimal(lat) * MILLION), int(Decimal(lng) * MILLION), stored[1])

    def json(self, value: Place | None) -> Json:
        """An object with `lat`, `lng` and `accuracy`."""
        if value is None:
            return None
        lat, lng = value.point
        return {"lat": lat, "lng": lng, "accuracy": value.accuracy}

    def json_stored(self, stored: Sequence[Any]) -> Json:
        """An object with `lat`, `lng` and `accuracy`."""
        return self.json(self.load(stored))

    def text(self, value: Place | None) -> str:
        """`31.230416,121.473701 ±12 m`."""
        if value is None:
            return ""
        return _written(value) if value.accuracy is None else f"{_written(value)} ±{value.accuracy} m"

    def operand(self, value: Place | None) -> Any:
        """Both degrees in one text."""
        return None if value is None else _written(value)


def _written(place: Place) -> str:
    lat, lng = (Decimal(each).scaleb(-PLACES) for each in (place.lat, place.lng))
    return f"{lat:.{PLACES}f},{lng:.{PLACES}f}"


def _degrees(raw: Json, limit: int) -> int:
    """Degrees as millionths; other things than numbers within the limit are refused."""
    if isinstance(raw, bool) or not isinstance(raw, int | float | Decimal | str):
        raise refuse("value.not_a_place")
    try:
        value = Decimal(str(raw))
    except InvalidOperation:
        raise refuse("value.not_a_place") from None
    if not value.is_finite() or abs(value) > limit:
        raise refuse("value.not_a_place")
    return int((value * MILLION).to_integral_value())


def _accuracy(raw: Json) -> int | None:
    if raw is None:
        return None
    if isinstance(raw, bool) or not isinstance(raw, int | float | Decimal) or not 0 <= raw <= FARTHEST:
        raise refuse("value.not_a_place")
    return round(raw)


class Geolocation(FieldKind):
    """A point on the earth, taken from the device or typed."""

    id = "geolocation"
    sortable = False

    def bind(self, field_id: str, spec: Spec) -> GeolocationCodec:
        """The codec of one geolocation field."""
        return GeolocationCodec()
