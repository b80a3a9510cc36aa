"""Check-ins: a place at a moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from dacheng.metadata.field_kinds.checkin import CheckIn
from dacheng.metadata.field_kinds.geolocation import Place
from tests.contracts.field_kinds.cases import Case

AT = datetime(2026, 1, 31, 8, 0, tzinfo=UTC)
HERE = Place(31230416, 121473701, 12)
CASE = Case(
    spec={},
    values=[
        (
            {"at": "2026-01-31T16:00:00.000+08:00", "lat": 31.230416, "lng": 121.473701, "accuracy": 12, "address": " 人民  广场 "},
            CheckIn(AT, HERE, "wgs84", "人民 广场"),
            (1769846400000, "31.230416,121.473701", 12, "wgs84", "人民 广场", None),
        ),
        (
            {"at": "2026-01-31T08:00:00.000Z", "lat": 31.228476, "lng": 121.478265, "system": "gcj02", "distance": 85},
            CheckIn(AT, Place(31230418, 121473742), "gcj02", "", 85),
            (1769846400000, "31.230418,121.473742", None, "gcj02", None, 85),
        ),
    ],
    bad=[
        1, "x", [1], {"lat": 1}, {"lat": 91, "lng": 0}, {"lat": 0, "lng": 0, "at": "soon"}, {"lat": 0, "lng": 0, "system": "bd09"},
        {"lat": 0, "lng": 0, "origin": "bd09"}, {"lat": 0, "lng": 0, "distance": -1}, {"lat": 0, "lng": 0, "distance": "1"},
        {"lat": 0, "lng": 0, "address": "x" * 201}, {"lat": 0, "lng": 0, "by": "me"}, "31.2,121.4",
    ],
    typed=[
        ("2026-01-31T08:00:00.000Z 31.230416,121.473701 ±12 m wgs84 人民 广场", CheckIn(AT, HERE, "wgs84", "人民 广场")),
        ("2026-01-31T08:00:00.000Z 31.230416,121.473701 ±12 m gcj02 →85 m", CheckIn(AT, HERE, "gcj02", "", 85)),
    ],
    live_spec={"x-fresh": 86_400},
    live=lambda create: [_now(31.230416, 121.473701, 12, seconds=2), _now(-33.8688, 151.2093, None, seconds=1)],
    unique=False,  # nobody is anywhere twice at a millisecond
    grouped=False,  # by day, where a measure says so
    imported=False,  # made on the spot; as history they come back, which has a test of its own
)  # fmt: skip


def _now(lat: float, lng: float, accuracy: int | None, *, seconds: int) -> dict[str, object]:
    at = datetime.now(UTC) - timedelta(seconds=seconds)
    text = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    known = {"at": text, "lat": lat, "lng": lng, "accuracy": accuracy}
    return {**known, "origin": "wgs84", "address": None, "distance": None}
