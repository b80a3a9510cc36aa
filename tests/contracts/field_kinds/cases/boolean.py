"""Yes and no."""

from __future__ import annotations

from tests.contracts.field_kinds.cases import Case

CASE = Case(
    spec={},
    values=[(False, False, (0,)), (True, True, (1,)), ("true", True, (1,))],
    bad=[1, 0, "yes", "TRUE", 1.0, [], {}],
    typed=[
        ("是", True),
        ("否", False),
        (" YES ", True),
        ("n", False),
        ("１", True),
        ("×", False),
        ("√", True),
    ],
    live=lambda create: [False, True],
)
