"""Lengths of time."""

from __future__ import annotations

from datetime import timedelta

from tests.contracts.field_kinds.cases import Case

CASE = Case(
    spec={},
    values=[
        (0, timedelta(0), (0,)),
        (5400, timedelta(minutes=90), (5_400_000,)),
        (10**10, timedelta(seconds=10**10), (10**13,)),
        ("61", timedelta(seconds=61), (61_000,)),
    ],
    bad=[-1, 0.5, True, "1h", 10**10 + 1, [], {}],
    typed=[
        ("1h 30m", timedelta(minutes=90)),
        ("1小时30分", timedelta(minutes=90)),
        ("90", timedelta(minutes=90)),
        ("１：３０", timedelta(minutes=90)),
        ("1.5 hours", timedelta(minutes=90)),
        ("2天", timedelta(days=2)),
        ("45秒", timedelta(seconds=45)),
    ],
    live=lambda create: [0, 61, 5400, 10**10],
)
