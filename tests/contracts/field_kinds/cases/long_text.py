"""Paragraphs."""

from __future__ import annotations

from tests.contracts.field_kinds.cases import Case

CASE = Case(
    spec={},
    values=[
        ("第一段\n\n第二段", "第一段\n\n第二段", ("第一段\n\n第二段",)),
        ("a" * 20_000, "a" * 20_000, ("a" * 20_000,)),
    ],
    bad=[1, True, [], {}, "a\x00", "\ud800", "a" * 20_001],
    typed=[(" a\r\nb ", "a\nb")],
    live=lambda create: ["a\n\nb", "客户 <b>", "x" * 20_000],
    sortable=False,  # nobody looks for a paragraph by its first letters
    unique=False,  # longer than an index entry may be
)
