"""Several options, at most two, in the order of choosing."""

from __future__ import annotations

from tests.contracts.field_kinds.cases import Case

OPTIONS = {"x-options": {"a": {"order": 10}, "b": {"order": 20, "archived": True}, "c": {"order": 30}}}
SPEC = {**OPTIONS, "x-limit": 2, "x-ordered": True}
CASE = Case(
    spec=SPEC,
    values=[
        (["a"], ("a",), ('["a"]',)),
        (["c", "a", "c"], ("c", "a"), ('["c","a"]',)),
        ("b", ("b",), ('["b"]',)),
    ],
    bad=["d", 1, ["a", "d"], ["a", "b", "c"], {"a": 1}, True, [["a"]]],
    typed=[("c、a", ("c", "a")), ("a; b", ("a", "b")), ("a；b", ("a", "b"))],
    live=lambda create: [["a"], ["c", "a"], ["b"]],
    sortable=False,  # a list has no order among others
    unique=False,  # many records choose the same
)
