"""Exact numbers."""

from __future__ import annotations

from decimal import Decimal

from tests.contracts.field_kinds.cases import Case

CASE = Case(
    spec={"x-scale": 3},
    values=[
        ("12.500", Decimal("12.500"), (12500,)),
        (Decimal("-0.001"), Decimal("-0.001"), (-1,)),
        (7, Decimal("7.000"), (7000,)),
        ("999999999999999.999", Decimal("999999999999999.999"), (999999999999999999,)),
        ("-0", Decimal("0.000"), (0,)),
    ],
    bad=[
        "1.2345",
        "1000000000000000",
        True,
        "NaN",
        "Infinity",
        "1e5",
        [],
        {},
        Decimal("NaN"),
        "1_0",
        float("nan"),
        float("inf"),
        Decimal("1e300"),
        Decimal("1e-300"),
    ],
    typed=[(" 1,234.5 ", Decimal("1234.500")), ("1.5万", Decimal("15000.000"))],
    live_spec={"x-scale": 3},
    live=lambda create: ["-0.001", "0.000", "12.500", "999999999999999.999"],
)
