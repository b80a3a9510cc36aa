"""One of several options."""

from __future__ import annotations

from tests.contracts.field_kinds.cases import Case

CHOICE = {"x-options": {"a": {"order": 10}, "b": {"order": 20, "archived": True}}}
CASE = Case(
    spec=CHOICE,
    values=[("a", "a", ("a",)), ("b", "b", ("b",))],
    bad=["c", 1, ["a"], {"a": 1}, True],
    live=lambda create: ["a", "b"],
)
