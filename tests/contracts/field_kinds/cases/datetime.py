"""Instants."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.contracts.field_kinds.cases import Case

CASE = Case(
    spec={},
    values=[
        ("1969-12-31T23:59:59.999Z", datetime(1969, 12, 31, 23, 59, 59, 999000, UTC), (-1,)),
        ("2026-01-31T08:00:00+08:00", datetime(2026, 1, 31, tzinfo=UTC), (1769817600000,)),
    ],
    bad=["2026-01-31T08:00", "2026-01-31", "2026-13-01T00:00Z", "0001-01-01T00:00:00+14:00", 1, [], "x"],
    typed=[
        ("2026/1/31 8:05", datetime(2026, 1, 31, 0, 5, tzinfo=UTC)),
        ("2026-01-31T08:05", datetime(2026, 1, 31, 0, 5, tzinfo=UTC)),
        ("2026年1月31日 8点5分", datetime(2026, 1, 31, 0, 5, tzinfo=UTC)),
    ],
    live_spec={},
    live=lambda create: ["1969-12-31T23:59:59.000Z", "2026-01-31T00:00:00.000Z"],
)
