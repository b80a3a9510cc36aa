"""Days."""

from __future__ import annotations

from datetime import date

from tests.contracts.field_kinds.cases import Case

CASE = Case(
    spec={},
    values=[
        ("2024-02-29", date(2024, 2, 29), ("2024-02-29",)),
        ("0001-01-01", date(1, 1, 1), ("0001-01-01",)),
    ],
    bad=[
        "2023-02-29",
        "2026-1-1",
        "2026/01/01",
        "20260101",
        20260101,
        "2026-01-01T00:00:00Z",
        "0000-01-01",
        [],
    ],
    typed=[
        ("2026/1/31", date(2026, 1, 31)),
        ("2026年1月31日", date(2026, 1, 31)),
        ("２０２６．１．３１", date(2026, 1, 31)),
        ("20260131", date(2026, 1, 31)),
    ],
    live_spec={},
    live=lambda create: ["0001-01-01", "2024-02-29", "2026-01-31"],
)
