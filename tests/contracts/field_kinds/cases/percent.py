"""Shares."""

from __future__ import annotations

from decimal import Decimal

from tests.contracts.field_kinds.cases import Case

CASE = Case(
    spec={"minimum": 0, "maximum": 1, "x-scale": 1},
    values=[
        ("0.125", Decimal("0.125"), (125,)),
        (1, Decimal("1.000"), (1000,)),
        (0, Decimal("0.000"), (0,)),
    ],
    bad=["0.0005", "1.001", -1, "12.5%", True, "a", [], {}],
    typed=[
        ("12.5", Decimal("0.125")),
        ("12.5%", Decimal("0.125")),
        ("３０％", Decimal("0.3")),
        ("百分之50", Decimal("0.5")),
    ],
    live_spec={},
    live=lambda create: ["-0.0100", "0.0000", "0.1250", "12.0000"],
)
