"""T26, T27, T29, T35: reset links, sessions that end, guessing, and the first administrator."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable
from email import message_from_bytes
from email.policy import default
from statistics import median
from typing import Any

import pytest
from starlette.testclient import TestClient

from dacheng.runtime.host import Host
from dacheng.runtime.services import install_app, outbox_worker, sessions, setup, sign_in, users
from dacheng.runtime.settings import Settings
from dacheng.runtime.web.app import build_app
from tests.security.conftest import API, OWN, PASSWORD, Workspace

NEW = "another quite long phrase"
FORGED = {
    "host": "evil.example", "x-forwarded-host": "evil.example", "x-forwarded-proto": "https", "forwarded": "host=evil.example",
    "x-original-host": "evil.example", "x-host": "evil.example",
}  # fmt: skip


def mails(workspace: Workspace) -> list[str]:
    """The mails sent so far, after the worker did what was due."""
    outbox_worker.drain(workspace.host)
    folder = workspace.host.settings.data / "outbox"
    found = [message_from_bytes(path.read_bytes(), policy=default) for path in sorted(folder.glob("*.eml"))]
    return [f"{each.items()}\n{each.get_content()}" for each in found]


def token_in(mail: str) -> str:
    found = re.search(r"token=([A-Za-z0-9_-]+)", mail)
    assert found, mail
    return found[1]


def test_t26_a_forged_host_never_appears_in_a_mail(open_workspace: Callable[..., Workspace]) -> None:
    workspace = open_workspace(base_url="https://crm.example.com")
    client = workspace.nobody()
    for name, value in FORGED.items():
        client.post("/reset", data={"email": "rep@example.com"}, headers={**OWN, name: value})
    client.post("/reset", data={"email": "rep@example.com"}, headers={"origin": "http://testserver"})
    sent = mails(workspace)
    assert sent
    assert all("https://crm.example.com/reset" in mail for mail in sent)
    assert not any("evil" in mail for mail in sent)


def test_t26_no_mail_without_a_configured_address(workspace: Workspace) -> None:
    answer = workspace.nobody().post("/reset", data={"email": "rep@example.com"}, headers=OWN)
    assert 400 <= answer.status_code < 600
    assert mails(workspace) == []


def test_t26_a_link_works_once_in_time_and_only_as_text(open_workspace: Callable[..., Workspace]) -> None:
    workspace = open_workspace(base_url="http://crm.example.com")
    client = workspace.nobody()
    client.post("/reset", data={"email": "rep@example.com"}, headers=OWN)
    token = token_in(mails(workspace)[-1])

    def use(text: str, password: str = NEW) -> int:
        form = {"token": text, "password": password, "again": password}
        return client.post("/reset", data=form, headers=OWN).status_code

    for wrong in ("null", "{}", "[]", "undefined", "0", token[:-1], token + "x", token.upper(), "a" * 5000):
        assert 400 <= use(wrong) < 500, wrong
    assert 400 <= client.post("/reset", json={"token": {}, "password": NEW}, headers=OWN).status_code < 500
    assert use(token, "password") == 422
    assert use(token) == 303
    assert 400 <= use(token) < 500
    signed = client.post("/sign-in", data={"email": "rep@example.com", "password": NEW}, headers=OWN)
    assert signed.status_code == 303


@pytest.mark.parametrize("smtp", [{}, {"smtp_host": "127.0.0.1", "smtp_port": 9}])
def test_t08_the_secret_of_a_reset_is_in_its_mail_alone(
    open_workspace: Callable[..., Workspace],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    smtp: dict[str, Any],
) -> None:
    """Not in the database or its log, nor in a file, a log line, or the page of jobs that did not get through."""
    caplog.set_level(logging.DEBUG)
    workspace = open_workspace(base_url="https://crm.example.com", **smtp)
    canary = "canary-7f3c9b21d5e84a60b1c2"
    admin, client = workspace.program("admin"), workspace.nobody()
    monkeypatch.setattr(sessions, "secret", lambda: canary)
    client.post("/reset", data={"email": "rep@example.com"}, headers=OWN)
    sent = mails(workspace)
    assert [canary in each for each in sent] == ([] if smtp else [True])
    assert not any(PASSWORD in each or "argon2" in each or "dct_" in each for each in sent)
    assert client.get("/reset", params={"token": canary}).headers["referrer-policy"] == "same-origin"
    data = workspace.host.settings.data
    kept = [path for path in data.rglob("*") if path.is_file() and path.suffix != ".eml"]
    told = [str(path) for path in kept if canary.encode() in path.read_bytes()]
    pages = {path: admin.get(path) for path in ("/settings/jobs", "/api/v1/jobs/failed", "/settings/people")}
    assert [each.status_code for each in pages.values()] == [200] * len(pages)
    told += [path for path, each in pages.items() if canary in each.text]
    told += [each.message for each in caplog.records if each.name != "httpx2" and canary in each.getMessage()]
    assert told == []
    assert {path.stat().st_mode & 0o077 for path in (data / "outbox").glob("*")} <= {0}
    assert len(kept) > 1


def test_t26_asking_says_the_same_for_known_and_unknown_addresses(
    open_workspace: Callable[..., Workspace],
) -> None:
    workspace = open_workspace(base_url="http://crm.example.com")
    client = workspace.nobody()
    known, unknown = (
        client.post("/reset", data={"email": f"{who}@example.com"}, headers=OWN) for who in ("rep", "rex")
    )
    assert known.status_code == unknown.status_code == 200
    assert known.text == unknown.text


@pytest.mark.parametrize("how", ["suspend", "role", "reset", "sign_out_elsewhere"])
def test_t27_old_sessions_and_tokens_are_dead_at_once(workspace: Workspace, how: str) -> None:
    host, person = workspace.host, workspace.ids["rep"]
    page, program = workspace.browser("rep"), workspace.program("rep")
    assert page.get("/settings").status_code == 200
    if how == "suspend":
        users.suspend(host, host.work(), person)
    elif how == "role":
        users.grant_role(host, host.work(), person, "sales_management.sales_manager")
    elif how == "reset":
        token = sign_in.invite(host, person)
        form = {"token": token, "password": NEW, "again": NEW}
        assert workspace.nobody().post("/reset", data=form, headers=OWN).status_code == 303
    else:
        workspace.browser("rep").post("/settings/sessions/end", data={"key": ""})
    assert page.get("/settings").headers["location"].startswith("/sign-in")
    if how in ("suspend", "reset"):
        assert program.get("/api/v1/me").status_code == 401
    if how == "suspend":
        refused = workspace.nobody().post(
            "/sign-in", data={"email": "rep@example.com", "password": PASSWORD}, headers=OWN
        )
        assert refused.status_code in (401, 403, 422)


def test_t27_signing_in_and_a_new_password_change_the_session(workspace: Workspace) -> None:
    client = workspace.browser("rep")
    first = client.cookies["dacheng_session"]
    again = client.post("/sign-in", data={"email": "rep@example.com", "password": PASSWORD}, headers=OWN)
    second = again.cookies["dacheng_session"]
    assert first != second
    old = workspace.nobody()
    old.cookies.set("dacheng_session", first)
    assert old.get("/settings").status_code == 303
    form = {"old_password": PASSWORD, "password": NEW, "again": NEW}
    changed = client.post("/settings/password", data=form)
    assert changed.status_code == 303
    assert changed.cookies["dacheng_session"] != second
    planted = workspace.nobody()
    planted.cookies.set("dacheng_session", "chosen-by-somebody")
    answer = planted.post("/sign-in", data={"email": "rep@example.com", "password": NEW}, headers=OWN)
    assert answer.cookies["dacheng_session"] != "chosen-by-somebody"


def test_t27_signing_out_ends_the_session_on_the_server(workspace: Workspace) -> None:
    client = workspace.browser("rep")
    value = client.cookies["dacheng_session"]
    assert client.post("/sign-out").status_code == 303
    client.cookies.set("dacheng_session", value)
    assert client.get("/settings").status_code == 303


def test_t27_cookies_are_closed_to_scripts_and_under_https_to_other_hosts(
    open_workspace: Callable[..., Workspace],
) -> None:
    plain, secure = open_workspace(), open_workspace(base_url="https://testserver")
    form = {"email": "rep@example.com", "password": PASSWORD}
    cookie = plain.nobody().post("/sign-in", data=form, headers=OWN).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    answer = secure.nobody(secure=True).post("/sign-in", data=form, headers=OWN)
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-")
    assert "Secure" in cookie
    assert "Domain" not in cookie
    assert "Path=/" in cookie
    assert "max-age" in answer.headers["strict-transport-security"]


def test_t29_guessing_is_stopped_whatever_else_changes(workspace: Workspace) -> None:
    client = workspace.nobody()
    found = []
    for number in range(14):
        headers = {
            **OWN,
            "x-forwarded-for": f"10.0.0.{number}",
            "user-agent": str(number),
            "x-real-ip": f"10.1.0.{number}",
        }
        form = {
            "email": "rep@example.com" if number % 2 else "REP@example.com ",
            "password": f"wrong {number}",
            "next": f"/{number}",
        }
        found.append(client.post("/sign-in", data=form, headers=headers).status_code)
    assert found.index(429) <= 10
    assert set(found[11:]) == {429}
    assert (
        client.post(
            "/sign-in", data={"email": "rep@example.com", "password": PASSWORD}, headers=OWN
        ).status_code
        == 429
    )


def test_t29_a_wrong_password_and_an_unknown_person_look_and_cost_the_same(workspace: Workspace) -> None:
    client = workspace.nobody()
    times: dict[str, list[float]] = {"rep": [], "unknown": []}
    texts: dict[str, str] = {}
    for number in range(8):
        for who, spent in times.items():
            started = time.perf_counter()
            answer = client.post(
                "/sign-in", data={"email": f"{who}@example.com", "password": f"wrong {number}"}, headers=OWN
            )
            spent.append(time.perf_counter() - started)
            texts[who] = answer.text.replace(f"{who}@example.com", "")
            assert answer.status_code in (401, 422)
    assert texts["rep"] == texts["unknown"]
    known, unknown = median(times["rep"]), median(times["unknown"])
    assert 0.5 < known / unknown < 2, (known, unknown)


def test_t35_set_up_is_gone_once_there_is_an_administrator(workspace: Workspace) -> None:
    client = workspace.nobody()
    form = {"token": "x", "name": "X", "email": "x@example.com", "password": NEW}
    assert client.get("/setup").status_code == 404
    assert client.post("/setup", data=form, headers=OWN).status_code == 404


def test_t35_of_twenty_set_ups_at_once_one_makes_an_administrator(tmp_path: object) -> None:
    host = Host.open(Settings(data=tmp_path), plugins={})  # type: ignore[arg-type]
    if "core" not in host.model().catalogue.apps:
        install_app.install_core(host)
    token = setup.offer_token(host)
    app = build_app(host)
    statuses: list[int] = []

    def attempt(number: int) -> None:
        client = TestClient(app, follow_redirects=False)
        form = {"token": str(token), "name": "Boss", "email": f"boss{number}@example.com", "password": NEW}
        statuses.append(client.post("/setup", data=form, headers=OWN).status_code)

    with TestClient(app, follow_redirects=False) as first:
        assert first.get("/sign-in").headers["location"] == "/setup"
        assert first.post(
            "/setup",
            data={"token": "wrong", "name": "X", "email": "x@example.com", "password": NEW},
            headers=OWN,
        ).status_code in (401, 403, 422)
    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses.count(303) == 1, statuses
    assert all(status in (303, 403, 404, 409, 422, 429) for status in statuses)
    host.refresh()
    found = host.db.read_now(lambda reader: users.list_accounts(reader, host.work()))
    assert len(found) == 1
    assert setup.offer_token(host) is None
    host.close()


def test_t35_nobody_has_a_password_known_beforehand(workspace: Workspace) -> None:
    client = workspace.nobody()
    for login, password in (
        ("admin", "admin"),
        ("admin@example.com", "admin"),
        ("admin@localhost", "password"),
    ):
        answer = client.post("/sign-in", data={"email": login, "password": password}, headers=OWN)
        assert answer.status_code in (401, 422)
    assert client.get(f"{API}/account").status_code == 401
