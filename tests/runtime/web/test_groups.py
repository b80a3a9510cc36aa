"""Lists in groups over HTTP: heads with counts and subtotals, unfolded by an address, the same by the API."""

from __future__ import annotations

import json
import re

from tests.security.conftest import API, Workspace, codes

DEALS = "/apps/sales_management/opportunity"


def heads(page: str) -> list[tuple[str, str]]:
    """(address that toggles it, count) of each group's row."""
    found = re.findall(
        r'<tr class="group depth-\d"><th[^>]*><a href="([^"]+)".*?<span class="muted num">([^<]+)</span>',
        page,
    )
    return [(href.replace("&amp;", "&"), count) for href, count in found]


def test_groups_unfold_level_by_level_without_scripts(workspace: Workspace) -> None:
    browser = workspace.browser("admin")
    items = workspace.program("admin").get(f"{API}/opportunity", params={"limit": 500}).json()["items"]
    stages = ("prospecting", "engaging", "won", "lost")  # as the options stand in the definition
    page = browser.get(DEALS, params={"group-by": "stage,product"}).text
    top = heads(page)
    assert [count for _, count in top] == [str(sum(e["stage"] == s for e in items)) for s in stages]
    assert "<tr data-id" not in page
    page = browser.get(top[0][0]).text
    below = heads(page)
    first = [each for each in items if each["stage"] == stages[0]]
    assert len(below) == len(top) + len({each["product"] for each in first})
    page = browser.get(below[1][0]).text
    rows = page.count("<tr data-id")
    assert rows == int(below[1][1])
    total = sum(float(each["amount"]["amount"]) for each in first if each["amount"])
    assert f"¥{total:,.2f}" in page


def test_the_api_groups_the_same_way(workspace: Workspace) -> None:
    program = workspace.program("admin")
    found = program.get(f"{API}/opportunity/groups", params={"by": "stage", "sums": "amount"}).json()
    items = program.get(f"{API}/opportunity", params={"limit": 500}).json()["items"]
    for group in found["items"]:
        held = [each for each in items if each["stage"] == group["key"]]
        total = sum(float(each["amount"]["amount"]) for each in held if each["amount"])
        assert (group["count"], float(group["sums"]["amount"]["CNY"])) == (len(held), total)
    filtered = {"by": "stage", "filter": json.dumps({"==": [{"var": "stage"}, "won"]})}
    assert [
        each["key"] for each in program.get(f"{API}/opportunity/groups", params=filtered).json()["items"]
    ] == ["won"]


def test_t05_a_hidden_field_groups_nothing(workspace: Workspace) -> None:
    rep = workspace.program("rep")
    for name in ("revenue", "misspelt"):
        answer = rep.get(f"{API}/account/groups", params={"by": "sector", "sums": name})
        assert codes(answer) == ["query.unknown_field"]
        page = workspace.browser("rep").get("/apps/sales_management/account", params={"group-by": name}).text
        assert 'class="group' not in page.replace("group-menu", "")
        assert "<tr data-id" in page
