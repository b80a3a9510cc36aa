"""Points on the earth."""

from __future__ import annotations

from decimal import Decimal

from dacheng.metadata.field_kinds.geolocation import Place
from tests.contracts.field_kinds.cases import Case

CASE = Case(
    spec={},
    values=[
        (
            {"lat": 31.230416, "lng": 121.473701, "accuracy": 12},
            Place(31230416, 121473701, 12),
            ("31.230416,121.473701", 12),
        ),
        ({"lat": -90, "lng": 180}, Place(-90000000, 180000000), ("-90.000000,180.000000", None)),
        ({"lat": "0.0000004", "lng": Decimal("-0.5")}, Place(0, -500000), ("0.000000,-0.500000", None)),
    ],
    bad=[
        1, "x", [1, 2], {"lat": 1}, {"lat": 91, "lng": 0}, {"lat": 0, "lng": -181}, {"lat": True, "lng": 0},
        {"lat": float("nan"), "lng": 0}, {"lat": "Infinity", "lng": 0}, {"lat": 0, "lng": 0, "x": 1},
        {"lat": 0, "lng": 0, "accuracy": -1}, {"lat": 0, "lng": 0, "accuracy": "5"}, {"lat": 0, "lng": 0, "system": "bd09"},
        "31.2", "121.473701, 31.230416",
    ],
    typed=[
        (" 31.230416， 121.473701 ", Place(31230416, 121473701)),
        ("31.230416 121.473701 ±8 m", Place(31230416, 121473701, 8)),
    ],
    live=lambda create: [
        {"lat": 31.230416, "lng": 121.473701, "accuracy": 12},
        {"lat": -33.8688, "lng": 151.2093, "accuracy": None},
    ],
    sortable=False,  # a plane has no order
    unique=False,  # two columns, of which one says how exactly it was measured
    grouped=False,
)  # fmt: skip
