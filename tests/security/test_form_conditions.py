"""What a form demands, the API demands too; and a field hidden from a role is nowhere but a misspelt name."""

from __future__ import annotations

import re
from typing import Any

import pytest
from httpx2 import Response

from tests.security.conftest import API, Workspace

HIDDEN, MISSPELT = "revenue", "revenew"  # `revenue` of accounts is hidden from sales representatives


def problems(answer: Response) -> dict[str, str]:
    return {each["pointer"]: each["code"] for each in answer.json()["problems"]}


def test_a_field_required_by_a_condition_is_refused_by_the_api_and_never_asked_for_while_hidden(
    workspace: Workspace,
) -> None:
    program = workspace.program("rep")
    asked = program.post(f"{API}/opportunity", json={"name": "条件必填", "source": "other"})
    assert (asked.status_code, problems(asked)) == (422, {"/source_note": "record.required"})
    other = next(
        each
        for each in ("website", "referral", "exhibition", "ads", "partner", "cold_call")
        if program.post(f"{API}/opportunity", json={"name": each, "source": each}).status_code == 201
    )
    made = program.post(f"{API}/opportunity", json={"name": "不问", "source": other, "source_note": "多余"})
    assert made.status_code == 201
    place = f"{API}/opportunity/{made.json()['id']}"
    assert program.get(place).json()["source_note"] is None
    changed = program.patch(place, json={"source": "other"}, headers={"if-match": "*"})
    assert problems(changed) == {"/source_note": "record.required"}
    both = program.patch(place, json={"source": "other", "source_note": "展会"}, headers={"if-match": "*"})
    assert both.status_code == 200


def plain(answer: Response, *names: str) -> tuple[int, str]:
    """Status and body without the names asked for and the number of the request."""
    text = answer.text
    for name in names:
        text = text.replace(name, "NAME")
    return answer.status_code, re.sub(r"[0-9a-f]{16}", "", text)


@pytest.mark.parametrize("ask", ["filter", "sort", "create", "change", "group"])
def test_t06_a_field_hidden_from_a_role_answers_like_a_misspelt_name(workspace: Workspace, ask: str) -> None:
    program = workspace.program("rep")
    record = workspace.some("account")["id"]

    def answer(name: str) -> Response:
        body: dict[str, Any] = {name: 1}
        match ask:
            case "filter":
                return program.get(f"{API}/account", params={"filter": f'{{">":[{{"var":"{name}"}},1]}}'})
            case "sort":
                return program.get(f"{API}/account", params={"sort": name})
            case "create":
                return program.post(f"{API}/account", json={"name": "新", **body})
            case "change":
                return program.patch(f"{API}/account/{record}", json=body, headers={"if-match": "*"})
        return program.get(f"{API}/account", params={"fields": name})

    found = [plain(answer(name), name) for name in (HIDDEN, MISSPELT)]
    assert found[0] == found[1]
    assert found[0][0] >= 400


def test_t06_forms_records_pick_lists_and_history_do_not_know_a_hidden_field(workspace: Workspace) -> None:
    admin, rep = workspace.program("admin"), workspace.browser("rep")
    made = admin.post(
        f"{API}/account", json={"name": "隐藏字段客户", HIDDEN: {"amount": "98765", "currency": "CNY"}}
    )
    assert made.status_code == 201, made.text
    record = made.json()["id"]
    admin.patch(
        f"{API}/account/{record}",
        json={HIDDEN: {"amount": "43210", "currency": "CNY"}},
        headers={"if-match": "*"},
    )
    pages = "/apps/sales_management/account"
    label = "年营收（百万元）"
    seen = workspace.browser("admin").get(f"{pages}/{record}").text
    assert label in seen
    assert "43,210" in seen
    for place in (
        f"{pages}/new",
        f"{pages}/{record}",
        f"{pages}/{record}/edit",
        pages,
        f"{pages}/pick?q=98765",
    ):
        text = rep.get(place).text
        assert HIDDEN not in text, place
        assert "98765" not in text.replace("q=98765", "")
        assert "43,210" not in text
        assert label not in text
    history = workspace.program("rep").get(f"{API}/account/{record}/history")
    assert HIDDEN not in history.text
