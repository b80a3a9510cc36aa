"""Links to people."""

from __future__ import annotations

from tests.contracts.field_kinds.cases import Case
from tests.contracts.field_kinds.cases.link import CASE as LINK

CASE = Case(
    spec={"x-to": "core.user"},
    values=LINK.values,
    bad=LINK.bad,
    live_spec={},
    live=lambda create: [create("core.user", {"name": name, "status": "active"}) for name in ("Ann", "Bo")],
)
