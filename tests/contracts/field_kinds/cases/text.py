"""Text."""

from __future__ import annotations

from decimal import Decimal

from tests.contracts.field_kinds.cases import Case

CASE = Case(
    spec={"maxLength": 5, "pattern": "^[^x]*$"},
    values=[("客户a", "客户a", ("客户a",)), ("𝒳" * 5, "𝒳" * 5, ("𝒳" * 5,)), (" a ", " a ", (" a ",))],
    bad=[1, True, [], {}, "a\x00", "\ud800", "123456", "x", Decimal(1)],
    typed=[(" a\r\nb ", "a\nb")],
    live_spec={"maxLength": 40},
    live=lambda create: ["a", "x y", "客户a"],
)
