"""Published forms: the link makes records through its form and opens nothing else (T14), texts stay texts (T22)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from dacheng.runtime.web.api.routes import API_ROUTES
from tests.security.conftest import API, OWN, Workspace

FORMS = "/api/v1/forms"
ENTITY = "sales_management.opportunity"
TERMS: dict[str, Any] = {"title": "预约试听", "fields": ["name", "note"], "wait": 0}


def publish(workspace: Workspace, **terms: Any) -> dict[str, Any]:
    answer = workspace.program("admin").post(FORMS, json={"entity": ENTITY, **TERMS, **terms})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def hidden_inputs(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(_\w+)" value="([^"]*)"', page))


def fill(visitor: TestClient, link: str, values: dict[str, str], query: str = "") -> Any:
    page = visitor.get(link + query)
    assert page.status_code == 200
    return visitor.post(link, data={**hidden_inputs(page.text), **values}, headers=OWN)


def named(workspace: Workspace, name: str) -> list[dict[str, Any]]:
    found = workspace.program("admin").get(f"{API}/opportunity", params={"q": name}).json()["items"]
    return [each for each in found if each["name"] == name]


def test_a_visitor_makes_one_record_owned_by_the_publisher_with_consent_and_tracked_id(
    workspace: Workspace,
) -> None:
    made = publish(workspace, consent="同意我们联系您", tracked="note", fields=["name"], success="已收到")
    visitor = workspace.nobody()
    refused = fill(visitor, made["link"], {"name": "访客甲"})
    assert refused.status_code == 422
    assert 'aria-invalid="true"' in refused.text
    sent = fill(visitor, made["link"], {"name": "访客甲", "_consent": "1"}, "?t=spring-7")
    assert sent.status_code == 303
    assert "已收到" in visitor.get(sent.headers["location"]).text
    (record,) = named(workspace, "访客甲")
    assert record["owner"] == workspace.ids["admin"]
    shown = workspace.program("admin").get(f"{FORMS}/{made['id']}").json()
    assert shown["count"] == 1
    (one,) = shown["submissions"]
    assert (one["record"], one["tracked"], one["consent"]) == (record["id"], "spring-7", "同意我们联系您")
    full = workspace.program("admin").get(f"{API}/opportunity/{record['id']}").json()
    assert full["note"] == "spring-7"


def test_the_same_form_sent_twice_makes_one_record(workspace: Workspace) -> None:
    made, visitor = publish(workspace), workspace.nobody()
    inputs = {**hidden_inputs(visitor.get(made["link"]).text), "name": "只此一条"}
    for _ in range(2):
        assert visitor.post(made["link"], data=inputs, headers=OWN).status_code == 303
    assert len(named(workspace, "只此一条")) == 1
    assert workspace.program("admin").get(f"{FORMS}/{made['id']}").json()["count"] == 1


def test_a_field_left_out_of_the_form_answers_like_a_misspelt_one(workspace: Workspace) -> None:
    made, visitor = publish(workspace), workspace.nobody()
    answers = [
        fill(visitor, made["link"], {"name": "甲", each: "1"}) for each in ("amount", "amuont", "owner")
    ]
    shown = [
        (each.status_code, re.sub(r"amount|amuont|owner|[0-9a-f]{16}", "", each.text)) for each in answers
    ]
    assert shown[0] == shown[1] == shown[2]
    assert shown[0][0] == 400
    assert not named(workspace, "甲")


def test_t14_a_share_token_opens_nothing_of_the_api(workspace: Workspace) -> None:
    token = publish(workspace)["link"].removeprefix("/f/")
    nobody, holder = workspace.nobody(), workspace.nobody()
    holder.headers["authorization"] = f"Bearer {token}"
    holder.cookies.set("dacheng_session", token)
    seen = set()
    for route in API_ROUTES:
        path = re.sub(r"\{\w+(:path)?\}", "account", route.path.replace("{app}", "sales_management"))
        for method in route.methods:
            body: dict[str, Any] | None = {} if method not in ("GET", "DELETE") else None
            plain = nobody.request(method, path, json=body, headers=OWN)
            asked = holder.request(method, path, json=body, params={"t": token, "token": token}, headers=OWN)
            assert asked.status_code == plain.status_code, path
            seen.add(plain.status_code)
    assert seen == {401}


def test_t14_a_form_switched_off_answers_as_one_that_never_was(workspace: Workspace) -> None:
    made, visitor = publish(workspace), workspace.nobody()
    page = visitor.get(made["link"])
    off = workspace.program("admin").patch(f"{FORMS}/{made['id']}", json={"enabled": False})
    assert off.json()["enabled"] is False
    unknown = visitor.get("/f/never-was")
    gone = visitor.get(made["link"])
    assert (gone.status_code, unknown.status_code) == (404, 404)
    sent = visitor.post(made["link"], data={**hidden_inputs(page.text), "name": "晚了"}, headers=OWN)
    assert sent.status_code == 404
    assert not named(workspace, "晚了")


def test_only_administrators_publish_and_only_what_tells_strangers_nothing(workspace: Workspace) -> None:
    body = {"entity": ENTITY, **TERMS}
    for who in ("manager", "rep", "member"):
        assert workspace.program(who).post(FORMS, json=body).status_code == 403
    admin = workspace.program("admin")
    wrong = admin.post(FORMS, json={**body, "fields": ["name", "owner", "misspelt"]})
    assert [each["code"] for each in wrong.json()["problems"]] == ["publication.unknown_field"] * 2
    missing = admin.post(FORMS, json={**body, "entity": "sales_management.account", "fields": ["sector"]})
    assert "publication.field_needed" in missing.text
    unique = admin.post(FORMS, json={**body, "entity": "sales_management.account", "fields": ["name"]})
    assert "publication.unknown_field" in unique.text
    assert "publication.not_tracked" in admin.post(FORMS, json={**body, "tracked": "source_note"}).text
    assert admin.post(FORMS, json={**body, "entity": "core.user"}).status_code == 422
    assert admin.post(FORMS, json={**body, "origins": ["https://a.com/x"]}).status_code == 422


def test_what_is_sent_too_fast_or_too_often_or_by_a_program_makes_nothing(workspace: Workspace) -> None:
    slow = publish(workspace, wait=60)
    visitor = workspace.nobody()
    assert fill(visitor, slow["link"], {"name": "太快"}).status_code == 429
    made = publish(workspace, per_hour=2)
    assert fill(visitor, made["link"], {"name": "蜜罐", "website": "http://spam"}).status_code == 303
    stale = visitor.post(made["link"], data={"name": "无戳", "_at": "1.abc"}, headers=OWN)
    assert stale.status_code == 429
    assert fill(visitor, made["link"], {"name": "太多"}).status_code == 429
    for name in ("太快", "蜜罐", "无戳", "太多"):
        assert not named(workspace, name)


def test_only_the_sites_listed_may_frame_a_published_form(workspace: Workspace) -> None:
    visitor = workspace.nobody()
    closed = visitor.get(publish(workspace)["link"])
    assert "frame-ancestors 'self';" in closed.headers["content-security-policy"]
    opened = visitor.get(publish(workspace, origins=["https://www.example.com"])["link"])
    policy = opened.headers.get_list("content-security-policy")
    assert len(policy) == 1
    assert "frame-ancestors 'self' https://www.example.com;" in policy[0]
    assert "x-frame-options" not in opened.headers
    assert "frame-ancestors 'none'" in visitor.get("/sign-in").headers["content-security-policy"]


@pytest.mark.parametrize(
    "payload", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{98765*98765}}"]
)
def test_t22_words_of_publisher_and_visitor_stay_words(workspace: Workspace, payload: str) -> None:
    made = publish(workspace, title=payload, intro=payload, consent=payload, success=payload)
    visitor = workspace.nobody()
    page = visitor.get(made["link"], params={"t": payload}).text
    again = fill(visitor, made["link"], {"name": payload}).text
    sent = fill(visitor, made["link"], {"name": payload, "_consent": "1"}, "")
    done = visitor.get(sent.headers["location"]).text
    admin = workspace.browser("admin").get(f"/forms/{made['id']}").text
    for text in (page, again, done, admin):
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert str(98765 * 98765) not in text


def test_what_strangers_cannot_give_whole_is_not_offered_and_needs_are_told_by_label(
    workspace: Workspace,
) -> None:
    admin, customer = workspace.browser("admin"), "sales_management.account"
    choice = admin.get("/forms").text
    assert f'value="{customer}"' not in choice
    assert f'value="{ENTITY}"' in choice
    builder = admin.get("/forms/new", params={"entity": "sales_management.lead"}).text
    assert 'name="field" value="source"' in builder
    assert not re.search(r'name="field" value="(invalid_reason|invalid_note|return_note)"', builder)
    body = {"entity": customer, "title": "登记", "field": "sector"}
    told = admin.post("/forms/new", data=body, headers={**OWN, "accept-language": "zh-CN"})
    assert told.status_code == 422
    assert "客户名称" in told.text
    assert "name 为必填" not in told.text


def test_browsers_find_the_icon_at_the_address_they_ask_for(workspace: Workspace) -> None:
    assert workspace.nobody().get("/favicon.ico").headers["content-type"] == "image/svg+xml"
