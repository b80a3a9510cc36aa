"""A cell changed in place, by address: the same rights, version and reasons as a form."""

from __future__ import annotations

import re

from tests.security.conftest import API, Workspace

DEALS = "/apps/sales_management/opportunity"


def made(workspace: Workspace, who: str = "rep") -> dict[str, object]:
    answer = workspace.program(who).post(f"{API}/opportunity", json={"name": "格子", "amount": "5"})
    assert answer.status_code == 201, answer.text
    found: dict[str, object] = answer.json()
    return found


def test_a_cell_is_saved_from_the_version_seen_and_taken_back(workspace: Workspace) -> None:
    browser, record = workspace.browser("rep"), made(workspace)
    address = f"{DEALS}/{record['id']}/cell"
    form = browser.get(address, params={"field": "name"}).text
    assert 'value="格子"' in form
    version = re.search(r'name="version" value="(\d+)"', form)
    assert version is not None
    sent = {"field": "name", "version": version[1], "value": "新格子"}
    done = browser.post(address, data=sent)
    assert done.status_code == 200
    assert done.json()["version"] > int(version[1])
    api = workspace.program("rep")
    assert api.get(f"{API}/opportunity/{record['id']}").json()["name"] == "新格子"
    stale = browser.post(address, data=sent | {"value": "第三"})
    assert stale.status_code == 409
    assert stale.json()["reason"]
    assert browser.post(done.json()["undo"]).status_code == 303
    assert api.get(f"{API}/opportunity/{record['id']}").json()["name"] == "格子"
    now = str(api.get(f"{API}/opportunity/{record['id']}").json()["version"])
    empty = browser.post(address, data=sent | {"value": "", "version": now})
    assert empty.status_code == 422
    assert empty.json()["reason"]


def test_t07_a_cell_of_a_record_out_of_sight_or_of_no_field_is_not_there(workspace: Workspace) -> None:
    record = made(workspace)
    address = f"{DEALS}/{record['id']}/cell"
    other, rep = workspace.browser("other"), workspace.browser("rep")
    assert other.get(address, params={"field": "name"}).status_code == 404
    sent = {"field": "name", "version": "1", "value": "x"}
    assert other.post(address, data=sent).status_code == 404
    assert rep.get(address, params={"field": "no_such"}).status_code in (400, 422)
    assert rep.get(address, params={"field": "stage"}).status_code == 403  # moves by steps
    assert rep.get(address, params={"field": "created_at"}).status_code == 403
    assert workspace.program("rep").get(f"{API}/opportunity/{record['id']}").json()["name"] == "格子"


def test_a_row_is_drawn_anew_and_says_whether_the_list_still_holds_it(workspace: Workspace) -> None:
    record, rep = made(workspace), workspace.browser("rep")
    address = f"{DEALS}/{record['id']}/row"
    inside = rep.get(address, params={"name": "格子", "show-as": "table"}).text
    assert f'data-id="{record["id"]}"' in inside
    assert "data-out" not in inside
    outside = rep.get(address, params={"name": "别的"}).text
    assert f'data-id="{record["id"]}"' in outside
    assert "data-out" in outside
    unseen = workspace.browser("other").get(address)
    assert str(record["id"]) not in unseen.text
    back = rep.post(f"{DEALS}/{record['id']}/changes/1/undo", headers={"accept": "application/json"})
    assert back.status_code >= 400
    assert back.headers["content-type"].startswith("application/")
