"""Links to departments."""

from __future__ import annotations

from tests.contracts.field_kinds.cases import Case
from tests.contracts.field_kinds.cases.link import CASE as LINK

CASE = Case(
    spec={"x-to": "core.department"},
    values=LINK.values,
    bad=LINK.bad,
    live_spec={},
    live=lambda create: [create("core.department", {"name": name}) for name in ("North", "South")],
)
