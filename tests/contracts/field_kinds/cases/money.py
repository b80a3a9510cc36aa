"""Amounts with their currency."""

from __future__ import annotations

from decimal import Decimal

from dacheng.metadata.field_kinds.money import Money
from tests.contracts.field_kinds.cases import Case

CASE = Case(
    spec={"x-currency": "USD"},
    values=[
        ({"amount": "1054.00", "currency": "CNY"}, Money(Decimal("1054.00"), "CNY"), (105400, "CNY")),
        ("-0.05", Money(Decimal("-0.05"), "USD"), (-5, "USD")),
        (3, Money(Decimal("3.00"), "USD"), (300, "USD")),
    ],
    bad=[
        {"amount": "1", "currency": "XXX"},
        {"amount": "1", "currency": 1},
        {"amount": {}},
        "1.005",
        True,
        [1],
        {"amount": "1", "extra": 1},
        {"amount": "1", "currency": "usd"},
    ],
    typed=[
        ("¥1,054.00", Money(Decimal("1054.00"), "CNY")),
        ("￥12", Money(Decimal("12.00"), "CNY")),
        ("12万元", Money(Decimal("120000.00"), "CNY")),
        ("1,054", Money(Decimal("1054.00"), "USD")),
        ("EUR 5", Money(Decimal("5.00"), "EUR")),
        ("5 cny", Money(Decimal("5.00"), "CNY")),
        ("$3.50", Money(Decimal("3.50"), "USD")),
    ],
    live_spec={},
    live=lambda create: [
        {"amount": "-0.05", "currency": "CNY"},
        {"amount": "12.00", "currency": "CNY"},
        {"amount": "1054.00", "currency": "CNY"},
    ],
)
