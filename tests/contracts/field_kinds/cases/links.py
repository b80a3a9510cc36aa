"""Links to several records."""

from __future__ import annotations

from tests.contracts.field_kinds.cases import Case
from tests.contracts.field_kinds.cases.link import ID

OTHER = ID.replace("8057", "8058")
THIRD = ID.replace("8057", "8059")
CASE = Case(
    spec={"x-to": "core.department", "x-limit": 2},
    values=[
        ([ID], (ID,), (f'["{ID}"]',)),
        ([OTHER, ID, OTHER], (OTHER, ID), (f'["{OTHER}","{ID}"]',)),
        (ID, (ID,), (f'["{ID}"]',)),
    ],
    bad=["1", ["1"], [ID.upper()], [[ID]], 1, {"id": ID}, True, [ID, OTHER, THIRD], [""]],
    typed=[(f"{ID}、{OTHER}", (ID, OTHER)), (f" {ID} ; {OTHER}", (ID, OTHER))],
    live=lambda create: _lists(
        [create("core.department", {"name": name}) for name in ("Upper", "Middle", "Lower")]
    ),
    sortable=False,  # a list has no order among others
    unique=False,  # many records lead to the same
)


def _lists(ids: list[str]) -> list[list[str]]:
    return [[ids[0]], [ids[2], ids[0]], [ids[1]]]
