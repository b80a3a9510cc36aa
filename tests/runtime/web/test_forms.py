"""Edit forms over HTTP: what is kept between requests is never somebody else's, and never of yesterday."""

from __future__ import annotations

import re

from starlette.testclient import TestClient

from tests.security.conftest import API, Workspace

PAGES = "/apps/sales_management"


def options(page: str, name: str) -> list[str]:
    """The titles a link's select offers."""
    found = re.search(rf'<select class="in" name="{name}".*?</select>', page, re.DOTALL)
    assert found is not None
    return re.findall(r"<option[^>]*>([^<]*)</option>", found[0])


def chosen(page: str, name: str) -> list[str]:
    """The values selected in a select."""
    found = re.search(rf'<select class="in" name="{name}".*?</select>', page, re.DOTALL)
    assert found is not None
    return re.findall(r'<option value="([^"]*)" selected>', found[0])


def form(browser: TestClient, record: str) -> str:
    answer = browser.get(f"{PAGES}/opportunity/{record}/edit")
    assert answer.status_code == 200
    return answer.text


def test_choices_follow_every_change_of_the_records_to_choose_from(workspace: Workspace) -> None:
    browser, program = workspace.browser("admin"), workspace.program("admin")
    record = workspace.some("opportunity")["id"]
    assert "0 New among them" not in options(form(browser, record), "account")
    made = program.post(f"{API}/account", json={"name": "0 New among them"})
    assert "0 New among them" in options(form(browser, record), "account")
    place = f"{API}/account/{made.json()['id']}"
    program.patch(place, json={"name": "0 Renamed"}, headers={"if-match": "*"})
    assert "0 Renamed" in options(form(browser, record), "account")
    program.delete(place, headers={"if-match": "*"})
    assert "0 Renamed" not in options(form(browser, record), "account")


def test_one_form_after_another_shows_each_record_with_its_own_values(workspace: Workspace) -> None:
    browser = workspace.browser("admin")
    items = workspace.program("admin").get(f"{API}/opportunity", params={"limit": 6}).json()["items"]
    for one in (*items, *items):
        page = form(browser, one["id"])
        assert f'action="{PAGES}/opportunity/{one["id"]}/edit"' in page
        assert f'name="_version" value="{one["version"]}"' in page
        assert chosen(page, "account") == [one["account"]]
        others = [other["id"] for other in items if other["id"] != one["id"]]
        assert not any(other in page for other in others)


def test_a_title_that_looks_like_html_stands_in_every_place_as_text(workspace: Workspace) -> None:
    browser, program = workspace.browser("admin"), workspace.program("admin")
    made = program.post(f"{API}/account", json={"name": "<b>\"&'</b>"}).json()["id"]
    for _ in range(2):
        page = browser.get(f"{PAGES}/account/{made}/edit").text
        assert "<b>" not in page
        assert "&lt;b&gt;&quot;&amp;&#x27;&lt;/b&gt;" in page


def test_two_hundred_lines_are_saved_at_once(workspace: Workspace) -> None:
    browser, program = workspace.browser("admin"), workspace.program("admin")
    product = workspace.some("product")["id"]
    lines = {
        f"lines.{row}.{name}": text
        for row in range(200)
        for name, text in (
            ("id", ""),
            ("product", product),
            ("quantity", "1"),
            ("amount", "1000.10"),
            ("amount.currency", "CNY"),
        )
    }
    sent = {"name": "两百行明细", "lines.sent": "200", **lines}
    answer = browser.post(f"{PAGES}/opportunity/new", data=sent, headers={"sec-fetch-site": "same-origin"})
    assert answer.status_code == 303
    record = program.get(f"{API}/opportunity/{answer.headers['location'].rsplit('/', 1)[1]}").json()
    assert len(record["lines"]) == 200
    assert record["lines_total"]["amount"] == "200020.00"
