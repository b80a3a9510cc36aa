"""Store Sales over HTTP: the inspector's form starts with its checks, and a guide's navigation leads where they may go."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from dacheng.runtime.web.app import build_app
from tests.runtime.services.chain import APP, Chain, open_chain
from tests.runtime.workspace import PASSWORD, add, workspace

OWN = {"sec-fetch-site": "same-origin"}
PAGES = f"/apps/{APP}"


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Chain]:
    with workspace(tmp_path / "data", sales=True) as host:
        yield open_chain(host)


def signed_in(chain: Chain, role: str, department: str) -> TestClient:
    """A browser of somebody with this role and department."""
    add(chain.host, f"{role}@example.com", f"{APP}.{role}", values={"department": chain.ids[department]})
    client = TestClient(build_app(chain.host), follow_redirects=False)
    sent = {"email": f"{role}@example.com", "password": PASSWORD, "next": "/"}
    assert client.post("/sign-in", data=sent, headers=OWN).status_code == 303
    client.headers.update(OWN)
    return client


def inputs(page: str) -> dict[str, str]:
    """What the form's plain inputs and selects of lines hold, by name."""
    tags = [tag for tag in re.findall(r"<input[^>]*>", page) if "radio" not in tag or " checked" in tag]
    plain = re.findall(r'<input[^>]*name="([^"]+)"[^>]*?value="([^"]*)"', "".join(tags))
    found = {name: value for name, value in plain if "__row__" not in name}
    for name, body in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', page, re.DOTALL):
        picked = re.search(r'<option value="([^"]*)" selected', body)
        found[name] = picked[1] if picked and "__row__" not in name else ""
    return {name: value for name, value in found.items() if "__row__" not in name}


def test_an_inspection_starts_with_its_checks_and_keeps_their_weights(chain: Chain) -> None:
    browser = signed_in(chain, "inspector", "area")
    page = browser.get(f"{PAGES}/inspection/new").text
    held = inputs(page)
    assert held["lines.0.check"] == "sign_lit"
    assert held["lines.19.check"] == "follow_done"
    sent = {name: value for name, value in held.items() if name not in ("_add", "_remove")}
    sent |= {"store": chain.ids["jing"], "kind": "routine", "lines.0.result": "pass"}
    answer = browser.post(f"{PAGES}/inspection/new", data=sent)
    assert answer.status_code == 303, re.findall(r"#f-[^<]*<", answer.text)
    found = chain.read("inspector", "inspection", "id", "open_count", "weight_total", "earned_total")
    assert [(row["open_count"], row["weight_total"], row["earned_total"]) for row in found] == [
        (19, "100.0", "5.0")
    ]


def test_a_guides_navigation_leads_only_where_they_may_go(chain: Chain) -> None:
    browser = signed_in(chain, "guide", "jing.department")
    start = browser.get("/").text
    places = set(re.findall(r'href="(/apps/[^"?]+)"', start))
    assert {f"{PAGES}/order", f"{PAGES}/store_visit"} <= places
    assert [place for place in places if "sales_management" in place] == []
    for place in sorted(places):
        assert browser.get(place).status_code == 200, place
    for entity in ("order", "store_visit", "member", "trial", "follow_up", "home_call"):
        assert browser.get(f"{PAGES}/{entity}/new").status_code == 200, entity


def test_a_product_alone_makes_a_line_with_its_price(chain: Chain) -> None:
    browser = signed_in(chain, "guide", "jing.department")
    page = browser.get(f"{PAGES}/order/new").text
    day = re.search(r'data-field="day".*?data-for="([^"]+)" data-base="" data-with=""', page, re.DOTALL)
    assert day is not None
    offered = browser.get(f"{PAGES}/business_day/pick", params={"q": "", "for": day[1]}).json()["items"]
    assert [one["id"] for one in offered] == [chain.ids["jing.day"]]
    chain.change("jing.manager", "business_day", chain.ids["jing.day"], step="close", cash_counted="0")
    assert browser.get(f"{PAGES}/business_day/pick", params={"q": "", "for": day[1]}).json()["items"] == []
    chain.change("area", "business_day", chain.ids["jing.day"], step="reopen")
    sent = {**inputs(page), "day": chain.ids["jing.day"], "receipt_no": "R1", "kind": "sale"}
    sent |= {"lines.0.product": chain.ids["coat"], "wechat_paid": "899"}
    assert browser.post(f"{PAGES}/order/new", data=sent).status_code == 303
    (slip,) = chain.read("jing.guide", "order", "payable", "unpaid", "store")
    assert (slip["payable"]["amount"], slip["unpaid"]["amount"]) == ("899.00", "0.00")
    assert slip["store"] == chain.ids["jing"]
