"""T05: pages that are kept from one person to the next carry nothing of the one they were first drawn for."""

from __future__ import annotations

import re

from tests.security.conftest import API, Workspace

PLACE = "/apps/sales_management/account"


def test_t05_a_form_names_the_record_it_is_for_and_no_other(workspace: Workspace) -> None:
    """Two people of one role, each with an account of their own; the forms are drawn once for both."""
    made = {}
    for who in ("rep", "other"):
        answer = workspace.program(who).post(f"{API}/account", json={"name": f"Account of {who}"})
        assert answer.status_code == 201, answer.text
        made[who] = answer.json()["id"]
    forms = {who: workspace.browser(who).get(f"{PLACE}/{made[who]}/edit").text for who in made}
    own = {who: re.findall(r'data-own="([^"]*)"', page) for who, page in forms.items()}
    assert own == {who: [ident] for who, ident in made.items()}
