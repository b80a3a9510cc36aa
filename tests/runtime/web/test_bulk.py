"""Many rows over HTTP: page by page without scripts, and by one call of the API."""

from __future__ import annotations

import json
import re

from tests.security.conftest import API, Workspace, codes

LIST = "/apps/sales_management/account"
RETAIL = {"==": [{"var": "sector"}, "retail"]}


def test_a_field_is_set_on_picked_rows_after_a_look(workspace: Workspace) -> None:
    browser, program = workspace.browser("admin"), workspace.program("admin")
    items = program.get(f"{API}/account", params={"limit": 3}).json()["items"]
    ids = [each["id"] for each in items]
    assert 'name="id" value="' + ids[0] in browser.get(LIST).text
    page = browser.post(f"{LIST}/bulk", data={"id": ids, "do": "edit", "state": ""}).text
    joined = re.search(r'name="ids" value="([^"]+)"', page)
    assert joined is not None
    sent = {"ids": joined[1], "field": "office_location", "state": ""}
    assert 'name="value"' in browser.post(f"{LIST}/bulk", data={**sent, "do": "edit"}).text
    look = browser.post(f"{LIST}/bulk", data={**sent, "value": "苏州工业园", "do": "look"}).text
    assert "3 条将被修改，0 条不能修改" in look
    assert program.get(f"{API}/account/{ids[0]}").json()["office_location"] != "苏州工业园"
    done = browser.post(f"{LIST}/bulk", data={**sent, "value": "苏州工业园", "do": "run"})
    assert done.status_code == 303
    page = browser.get(done.headers["location"]).text
    assert "已修改 3 条记录" in page
    undo = re.search(r'action="(/apps/[^"]+/undo)"', page)
    assert undo is not None
    assert browser.post(undo[1]).status_code == 303
    assert program.get(f"{API}/account/{ids[0]}").json()["office_location"] == items[0]["office_location"]


def test_all_that_match_are_reached_and_refused_rows_are_listed(workspace: Workspace) -> None:
    browser, program = workspace.browser("rep"), workspace.program("rep")
    admin = workspace.program("admin")
    taken, any_version = (
        {"owner": workspace.ids["other"]},
        {"if-match": "*"},
    )  # what is nobody's is free to all
    for each in admin.get(f"{API}/account", params={"filter": json.dumps(RETAIL)}).json()["items"]:
        assert admin.patch(f"{API}/account/{each['id']}", json=taken, headers=any_version).status_code == 200
    mine = program.post(f"{API}/account", json={"name": "自己的零售客户", "sector": "retail"}).json()["id"]
    state = 'filter={"==":[{"var":"sector"},"retail"]}'
    sent = {"all": "yes", "state": state, "field": "employees", "value": "77"}
    page = browser.post(f"{LIST}/bulk", data={**sent, "do": "look"}).text
    assert "1 条将被修改，2 条不能修改" in page
    page = browser.post(f"{LIST}/bulk", data={**sent, "do": "run"}).text
    assert "已处理 1 条，2 条未变" in page
    assert page.count("<li><a href=") >= 2
    assert program.get(f"{API}/account/{mine}").json()["employees"] == 77


def test_the_api_counts_changes_and_takes_back(workspace: Workspace) -> None:
    program = workspace.program("admin")
    bulk = f"{API}/account/bulk"
    body = {"filter": RETAIL, "action": "set", "values": {"employees": 5}}
    look = program.post(bulk, json={**body, "preview": True}).json()
    assert (look["count"], look["done"], look["undo"]) == (2, 2, "")
    assert codes(program.post(bulk, json={**body, "expected": 3})) == ["bulk.count_moved"]
    done = program.post(bulk, json={**body, "expected": 2}).json()
    assert (done["done"], done["refused"]) == (2, [])
    back = program.post(f"{bulk}/{done['undo']}/undo")
    assert back.json() == {"reversed": 2, "kept": 0, "failed": 0}
    other = workspace.program("rep").post(f"{bulk}/{done['undo']}/undo")
    assert codes(other) == ["bulk.unknown"]


def test_t12_unknown_keys_and_actions_are_refused(workspace: Workspace) -> None:
    program, before = workspace.program("rep"), workspace.checksum()
    bodies: list[dict[str, object]] = [
        {"action": "purge", "ids": []},
        {"action": "delete"},
        {"action": "set", "q": ""},
        {"ids": []},
        {"action": "set", "admin": 1},
    ]
    for body in bodies:
        assert program.post(f"{API}/account/bulk", json=body).status_code in (400, 422)
    assert workspace.checksum() == before
