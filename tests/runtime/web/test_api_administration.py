"""Whatever a page does, the API can do: words, apps, people, own access, imports; and who may not."""

from __future__ import annotations

import time
from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from dacheng.runtime.web.api.administration import OPERATIONS
from dacheng.runtime.web.routing import BUILDER
from tests.security.conftest import API, PASSWORD, Workspace, codes

V1 = "/api/v1"
CSV = {"content-type": "text/csv"}
WORDS = f"{V1}/labels/sales_management/zh-CN"
PLACES = {
    "app": "sales_management",
    "entity": "account",
    "view": "accounts",
    "cause": "bulk:0",
    "merge": "0" * 32,
    "locale": "en",
    "term": "customer",
    "slot": "app",
    "role": "core.admin",
    "key": "0" * 64,
    "id": "0" * 32,
    "comment": "0" * 32,
    "attachment": "0" * 32,
    "user": "0" * 32,
}


def call(client: TestClient, method: str, path: str, **sent: Any) -> Response:
    return client.request(method, path.format(**PLACES), **sent)


def finished(program: TestClient, started: Response) -> dict[str, Any]:
    """The job that an answer announced, when it has come to its end."""
    assert started.status_code == 202, started.text
    for _ in range(600):
        job: dict[str, Any] = program.get(started.headers["location"]).json()
        if job["state"] != "running":
            return job
        time.sleep(0.05)
    raise AssertionError("the job does not end")


# ---------------------------------------------------------------- who may
def test_nobody_reaches_an_operation_without_signing_in(workspace: Workspace) -> None:
    nobody = workspace.nobody()
    before = workspace.checksum()
    for each in OPERATIONS:
        answer = call(nobody, each.method, each.path)
        assert (answer.status_code, codes(answer)) == (401, ["account.sign_in_needed"]), each.path
    assert workspace.checksum() == before


def test_a_member_is_refused_what_only_builders_do(workspace: Workspace) -> None:
    before = workspace.checksum()
    for who in ("member", "manager"):
        program = workspace.program(who)
        for each in OPERATIONS:
            if each.permission == BUILDER:
                answer = call(program, each.method, each.path)
                assert (answer.status_code, codes(answer)) == (403, ["access.not_permitted"]), each.path
        described = program.get(f"{V1}/openapi.json").json()["paths"]
        hidden = {each.path for each in OPERATIONS if each.permission == BUILDER}
        assert not hidden & described.keys()
    assert workspace.checksum() == before


def test_the_description_holds_every_operation_for_builders_in_both_languages(workspace: Workspace) -> None:
    admin = workspace.program("admin")
    for language in ("en", "zh-CN"):
        paths = admin.get(f"{V1}/openapi.json", headers={"accept-language": language}).json()["paths"]
        for each in OPERATIONS:
            found = paths[each.path][each.method.lower()]
            assert str(each.status) in found["responses"]
            assert ("requestBody" in found) == (
                each.file or bool(each.parts) or bool(each.body.schema["properties"])
            )


def test_a_body_or_parameter_nobody_asked_for_is_refused(workspace: Workspace) -> None:
    program, before = workspace.program("admin"), workspace.checksum()
    for each in OPERATIONS:
        surprise = call(program, each.method, each.path + "?surprise=1")
        assert codes(surprise) == ["web.unknown_parameter"], each.path
        if each.method == "GET" or each.file:
            continue
        surprises: tuple[Any, ...] = ({"surprise": 1}, {"surprise": 1.5}, [])
        for body in surprises:
            answer = call(program, each.method, each.path, json=body)
            meant = {"web.media_type"} if each.parts else {"web.body_unknown_key", "web.bad_body"}
            assert meant & {*codes(answer)}, each.path
        if each.parts:
            continue  # any body of another type is refused unread
        too_much = call(program, each.method, each.path, json={"surprise": "x" * 1_100_000})
        assert codes(too_much) == ["web.too_large"], each.path
        strange = call(program, each.method, each.path, content=b"\x00\xff", headers=CSV)
        assert codes(strange) == ["web.media_type"], each.path
    assert workspace.checksum() == before


# ---------------------------------------------------------------- words
def test_words_are_listed_set_and_given_back(workspace: Workspace) -> None:
    admin, rep = workspace.program("admin"), workspace.program("rep")
    page = admin.get(WORDS).json()
    term = next(each for each in page["terms"] if each["term"] == "customer")
    assert term["forms"]["one"] == "客户"
    assert not term["edited"]
    assert page["coverage"] == 1
    listed = {each["app"]: each["coverage"] for each in admin.get(f"{V1}/labels").json()["items"]}
    assert listed["sales_management"].keys() >= {"en", "zh-CN"}
    changed = admin.put(f"{WORDS}/terms/customer", json={"one": "车主"}).json()
    assert changed["edited"]
    assert changed["base"]["one"] == "客户"
    assert "entity:account" in changed["used_in"]
    assert "车主" in rep.get(f"{V1}/openapi.json").text
    texts = {each["slot"]: each["text"] for each in admin.get(WORDS).json()["texts"]}
    assert texts["entity:account"] == "车主"
    assert admin.delete(f"{WORDS}/terms/customer").json()["forms"]["one"] == "客户"
    worded = admin.put(f"{WORDS}/texts/entity:product", json={"text": "货品"}).json()
    assert (worded["text"], worded["owner"], worded["edited"]) == ("货品", "workspace", True)
    assert admin.delete(f"{WORDS}/texts/entity:product").json() == next(
        each for each in page["texts"] if each["slot"] == "entity:product"
    )


@pytest.mark.parametrize(
    ("place", "body", "code"),
    [
        ("terms/customer", {}, "web.form_incomplete"),
        ("terms/customer", {"one": ""}, "web.form_incomplete"),
        ("terms/customer", {"one": "x" * 501}, "value.too_long"),
        ("terms/customer", {"one": 1.5}, "web.body_schema"),
        ("terms/nothing", {"one": "x"}, "label.unknown_term"),
        ("texts/nothing", {"text": "x"}, "label.unknown_slot"),
        ("texts/entity:account", {"text": "a\x00b"}, "value.bad_character"),
        ("texts/entity:account", {"text": "{term:nothing}"}, "label.no_term"),
        ("texts/entity:account", {"text": "{broken"}, "label.bad_reference"),
    ],
)
def test_words_that_do_not_fit_change_nothing(
    workspace: Workspace, place: str, body: dict[str, Any], code: str
) -> None:
    admin, before = workspace.program("admin"), workspace.checksum()
    assert code in codes(admin.put(f"{WORDS}/{place}", json=body))
    assert admin.get(f"{V1}/labels/nothing/en").status_code in (404, 422)
    assert workspace.checksum() == before


# ---------------------------------------------------------------- apps
def test_an_app_leaves_and_comes_back_as_jobs(workspace: Workspace) -> None:
    admin = workspace.program("admin")
    place = f"{V1}/marketplace/sales_management"
    offers = {each["app"]: each for each in admin.get(f"{V1}/marketplace").json()["items"]}
    assert offers["sales_management"]["installed"] == offers["sales_management"]["version"]
    assert codes(admin.post(f"{place}/uninstall", json={"consent": "yes"})) == ["web.consent_missing"]
    gone = finished(admin, admin.post(f"{place}/uninstall", json={"consent": "sales_management"}))
    assert (gone["state"], gone["result"]) == ("done", {"removed": 1})
    assert admin.get(f"{API}/account").status_code == 404
    plan = admin.get(place).json()["plan"]
    assert plan["replaces"] is None
    assert plan["problems"] == []
    back = finished(admin, admin.post(f"{place}/install", json={"sample": False}))
    assert back["state"] == "done"
    assert admin.get(f"{API}/account").status_code == 200


def test_a_job_that_is_refused_says_why_and_is_its_starters_alone(workspace: Workspace) -> None:
    admin = workspace.program("admin")
    started = admin.post(f"{V1}/marketplace/core/uninstall", json={"consent": "core"})
    job = finished(admin, started)
    assert job["state"] == "failed"
    assert [each["code"] for each in job["problems"]] == ["install.core_stays"]
    assert workspace.program("manager").get(started.headers["location"]).status_code == 404
    assert admin.post(f"{V1}/marketplace/nothing/install").status_code == 404


# ---------------------------------------------------------------- people
def test_people_are_added_given_roles_suspended_and_let_in_again(workspace: Workspace) -> None:
    admin = workspace.program("admin")
    new = {"email": "new@example.com", "name": "New Person", "roles": ["core.member"]}
    made = admin.post(f"{V1}/people", json=new)
    assert made.status_code == 201
    place = made.headers["location"]
    assert "/reset?token=" in made.json()["link"]
    assert codes(admin.post(f"{V1}/people", json=new)) == ["account.email_taken"]
    seller = "sales_management.sales_rep"
    assert admin.put(f"{place}/roles/{seller}").json()["roles"] == ["core.member", seller]
    assert admin.delete(f"{place}/roles/core.member").json()["roles"] == [seller]
    assert codes(admin.put(f"{place}/roles/core.nothing")) == ["account.unknown_role"]
    assert not admin.post(f"{place}/suspend").json()["active"]
    assert admin.post(f"{place}/reinstate").json()["active"]
    assert admin.post(f"{place}/invite").json()["link"] != made.json()["link"]
    shown = admin.get(place).json()
    assert shown in admin.get(f"{V1}/people").json()["items"]
    assert shown["name"] == "New Person"
    assert seller in {each["role"] for each in admin.get(f"{V1}/roles").json()["items"]}


def test_the_last_administrator_stays_one(workspace: Workspace) -> None:
    admin = workspace.program("admin")
    place = f"{V1}/people/{workspace.ids['admin']}"
    assert codes(admin.delete(f"{place}/roles/core.admin")) == ["account.last_admin"]
    assert codes(admin.post(f"{place}/suspend")) == ["account.last_admin"]
    assert admin.get(place).json()["active"]


def test_suspending_ends_tokens_at_once(workspace: Workspace) -> None:
    rep = workspace.program("rep")
    assert rep.get(f"{V1}/me").status_code == 200
    workspace.program("admin").post(f"{V1}/people/{workspace.ids['rep']}/suspend")
    assert rep.get(f"{V1}/me").status_code == 401


def test_the_workspaces_address_is_read_and_set(workspace: Workspace) -> None:
    admin = workspace.program("admin")
    assert admin.get(f"{V1}/workspace").json()["base_url"] == ""
    set_to = admin.patch(f"{V1}/workspace", json={"base_url": "https://crm.example.com"})
    assert set_to.json()["base_url"] == "https://crm.example.com"
    assert admin.patch(f"{V1}/workspace", json={"base_url": "crm"}).status_code == 422
    assert admin.get(f"{V1}/workspace").json()["base_url"] == "https://crm.example.com"


# ---------------------------------------------------------------- own access
def test_tokens_are_made_listed_and_ended_by_their_owner(workspace: Workspace) -> None:
    member, rep = workspace.program("member"), workspace.program("rep")
    value = member.post(f"{V1}/me/tokens", json={"name": "nightly"}).json()["token"]
    listed = member.get(f"{V1}/me/tokens")
    made = next(each for each in listed.json()["items"] if each["name"] == "nightly")
    assert value not in listed.text
    other = workspace.nobody()
    other.headers["authorization"] = f"Bearer {value}"
    assert other.get(f"{V1}/me").json()["name"] == "Member"
    assert codes(rep.delete(f"{V1}/me/tokens/{made['id']}")) == ["account.unknown_token"]
    assert member.delete(f"{V1}/me/tokens/{made['id']}").status_code == 204
    assert other.get(f"{V1}/me").status_code == 401
    assert codes(member.post(f"{V1}/me/tokens", json={"name": "  "})) == ["web.form_incomplete"]


def test_sessions_are_ended_by_their_owner_alone(workspace: Workspace) -> None:
    first, second, rep = workspace.browser("member"), workspace.browser("member"), workspace.program("rep")
    sessions = first.get(f"{V1}/me/sessions").json()["items"]
    assert [each["own"] for each in sessions].count(True) == 1
    foreign = next(each["key"] for each in sessions if not each["own"])
    assert rep.delete(f"{V1}/me/sessions/{foreign}").status_code == 404
    assert first.delete(f"{V1}/me/sessions/{foreign}").status_code == 204
    assert second.get(f"{V1}/me").status_code == 401
    assert first.delete(f"{V1}/me/sessions").json() == {"ended": 0}
    assert workspace.program("member").delete(f"{V1}/me/sessions").json() == {"ended": 1}
    assert first.get(f"{V1}/me").status_code == 401


def test_a_password_changes_for_who_knows_the_old_one(workspace: Workspace) -> None:
    program, browser = workspace.program("member"), workspace.browser("member")
    fresh = "another quite long phrase"
    wrong = program.post(f"{V1}/me/password", json={"old_password": "wrong", "password": fresh})
    assert codes(wrong) == ["account.old_password_wrong"]
    body = {"old_password": PASSWORD, "password": fresh}
    assert program.post(f"{V1}/me/password", json=body).status_code == 204
    assert browser.get(f"{V1}/me").status_code == 401
    assert program.get(f"{V1}/me/sessions").json()["items"] == []


# ---------------------------------------------------------------- files
def test_a_file_goes_in_and_out_again(workspace: Workspace) -> None:
    admin, rep = workspace.program("admin"), workspace.program("rep")
    content = b"name,employees\nNorth,5\nSouth,many\nEast,7\n"
    sent = admin.post(
        f"{V1}/imports/files?entity=sales_management.account&name=firms.csv", content=content, headers=CSV
    )
    assert sent.status_code == 201
    place = sent.headers["location"]
    assert sent.json()["header"] == ["name", "employees"]
    assert sent.json()["sample"][0] == ["North", "5"]
    assert admin.get(place).json() == sent.json()
    for method, what in (("GET", ""), ("DELETE", ""), ("POST", "/preview"), ("POST", "/start")):
        assert rep.request(method, place + what).status_code == 404
    mapping = {"mapping": sent.json()["mapping"], "encoding": "utf-8", "delimiter": ","}
    seen = admin.post(f"{place}/preview", json=mapping).json()
    assert (seen["rows"], seen["creates"], seen["failing"]) == (3, 2, 1)
    assert seen["problems"][0]["row"] == 3
    begun = admin.post(f"{place}/start", json=mapping)
    assert begun.status_code == 202
    run = begun.headers["location"]
    assert admin.get(place).status_code == 404
    done = ended(admin, run)
    assert (done["rows"], done["stored"], done["failed"], done["state"]) == (3, 2, 1, "done")
    assert "South,many" in admin.get(f"{run}/errors").text
    for method, what in (("GET", ""), ("GET", "/errors"), ("POST", "/undo"), ("POST", "/cancel")):
        assert codes(rep.request(method, run + what)) == ["import.unknown_run"]
    assert rep.get(f"{V1}/imports").json() == {"items": []}
    assert codes(admin.post(f"{run}/go-on")) == ["import.not_running"]
    found = admin.get(f"{API}/account", params={"name": "North"}).json()["items"]
    assert len(found) == 1
    assert finished(admin, admin.post(f"{run}/undo"))["result"] == {"reversed": 2, "kept": 0, "failed": 0}
    assert admin.get(run).json()["state"] == "undone"
    assert admin.get(f"{API}/account", params={"name": "North"}).json()["items"] == []


def ended(program: TestClient, run: str) -> dict[str, Any]:
    """The import when it runs no more."""
    for _ in range(600):
        found: dict[str, Any] = program.get(run).json()
        if found["state"] != "running":
            return found
        time.sleep(0.05)
    raise AssertionError("the import does not end")


def test_a_file_is_refused_that_may_not_or_cannot_go_in(workspace: Workspace) -> None:
    admin, member = workspace.program("admin"), workspace.program("member")
    place = f"{V1}/imports/files?entity=sales_management.account"
    assert codes(member.post(place, content=b"name\nx\n", headers=CSV)) == ["web.form_incomplete"]
    assert codes(admin.post(place, json={"name": "x"})) == ["web.media_type"]
    assert codes(admin.post(place, content=b"", headers=CSV)) == ["web.form_incomplete"]
    assert admin.post(place, content=b"\x81\x00\xff\xfe\n\xff", headers=CSV).status_code == 422
    wrong = admin.post(place, content=b"name\nx\n", headers=CSV).headers["location"]
    for mapping in (
        {"columns": {"name": {"column": "nothing"}}},
        {"columns": {"nothing": "name"}},
        {"x": 1.5},
    ):
        answer = admin.post(f"{wrong}/start", json={"mapping": mapping})
        assert answer.status_code == 422, answer.text
    assert admin.delete(wrong).status_code == 204
    assert admin.get(f"{V1}/imports").json() == {"items": []}


def test_a_number_in_a_mapping_is_stored_digit_for_digit(workspace: Workspace) -> None:
    admin = workspace.program("admin")
    place = f"{V1}/imports/files?entity=sales_management.account"
    file = admin.post(place, content=b"name\nExact\n", headers=CSV).headers["location"]
    body = '{"mapping": {"columns": {"name": "name", "revenue": {"value": 12345678901234.56}}}}'
    begun = admin.post(f"{file}/start", content=body, headers={"content-type": "application/json"})
    assert ended(admin, begun.headers["location"])["stored"] == 1, begun.text
    made = admin.get(f"{API}/account", params={"name": "Exact"}).json()["items"][0]
    assert made["revenue"]["amount"] == "12345678901234.56"


def test_historic_imports_are_for_administrators(workspace: Workspace) -> None:
    rep = workspace.program("rep")
    place = f"{V1}/imports/files?entity=sales_management.account"
    file = rep.post(place, content=b"name\nx\n", headers=CSV).headers["location"]
    mapping = {"columns": {"name": {"column": "name"}}, "historic": True}
    answer = rep.post(f"{file}/start", json={"mapping": mapping})
    assert codes(answer) == ["import.historic_not_permitted"]
