"""JSON."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.contracts.field_kinds.cases import Case


def _nested(depth: int) -> Any:
    found: Any = []
    for _ in range(depth - 1):
        found = [found]
    return found


CASE = Case(
    spec={},
    values=[
        (
            {"b": 1, "a": [None, True, "客"]},
            {"a": [None, True, "客"], "b": 1},
            ('{"a":[null,true,"客"],"b":1}',),
        ),
        ([], [], ("[]",)),
        ({}, {}, ("{}",)),
        (_nested(20), _nested(20), ("[" * 20 + "]" * 20,)),
    ],
    bad=[
        1,
        "text",
        True,
        _nested(21),
        _nested(500),
        [float("nan")],
        [float("inf")],
        {"a": "\x00"},
        {"\ud800": 1},
        [2**53],
        [Decimal("1." + "1" * 30)],
        [Decimal("1e400")],
        [Decimal("NaN")],
        ["x" * 70_000],
        [0] * 10_001,
    ],
    typed=[(' { "a" : 1.5 } ', {"a": 1.5})],
    live=lambda create: [{"a": [1, 2.5, None]}, ["<script>", "客户"], {}],
    stranger=7,
    sortable=False,  # a structure has no order
    unique=False,  # longer than an index entry may be
    grouped=False,  # nobody counts by structures
)
