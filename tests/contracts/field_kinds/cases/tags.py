"""Free labels."""

from __future__ import annotations

from tests.contracts.field_kinds.cases import Case

CASE = Case(
    spec={"x-limit": 3},
    values=[
        (["重点", "展会 2026"], ("重点", "展会 2026"), ('["重点","展会 2026"]',)),
        (" a  b ", ("a b",), ('["a b"]',)),
    ],
    bad=[1, ["a", 1], ["a;b"], ["x" * 41], ["a", "b", "c", "d"], {"a": 1}, True, ["  "], "a\x00"],
    typed=[("重点、展会", ("重点", "展会")), ("a; b;;a", ("a", "b"))],
    live=lambda create: [["重点", "展会 2026"], ["=1+1"]],
    sortable=False,  # the same reasons as for multi_choice
    unique=False,
)
