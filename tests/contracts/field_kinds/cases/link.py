"""Links."""

from __future__ import annotations

from tests.contracts.field_kinds.cases import Case

ID = "01890a5d-ac96-774b-bcce-b302099a8057"
CASE = Case(
    spec={"x-to": "core.user"},
    values=[(ID, ID, (ID,))],
    bad=["1", ID.upper(), ID + "\n", 1, {"id": ID}, [ID]],
    live_spec={"x-to": "core.department"},
    live=lambda create: [create("core.department", {"name": name}) for name in ("East", "West")],
)
