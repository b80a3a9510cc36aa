"""Whole numbers."""

from __future__ import annotations

from decimal import Decimal

from tests.contracts.field_kinds.cases import Case

CASE = Case(
    spec={"minimum": -5},
    values=[(0, 0, (0,)), (-5, -5, (-5,)), (2**53 - 1, 2**53 - 1, (2**53 - 1,)), ("12", 12, (12,))],
    bad=[2**53, -6, 1.5, Decimal("1.5"), True, "1.5", "a", [], {}, 10**70, Decimal("1e70")],
    typed=[("１，２３４", 1234), ("1,234", 1234)],
    live_spec={},
    live=lambda create: [-5, 0, 7, 2**53 - 1],
)
