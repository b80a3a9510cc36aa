"""Check-in: where somebody was and when, measured by their device at that moment; a point in WGS-84 and an instant."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dacheng.metadata.expression import INSTANT
from dacheng.metadata.field_kinds.coordinates import metres
from dacheng.metadata.field_kinds.datetime import (
    DatetimeCodec,
    from_milliseconds,
    instant_text,
    to_milliseconds,
)
from dacheng.metadata.field_kinds.geolocation import GeolocationCodec, Place
from dacheng.metadata.field_kinds.text import clean_text
from dacheng.metadata.kinds import ColumnSpec, FieldKind, Json, Primitive, Spec
from dacheng.metadata.problem import refuse

FRESH = 300  # seconds between the measuring and the saving
ADDRESS = 200
FARTHEST = 20_100_000  # metres to the other side of the earth
SYSTEMS = ("wgs84", "gcj02")
_POINT = frozenset({"lat", "lng", "accuracy", "system"})
_KEYS = frozenset({"at", "lat", "lng", "accuracy", "system", "origin", "address", "distance"})
_WRITTEN = re.compile(
    r"(\S+Z)\s+(-?\d{1,2}\.\d+,-?\d{1,3}\.\d+)(?:\s*±(\d{1,6}) m)?(?:\s+(wgs84|gcj02))?(?:\s+→(\d{1,8}) m)?(?:\s+(.+))?",
    re.ASCII | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class CheckIn:
    """A place at a moment; `at` None until it is saved, `origin` the system it came in, `distance` metres to the target."""

    at: datetime | None
    place: Place
    origin: str = "wgs84"
    address: str = ""
    distance: int | None = None


class CheckInCodec:
    """A check-in bound to one field; the first column is the moment, by which it is filtered, sorted and counted."""

    columns = (
        ColumnSpec(Primitive.INSTANT),
        ColumnSpec(Primitive.TEXT, "_point"),
        ColumnSpec(Primitive.INTEGER, "_accuracy"),
        ColumnSpec(Primitive.TEXT, "_origin"),
        ColumnSpec(Primitive.TEXT, "_address"),
        ColumnSpec(Primitive.INTEGER, "_distance"),
    )
    type = INSTANT
    value_schema: Mapping[str, Any] = {
        "type": "object",
        "required": ["lat", "lng"],
        "additionalProperties": False,
        "properties": {
            **GeolocationCodec.value_schema["properties"],
            "at": {"type": ["string", "null"], "maxLength": 40},
            "origin": {"enum": list(SYSTEMS)},
            "address": {"type": ["string", "null"], "maxLength": ADDRESS},
            "distance": {"type": ["integer", "null"], "minimum": 0, "maximum": FARTHEST},
        },
    }

    def __init__(self, spec: Spec) -> None:
        self.fresh = int(spec.get("x-fresh", FRESH))
        self.by_hand = bool(spec.get("x-by-hand", False))
        self._point, self._moment = GeolocationCodec(), DatetimeCodec({})

    def parse(self, raw: Json) -> CheckIn | None:
        """An object with `lat`, `lng`, and `at`, the moment of measuring.

        `system` says what the numbers are: `gcj02` is converted to WGS-84, and kept as the check-in's `origin`.
        """
        if raw is None or raw == "":
            return None
        if not isinstance(raw, Mapping) or not raw.keys() <= _KEYS:
            raise refuse("value.not_a_place")
        place = self._point.parse({name: each for name, each in raw.items() if name in _POINT})
        origin = raw.get("origin", raw.get("system", "wgs84"))
        if place is None or origin not in SYSTEMS:
            raise refuse("value.not_a_place")
        return CheckIn(self._moment.parse(raw.get("at")), place, origin, _address(raw), _distance(raw))

    def parse_text(self, text: str) -> CheckIn | None:
        """What `text` writes; the point is WGS-84 whatever it came in."""
        if not text.strip():
            return None
        found = _WRITTEN.fullmatch(text.strip())
        if found is None:
            raise refuse("value.not_a_place")
        accuracy = f" ±{found[3]} m" if found[3] else ""
        place = self._point.parse_text(found[2] + accuracy)
        assert place is not None
        distance = None if found[5] is None else _distance({"distance": int(found[5])})
        address = _address({"address": found[6]})
        return CheckIn(self._moment.parse(found[1]), place, found[4] or "wgs84", address, distance)

    def store(self, value: CheckIn | None) -> tuple[Any, ...]:
        """The moment, the point, how exact it is, and what came with it."""
        if value is None:
            return (None,) * len(self.columns)
        at = None if value.at is None else to_milliseconds(value.at)
        return (at, *self._point.store(value.place), value.origin, value.address or None, value.distance)

    def load(self, stored: Sequence[Any]) -> CheckIn | None:
        """The same back."""
        place = self._point.load(stored[1:3])
        if place is None:
            return None
        at = None if stored[0] is None else from_milliseconds(stored[0])
        return CheckIn(at, place, stored[3] or "wgs84", stored[4] or "", stored[5])

    def json(self, value: CheckIn | None) -> Json:
        """An object with `at`, `lat`, `lng`, `accuracy`, `origin`, `address` and `distance`; the point is WGS-84."""
        if value is None:
            return None
        at = None if value.at is None else instant_text(to_milliseconds(value.at))
        point: Any = self._point.json(value.place)
        return {
            "at": at,
            **point,
            "origin": value.origin,
            "address": value.address or None,
            "distance": value.distance,
        }

    def json_stored(self, stored: Sequence[Any]) -> Json:
        """The same from stored values."""
        return self.json(self.load(stored))

    def text(self, value: CheckIn | None) -> str:
        """`2026-01-31T08:00:00.000Z 31.230416,121.473701 ±12 m wgs84 →85 m 人民广场`."""
        if value is None:
            return ""
        at = "" if value.at is None else instant_text(to_milliseconds(value.at))
        far = "" if value.distance is None else f"→{value.distance} m"
        parts = (at, self._point.text(value.place), value.origin, far, value.address)
        return " ".join(part for part in parts if part)

    def operand(self, value: CheckIn | None) -> Any:
        """The moment."""
        return None if value is None else value.at


def distance_to(place: Place, target: Place | None) -> int | None:
    """Metres along the ground to a target; None where there is none."""
    return None if target is None else round(metres(place.point, target.point))


def _address(raw: Mapping[str, Json]) -> str:
    text = raw.get("address")
    if text is None or text == "":
        return ""
    cleaned = " ".join(clean_text(text).split())
    if len(cleaned) > ADDRESS:
        raise refuse("value.too_long", limit=ADDRESS, length=len(cleaned))
    return cleaned


def _distance(raw: Mapping[str, Json]) -> int | None:
    given = raw.get("distance")
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given <= FARTHEST:
        raise refuse("value.not_a_place")
    return given


class CheckInKind(FieldKind):
    """Where and when somebody was, measured by their device at that moment.

    `x-fresh` is how old the measuring may be when it is saved, in seconds (300); `x-target` a path to a geolocation
    whose distance is kept with it; `x-by-hand` lets a position be given that was not measured.
    """

    id = "checkin"
    ordered = True
    timed = True
    keyed = False
    schema: Mapping[str, Any] = {
        "properties": {
            "x-fresh": {"type": "integer", "minimum": 30, "maximum": 86_400},
            "x-target": {
                "type": "string",
                "pattern": r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){0,3}$",
                "maxLength": 120,
            },
            "x-by-hand": {"type": "boolean"},
        }
    }

    def bind(self, field_id: str, spec: Spec) -> CheckInCodec:
        """The codec of one check-in."""
        return CheckInCodec(spec)
