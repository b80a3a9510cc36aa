"""Filters put together line by line: what a form says becomes a filter, and a filter becomes the same form."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.testclient import TestClient

from dacheng.metadata.problem import Refused
from dacheng.runtime.web.view import filter_tree, filters
from dacheng.runtime.web.view.filter_tree import Condition, Group
from tests.security.conftest import Workspace

LIST = "/apps/sales_management/opportunity"
WON = {"==": [{"var": "stage"}, "won"]}
BIG = {">=": [{"var": "amount"}, 50000]}
SOON = {"is_in_next_days": [{"var": "next_step_on"}, 14]}
NESTED = {
    "and": [{"or": [WON, {"and": [BIG, SOON]}]}, {"!": {"or": [{"is_set": {"var": "closed_on"}}, WON]}}]
}


def inputs(page: str) -> list[tuple[str, str]]:
    """Every field of the editor as a browser would send it."""
    form = page[page.index('<form action="') : page.rindex("</form>")]
    form = form[form.index("data-filter-tree") :]
    found = []
    for tag in re.finditer(r"<input\b([^>]*)>|<select\b([^>]*)>(.*?)</select>", form, re.DOTALL):
        name = re.search(r'name="([^"]+)"', tag[1] or tag[2])
        if name is None:
            continue
        if tag[2]:
            values = re.findall(r'<option value="([^"]*)"( selected)?', tag[3])
            value = next((each for each, chosen in values if chosen), values[0][0])
        else:
            value = next(iter(re.findall(r'value="([^"]*)"', tag[1])), "")
        found.append((name[1], unescape(value)))
    return found


def step(browser: TestClient, fields: list[tuple[str, str]], do: str) -> str:
    answer = browser.get(f"{LIST}/filter", params=[*fields, ("do", do)])
    assert answer.status_code == 200, answer.text
    return answer.text


def applied(browser: TestClient, fields: list[tuple[str, str]]) -> Any:
    answer = browser.get(f"{LIST}/filter", params=[*fields, ("do", "apply")])
    assert answer.status_code == 303
    query = parse_qs(urlsplit(answer.headers["location"]).query)
    return json.loads(query["filter"][0]) if "filter" in query else None


def changed(fields: list[tuple[str, str]], **more: str) -> list[tuple[str, str]]:
    names = {name.replace("_", ".", 1).replace("_", "-"): value for name, value in more.items()}
    kept = [(name, names.pop(name, value)) for name, value in fields]
    return [*kept, *names.items()]


def test_a_nested_filter_is_built_without_scripts(workspace: Workspace) -> None:
    browser = workspace.browser("rep")
    page = browser.get(f"{LIST}/filter").text
    page = step(browser, changed(inputs(page), f_0_0="stage"), "refresh")
    page = step(browser, changed(inputs(page), v_0_0="won"), "group:0")
    page = step(browser, changed(inputs(page), f_0_1_0="amount"), "add:0-1")
    page = step(browser, changed(inputs(page), v_0_1_0="50,000", f_0_1_1="next_step_on"), "refresh")
    page = step(browser, changed(inputs(page), o_0_1_1="is_in_next_days"), "refresh")
    fields = [
        (name, "14" if name == "v.0-1-1.days" else value)
        for name, value in changed(inputs(page), m_0_1="none")
    ]
    assert applied(browser, fields) == {"and": [WON, {"!": {"or": [BIG, SOON]}}]}
    assert browser.get(LIST, params={"filter": json.dumps(NESTED)}).status_code == 200


@pytest.mark.parametrize(
    "whole",
    [
        WON,
        NESTED,
        {"or": [WON, BIG]},
        {"is_me": {"var": "owner"}},
        {"==": [{"var": "account.sector"}, "retail"]},
        {"is_this_month": {"var": "created_at"}},
        {">": [{"+": [1, 2]}, 2]},
    ],
)
def test_the_form_of_a_filter_gives_the_filter_back(workspace: Workspace, whole: Any) -> None:
    browser = workspace.browser("admin")
    page = browser.get(f"{LIST}/filter", params={"filter": json.dumps(whole)}).text
    assert applied(browser, inputs(page)) == whole


def test_lines_and_groups_are_taken_away(workspace: Workspace) -> None:
    browser = workspace.browser("rep")
    page = browser.get(f"{LIST}/filter", params={"filter": json.dumps(NESTED)}).text
    page = step(browser, inputs(page), "remove:0-1")
    assert applied(browser, inputs(page)) == {"or": [WON, {"and": [BIG, SOON]}]}
    page = step(browser, inputs(page), "remove:0-0-1")
    assert applied(browser, inputs(page)) == WON
    page = step(browser, inputs(page), "remove:0-0")
    assert applied(browser, inputs(page)) is None


def test_groups_read_as_sentences(workspace: Workspace) -> None:
    page = workspace.browser("rep").get(LIST, params={"filter": json.dumps(NESTED)}).text
    chips = re.findall(r'<li class="chip"><span>([^<]+)</span>', page)
    assert len(chips) == 2
    assert " 或 （" in chips[0]
    assert "在今后 14 天内" in chips[0]
    assert chips[1].startswith("不满足：")


def test_a_department_and_what_is_below_it(workspace: Workspace) -> None:
    program = workspace.program("admin")
    api = "/api/v1/apps/core/department"
    top = program.post(api, json={"name": "总部"}).json()["id"]
    below = program.post(api, json={"name": "华东", "parent": top}).json()["id"]
    parts = {"m.0": "and", "f.0-0": "department", "o.0-0": "within", "v.0-0": top}
    browser = workspace.browser("admin")
    whole = applied(browser, list(parts.items()))
    assert filters.simple(whole) == filters.Simple("within", ("department",), top)
    assert browser.get(LIST, params={"filter": json.dumps(whole)}).status_code == 200
    people = program.get("/api/v1/apps/core/user", params={"limit": 1}).json()["items"]
    version = program.get(f"/api/v1/apps/core/user/{people[0]['id']}").headers["etag"]
    moved = program.patch(
        f"/api/v1/apps/core/user/{people[0]['id']}", json={"department": below}, headers={"if-match": version}
    )
    assert moved.status_code == 200
    found = program.get("/api/v1/apps/core/user", params={"filter": json.dumps(whole)}).json()["items"]
    assert [each["id"] for each in found] == [people[0]["id"]]


def test_t04_a_hidden_field_is_on_no_line_and_says_nothing(workspace: Workspace) -> None:
    browser = workspace.browser("rep")
    for name in ("account.revenue", "account.misspelt"):
        parts = [("m.0", "and"), ("f.0-0", name), ("o.0-0", ">="), ("v.0-0", "1")]
        assert applied(browser, parts) is None
    assert "account.revenue" not in browser.get(f"{LIST}/filter").text


def test_a_form_too_large_or_out_of_shape_is_refused() -> None:
    with pytest.raises(Refused):
        filter_tree.from_form({"m.0": "and", **{f"f.0-{at}": "x" for at in range(200)}})
    with pytest.raises(Refused):
        filter_tree.from_form({"m.0-x": "and"})
    assert filter_tree.from_form({}) == Group("and", (Condition(),))
