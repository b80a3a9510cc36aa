"""Boards over HTTP: columns with counts and sums, cards moved along the workflow, refused ones with the reason."""

from __future__ import annotations

import re

import pytest

from dacheng.runtime.services import board
from tests.security.conftest import API, Workspace, codes

DEALS = "/apps/sales_management/opportunity"
JSON = {"accept": "application/json"}


def heads(page: str) -> dict[str, tuple[str, str]]:
    """Option → (count, sum) of each column."""
    found = {}
    for head in re.findall(r'<header class="board-head" id="head-(\w+)">(.*?)</header>', page, re.DOTALL):
        figures = re.findall(r'<span class="num[^"]*">([^<]*)</span>', head[1])
        found[head[0]] = (figures[0], figures[1] if len(figures) > 1 else "")
    return found


def cards(page: str, option: str) -> list[str]:
    inside = page[page.index(f'id="cards-{option}"') :]
    return re.findall(r'data-id="([0-9a-f-]+)"', inside[: inside.index("</ul>")])


def test_columns_count_and_add_up_what_one_may_see(workspace: Workspace) -> None:
    page = workspace.browser("admin").get(DEALS, params={"show-as": "board"}).text
    items = workspace.program("admin").get(f"{API}/opportunity", params={"limit": 500}).json()["items"]
    shown = heads(page)
    for stage in ("prospecting", "engaging", "won", "lost"):
        held = [each for each in items if each["stage"] == stage]
        total = sum(float(each["amount"]["amount"]) for each in held if each["amount"])
        assert shown[stage] == (str(len(held)), f"¥{total:,.2f}" if total else "")
        assert set(cards(page, stage)) <= {each["id"] for each in held}


def test_t05_a_column_counts_only_rows_within_reach(workspace: Workspace) -> None:
    page = workspace.browser("other").get(DEALS, params={"show-as": "board"}).text
    assert {count for count, _ in heads(page).values()} == {"0"}


def test_a_full_column_says_more_than_and_pages_by_key(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board, "CARDS", 2)
    monkeypatch.setattr(board, "COUNT_CAP", 3)
    browser = workspace.browser("admin")
    page = browser.get(DEALS, params={"show-as": "board"}).text
    first = cards(page, "won")
    assert len(first) == 2
    more = re.search(r'id="more-won"><a class="[^"]+" href="([^"]+)"', page)
    assert more is not None
    page = browser.get(more[1].replace("&amp;", "&")).text
    second = cards(page, "won")
    assert len(second) == 2
    assert not set(first) & set(second)
    assert len(cards(page, "engaging")) == 2


def test_a_card_without_its_key_fields_goes_back_with_the_reason(workspace: Workspace) -> None:
    rep, program = workspace.browser("rep"), workspace.program("rep")
    made = program.post(f"{API}/opportunity", json={"name": "缺字段"}).json()
    sent = {"field": "stage", "value": "engaging", "version": str(made["version"])}
    answer = rep.post(f"{DEALS}/{made['id']}/place", data=sent, headers=JSON)
    assert answer.status_code == 422
    assert answer.json() == {"reason": "请先填写“开始跟进日期”。", "record": f"{DEALS}/{made['id']}"}
    nowhere = rep.post(f"{DEALS}/{made['id']}/place", data={**sent, "value": "won"}, headers=JSON)
    assert nowhere.json()["reason"] == "从当前状态不能直接移到那里。"
    plain = rep.post(f"{DEALS}/{made['id']}/place", data={**sent, "state": f"{DEALS}?show-as=board"})
    assert (plain.status_code, plain.headers["location"]) == (303, f"{DEALS}?show-as=board")
    assert "未移动。请先填写" in rep.get(plain.headers["location"]).text
    assert program.get(f"{API}/opportunity/{made['id']}").json()["stage"] == "prospecting"


def test_a_card_moves_and_moves_back(workspace: Workspace) -> None:
    rep, program = workspace.browser("rep"), workspace.program("rep")
    account = program.post(f"{API}/account", json={"name": "看板客户", "sector": "retail"}).json()
    path = f"/apps/sales_management/account/{account['id']}/place"
    sent = {"field": "sector", "value": "technology", "version": str(account["version"])}
    answer = rep.post(path, data=sent, headers=JSON)
    assert answer.status_code == 200, answer.text
    stale = rep.post(path, data={**sent, "value": "finance"}, headers=JSON)
    assert stale.status_code == 409
    back = rep.post(answer.json()["undo"])
    assert back.status_code == 303
    assert program.get(f"{API}/account/{account['id']}").json()["sector"] == "retail"


def test_the_api_moves_a_record_the_same_way(workspace: Workspace) -> None:
    program = workspace.program("rep")
    made = program.post(f"{API}/opportunity", json={"name": "接口", "engaged_on": "2026-01-02"}).json()
    path = f"{API}/opportunity/{made['id']}/place"
    body = {"field": "stage", "value": "engaging"}
    assert codes(program.post(path, json=body)) == ["web.precondition_missing"]
    tag = f'"{made["version"]}"'
    moved = program.post(path, json=body, headers={"if-match": tag})
    assert moved.status_code == 200, moved.text
    assert codes(program.post(path, json={**body, "value": "won"}, headers={"if-match": tag}))[0] in (
        "web.precondition_failed",
        "workflow.required",
    )


@pytest.mark.parametrize("field", ["revenue", "misspelt"])
def test_t04_a_hidden_field_carries_no_board_and_no_move(workspace: Workspace, field: str) -> None:
    rep, program = workspace.browser("rep"), workspace.program("rep")
    account = workspace.some("account", "rep")
    answer = program.post(
        f"{API}/account/{account['id']}/place", json={"field": field, "value": "1"}, headers={"if-match": "*"}
    )
    assert (answer.status_code, codes(answer)) == (422, ["query.unknown_field"])
    page = rep.get("/apps/sales_management/account", params={"show-as": "board", "show-on": field}).text
    assert 'data-board="holding"' in page


def test_records_of_others_cannot_be_moved(workspace: Workspace) -> None:
    deal = workspace.some("opportunity", "admin", stage="engaging")
    answer = workspace.browser("other").post(
        f"{DEALS}/{deal['id']}/place", data={"field": "stage", "value": "won"}, headers=JSON
    )
    assert answer.status_code == 404
