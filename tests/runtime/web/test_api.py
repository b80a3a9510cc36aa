"""The JSON API as programs use it: versions, retries, problems in words, description, try-outs."""

from __future__ import annotations

from typing import Any

import pytest

from dacheng.runtime.services import edit_labels
from tests.security.conftest import API, Workspace, codes


def test_a_record_lives_through_the_api(workspace: Workspace) -> None:
    program = workspace.program("rep")
    made = program.post(f"{API}/account", json={"name": "Aurora", "employees": 12})
    assert made.status_code == 201
    place = made.headers["location"]
    etag = made.headers["etag"]
    found = program.get(place)
    assert found.json()["name"] == "Aurora"
    assert found.json()["employees"] == 12
    assert program.get(place, headers={"if-none-match": found.headers["etag"]}).status_code == 304
    changed = program.patch(place, json={"name": "Aurora Ltd"}, headers={"if-match": etag})
    assert changed.json()["version"] == int(etag.strip('"')) + 1
    boss = workspace.program("admin")
    assert boss.delete(place, headers={"if-match": "*"}).status_code == 204
    assert boss.get(place).status_code == 404
    assert boss.post(f"{place}/restore").status_code == 200
    actions = [each["action"] for each in boss.get(f"{place}/history").json()["items"]]
    assert actions[:3] == ["restore", "delete", "update"]
    assert actions[-1] == "create"
    assert program.get(place).json()["name"] == "Aurora Ltd"


def test_a_change_names_its_version_and_a_stale_one_is_refused(workspace: Workspace) -> None:
    program = workspace.program("admin")
    account = workspace.some("account")
    place = f"{API}/account/{account['id']}"
    assert program.patch(place, json={"name": "x"}).status_code == 428
    assert program.patch(place, json={"name": "x"}, headers={"if-match": "x"}).status_code == 400
    first = {"if-match": f'"{account["version"]}"'}
    assert program.patch(place, json={"name": "First"}, headers=first).status_code == 200
    stale = program.patch(place, json={"name": "Second"}, headers=first)
    assert stale.status_code == 412
    assert codes(stale)[0] == "web.precondition_failed"
    assert program.get(place).json()["name"] == "First"


def test_a_create_sent_twice_with_one_key_makes_one_record(workspace: Workspace) -> None:
    program = workspace.program("rep")
    send: dict[str, Any] = {"json": {"name": "Once"}, "headers": {"idempotency-key": "k-1"}}
    first, second = (program.post(f"{API}/account", **send) for _ in range(2))
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    other = program.post(f"{API}/account", json={"name": "Else"}, headers={"idempotency-key": "k-1"})
    assert other.status_code in (409, 422)
    found = program.get(f"{API}/account", params={"name": "Once"}).json()["items"]
    assert len(found) == 1


def test_pages_follow_one_another_without_gap_or_repeat(workspace: Workspace) -> None:
    program = workspace.program("admin")
    everything = program.get(f"{API}/opportunity", params={"limit": 500, "sort": "-created_at,id"}).json()[
        "items"
    ]
    seen: list[str] = []
    cursor = None
    while True:
        params = {"limit": "7", "sort": "-created_at,id", "fields": "id"} | (
            {"cursor": cursor} if cursor else {}
        )
        page = program.get(f"{API}/opportunity", params=params).json()
        assert all(set(item) == {"id"} for item in page["items"])
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == [item["id"] for item in everything]
    counted = program.get(f"{API}/opportunity", params={"count": "true", "limit": "1"}).json()
    assert counted["count"] == len(everything)


def test_problems_speak_the_language_asked_for(workspace: Workspace) -> None:
    program = workspace.program("admin")
    for language, mark in (("en", "needed"), ("zh-CN,zh;q=0.9", "必")):
        answer = program.post(f"{API}/account", json={}, headers={"accept-language": language})
        assert answer.status_code == 422
        body = answer.json()
        assert body["status"] == 422
        assert body["problems"][0]["pointer"] == "/name"
        assert {"type", "title", "status", "detail", "problems"} <= set(body)
        assert body["problems"][0]["message"], mark


def test_the_description_is_the_actors_own_and_follows_a_renamed_term(workspace: Workspace) -> None:
    program = workspace.program("rep")
    found = program.get("/api/v1/openapi.json").json()
    assert found["openapi"].startswith("3.1")
    account = found["components"]["schemas"]["sales_management.account"]
    assert "revenue" not in account["properties"]
    admin = workspace.program("admin").get("/api/v1/openapi.json").json()
    assert "revenue" in admin["components"]["schemas"]["sales_management.account"]["properties"]
    host = workspace.host
    before = program.get("/api/v1/openapi.json").text
    edit_labels.set_term(host, host.work(), "sales_management", "zh-CN", "customer", {"one": "车主"})
    after = program.get("/api/v1/openapi.json").text
    assert "车主" in after
    assert "车主" not in before


def test_every_reference_of_the_description_leads_somewhere(workspace: Workspace) -> None:
    found = workspace.program("admin").get("/api/v1/openapi.json").json()

    def references(node: Any) -> list[str]:
        if isinstance(node, dict):
            own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
            return own + [each for value in node.values() for each in references(value)]
        return [each for value in node for each in references(value)] if isinstance(node, list) else []

    named = set(references(found))
    assert named
    for reference in named:
        here: Any = found
        for step in reference.removeprefix("#/").split("/"):
            here = here[step]
        assert isinstance(here, dict), reference


TRIED: list[tuple[dict[str, Any], Any]] = [
    ({"expression": {"+": [0.1, 0.2]}}, 0.3),
    ({"expression": {"var": "a"}, "record": {"a": "x"}}, "x"),
    ({"expression": {"==": [{"var": "a"}, None]}, "record": {"a": None}}, True),
    ({"expression": {"var": "a"}, "record": {}, "types": {"a": "number"}}, None),
    ({"expression": {"+": [{"var": "m.amount"}, 1]}, "record": {"m": {"amount": "1.50", "currency": "CNY"}}, "types": {"m": {"amount": "number", "currency": "text"}}}, 2.5),
    ({"expression": {"add_days": [{"var": "d"}, 1]}, "record": {"d": "2026-01-31"}, "types": {"d": "date"}}, "2026-02-01"),
    ({"expression": {"now": []}, "now": "2026-01-31T08:00:00Z"}, "2026-01-31T08:00:00.000Z"),
    ({"expression": {"some": [{"var": "lines"}, {">": [{"var": "n"}, 2]}]}, "record": {"lines": [{"n": 1}, {"n": 3}]}}, True),
]  # fmt: skip


@pytest.mark.parametrize(("body", "value"), TRIED)
def test_an_expression_is_tried_on_a_record_given(
    workspace: Workspace, body: dict[str, Any], value: Any
) -> None:
    answer = workspace.program("member").post("/api/v1/try/expression", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"value": value}


@pytest.mark.parametrize(
    "body",
    [
        {"expression": {"frobnicate": [1]}},
        {"expression": {"+": [1, "x"]}},
        {"expression": {"var": "nothing"}},
        {"expression": {"var": "a"}, "record": {"a": "x"}, "types": {"a": "number"}},
        {"expression": {"now": []}, "now": "yesterday"},
        {"record": {}},
        {"expression": 1, "more": 1},
    ],
)
def test_an_expression_that_is_wrong_is_refused_with_problems(
    workspace: Workspace, body: dict[str, Any]
) -> None:
    answer = workspace.program("member").post("/api/v1/try/expression", json=body)
    assert answer.status_code == 422
    assert codes(answer)


def test_a_measure_gives_figures_that_lead_to_their_records(workspace: Workspace) -> None:
    program = workspace.program("admin")
    total = program.get("/api/v1/measures/sales_management/won_count").json()["groups"][0]["value"]
    won = program.get(f"{API}/opportunity", params={"count": "true", "stage": "won"}).json()["count"]
    assert total == won > 0
    assert program.get("/api/v1/measures/sales_management/nothing").status_code == 404
