"""Stars."""

from __future__ import annotations

from tests.contracts.field_kinds.cases import Case

CASE = Case(
    spec={"x-best": 5},
    values=[(1, 1, (1,)), (5, 5, (5,)), ("4", 4, (4,))],
    bad=[0, 6, 2.5, True, "a", [], {}],
    typed=[("★★★☆☆", 3), ("４", 4)],
    live=lambda create: [1, 3, 5],
)
