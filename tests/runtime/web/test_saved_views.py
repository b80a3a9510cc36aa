"""Views of a list over HTTP: kept, opened, changed and dropped, by page and by program alike."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

from starlette.testclient import TestClient

from tests.security.conftest import API, OWN, Workspace, codes

LIST = "/apps/sales_management/account"
VIEWS = f"{API}/account/views"
RETAIL = '{"==":[{"var":"sector"},"retail"]}'


def kept(browser: TestClient, state: str, name: str, **more: str) -> str:
    """Save the list at an address as a view; answers its id."""
    answer = browser.post(f"{LIST}/views", data={"state": state, "name": name, **more})
    assert answer.status_code == 303, answer.text
    return parse_qs(urlsplit(answer.headers["location"]).query)["view"][0]


def first_column(page: str) -> list[str]:
    return re.findall(r'<td class="main">(?:<input[^>]*>)?<a [^>]*>([^<]+)</a>', page)


def test_a_list_is_kept_as_it_is_and_opens_as_it_was(workspace: Workspace) -> None:
    browser = workspace.browser("rep")
    state = f"filter={RETAIL}&sort=-employees"
    as_it_was = first_column(browser.get(f"{LIST}?{state}").text)
    view = kept(browser, state, "零售大户")
    page = browser.get(LIST, params={"view": view}).text
    assert as_it_was
    assert first_column(page) == as_it_was
    assert 'aria-current="page">零售大户' in page
    assert "保存视图" not in page
    assert "保存视图" in browser.get(LIST, params={"view": view, "sort": "name"}).text
    without = browser.get(LIST, params={"view": view, "filter": "null"}).text
    assert len(first_column(without)) > len(as_it_was)
    rows = workspace.program("rep").get(f"{LIST}/export.csv", params={"view": view})
    assert rows.status_code in (200, 403)


def test_a_shared_view_is_everybodys_tab_and_a_private_one_nobody_elses(workspace: Workspace) -> None:
    manager, rep = workspace.browser("manager"), workspace.browser("rep")
    kept(manager, f"filter={RETAIL}", "团队视图", shared="yes")
    kept(manager, f"filter={RETAIL}", "私人视图")
    page = rep.get(LIST).text
    assert "团队视图" in page
    assert "私人视图" not in page
    refused = rep.post(f"{LIST}/views", data={"state": "", "name": "不许", "shared": "yes"})
    assert refused.status_code == 403


def test_columns_and_density_are_chosen_without_scripts(workspace: Workspace) -> None:
    browser = workspace.browser("rep")
    data = {"state": "", "do": "down:name", "column": ["name", "sector", "office_location"]}
    answer = browser.post(f"{LIST}/views/columns", data=data)
    assert answer.status_code == 303
    page = browser.get(answer.headers["location"]).text
    assert '<details class="menu column-menu" open>' in page
    picked = re.findall(r'name="column" value="([^"]+)" checked', page)
    assert picked == ["sector", "name", "office_location"]
    assert page.count("<th scope") == 3
    browser.post(f"{LIST}/views/columns", data={"state": "", "do": "density:compact"})
    assert 'class="table compact"' in browser.get(LIST).text
    browser.post(f"{LIST}/views/columns", data={"state": "", "do": "reset"})
    assert browser.get(LIST).text.count("<th scope") == 8
    assert workspace.browser("other").get(LIST).text.count('class="table compact"') == 0


def test_a_view_is_renamed_made_the_first_and_deleted(workspace: Workspace) -> None:
    browser = workspace.browser("rep")
    view = kept(browser, f"filter={RETAIL}", "旧名")
    assert browser.post(f"{LIST}/views/{view}", data={"name": "新名"}).status_code == 303
    assert browser.post(f"{LIST}/views/default", data={"view": view, "on": "yes"}).status_code == 303
    assert 'aria-current="page">新名' in browser.get(LIST).text
    into = browser.post(f"{LIST}/views", data={"state": f"view={view}&filter=null", "into": view})
    assert into.status_code == 303
    assert browser.post(f"{LIST}/views/{view}/delete").status_code == 303
    page = browser.get(LIST).text
    assert "新名</a>" not in page
    assert 'aria-current="page">' in page


def test_the_api_does_the_same(workspace: Workspace) -> None:
    program = workspace.program("manager")
    body = {
        "name": "Retail",
        "filter": {"==": [{"var": "sector"}, "retail"]},
        "kind": "board",
        "on": "sector",
    }
    made = program.post(VIEWS, json=body)
    assert made.status_code == 201, made.text
    view = made.json()["id"]
    changed = program.patch(f"{VIEWS}/{view}", json={"shared": True, "version": 1, "group": ["sector"]})
    assert (changed.json()["shared"], changed.json()["group"], changed.json()["kind"]) == (
        True, ["sector"], "board",
    )  # fmt: skip
    assert program.patch(f"{VIEWS}/{view}", json={"name": "x", "version": 1}).status_code == 409
    assert program.put(f"{VIEWS}/default", json={"view": view}).status_code == 204
    assert program.put(f"{VIEWS}/density", json={"density": "compact"}).status_code == 204
    assert program.put(f"{VIEWS}/{view}/columns", json={"columns": ["name"]}).status_code == 204
    found = program.get(VIEWS).json()
    assert (found["default"], found["density"], found["columns"]) == (view, "compact", {view: ["name"]})
    assert [each["name"] for each in found["items"]] == ["Retail"]
    rep = workspace.program("rep")
    assert [each["may_change"] for each in rep.get(VIEWS).json()["items"]] == [False]
    assert codes(rep.delete(f"{VIEWS}/{view}")) == ["view.not_yours"]
    assert program.delete(f"{VIEWS}/{view}").status_code == 204
    assert rep.get(VIEWS).json()["items"] == []


def test_t04_unknown_names_are_refused_where_they_stand(workspace: Workspace) -> None:
    rep = workspace.program("rep")
    answer = rep.post(VIEWS, json={"name": "x", "filter": {"==": [{"var": "nothing"}, 1]}})
    assert answer.status_code == 422
    assert rep.put(f"{VIEWS}/nothing/columns", json={"columns": []}).status_code == 404


def test_no_view_is_kept_for_another_site(workspace: Workspace) -> None:
    browser = workspace.browser("rep")
    other = {**OWN, "sec-fetch-site": "cross-site"}
    before = workspace.checksum()
    answer = browser.post(f"{LIST}/views", data={"state": "", "name": "x"}, headers=other)
    assert answer.status_code == 403
    assert workspace.checksum() == before
