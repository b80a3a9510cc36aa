"""Codes."""

from __future__ import annotations

from tests.contracts.field_kinds.cases import Case

CASE = Case(
    spec={"maxLength": 13, "pattern": "^[0-9A-Z-]+$"},
    values=[("6901234567892", "6901234567892", ("6901234567892",)), ("A-1", "A-1", ("A-1",))],
    bad=[1, "a", "69012345678921", [], {}, True, "A\x00"],
    typed=[(" 6901234567892\r\n", "6901234567892")],
    live=lambda create: ["6901234567892", "A-1"],
)
