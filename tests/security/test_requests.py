"""T30, T36: nothing changes by GET or for another site; one request is one clean line in the log."""

from __future__ import annotations

import json
import logging

import pytest

from tests.security.conftest import API, OWN, PASSWORD, Workspace
from tests.security.test_access import ROUTES, address

FOREIGN = [
    {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"sec-fetch-site": "cross-site", "origin": "http://testserver"},
    {"origin": "http://evil.example"}, {"origin": "null"}, {"origin": "http://testserver.evil.example"},
    {"origin": "http://evil.example", "host": "testserver"}, {"origin": "http://testserver:81"}, {"origin": ""},
    {"referer": "http://testserver/settings"}, {},
]  # fmt: skip


def test_t30_every_get_leaves_the_database_as_it_was(workspace: Workspace) -> None:
    page, program = workspace.browser("admin"), workspace.program("admin")
    before = workspace.checksum()
    for (path, method), route in ROUTES.items():
        if method == "GET":
            client = program if route.is_api else page
            assert client.get(address(path, workspace)).status_code < 500, path
    assert workspace.checksum() == before


@pytest.mark.parametrize("headers", FOREIGN)
def test_t30_a_form_from_another_site_is_refused(workspace: Workspace, headers: dict[str, str]) -> None:
    client = workspace.browser("admin")
    del client.headers["sec-fetch-site"]
    before = workspace.checksum()
    for place, data in (
        ("/settings/tokens", {"name": "x"}),
        ("/marketplace/sales_management/uninstall", {"consent": "sales_management"}),
        ("/apps/sales_management/account/new", {"name": "x"}),
        ("/sign-out", {}),
    ):
        assert client.post(place, data=data, headers=headers).status_code == 403, place
    assert workspace.checksum() == before


def test_t30_own_pages_and_programs_are_let_in(workspace: Workspace) -> None:
    client = workspace.browser("admin")
    del client.headers["sec-fetch-site"]
    for headers in (
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        {"origin": "http://testserver"},
    ):
        assert client.post("/settings/tokens", data={"name": "x"}, headers=headers).status_code == 200
    made = workspace.program("rep").post(f"{API}/account", json={"name": "By program"})
    assert made.status_code == 201


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
        "application/jsonp",
    ],
)
def test_t30_the_api_takes_json_and_nothing_that_forms_can_send(workspace: Workspace, kind: str) -> None:
    client = workspace.browser("admin")
    before = workspace.checksum()
    answer = client.post(f"{API}/account", content=b'{"name":"x"}', headers={"content-type": kind})
    assert answer.status_code == 415
    assert workspace.checksum() == before


def test_every_answer_carries_the_headers_that_browsers_obey(workspace: Workspace) -> None:
    client = workspace.browser("admin")
    for place in (
        "/",
        "/settings",
        "/nothing",
        "/api/v1/me",
        "/api/v1/nothing",
        "/static/css/base.css",
        "/sign-out",
    ):
        headers = client.get(place).headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert "cache-control" in headers
        assert headers["x-request-id"]
        assert "access-control-allow-origin" not in headers
        assert "server" not in headers
    assert "no-store" in client.get("/settings").headers["cache-control"]


NASTY = [
    "\r\nSet-Cookie: x=1",
    "\x1b[31mred",
    "a\nb",
    "\x00",
    "\x7f\x9b",
    "\u2028line",
    '"},{"x":"',
    "%0d%0aX:1",
]


@pytest.mark.parametrize("nasty", NASTY)
def test_t36_a_request_is_one_line_without_control_characters(
    workspace: Workspace, caplog: pytest.LogCaptureFixture, nasty: str
) -> None:
    client = workspace.nobody()
    with caplog.at_level(logging.INFO, logger="dacheng.access"):
        text = "".join(f"%{byte:02X}" for byte in nasty.encode())
        client.get(f"/apps/{text}?secret={text}&token=abc")
        client.get(
            "/sign-in",
            headers={"user-agent": b"a\x1b[31m".decode("latin-1"), "accept-language": "zh\x7f"},
        )
        client.post("/sign-in", data={"email": nasty, "password": "geheim" + nasty}, headers=OWN)
        client.get("/reset?token=verysecret")
    lines = [record.getMessage() for record in caplog.records if record.name == "dacheng.access"]
    assert len(lines) == 4
    for line in lines:
        assert all(" " <= character <= "~" for character in line)
        entry = json.loads(line)
        assert {"at", "method", "path", "status", "actor", "id"} <= set(entry)
        assert "secret" not in line
        assert "token=abc" not in line
        assert "geheim" not in line
    assert PASSWORD not in caplog.text


def test_t36_a_fault_shows_a_number_and_no_inner_detail(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> object:
        raise RuntimeError("inner detail")

    monkeypatch.setattr("dacheng.runtime.web.api.read.read_records.list_page", broken)
    answer = workspace.program("rep").get(f"{API}/account")
    assert answer.status_code == 500
    assert "inner detail" not in answer.text
    assert "Traceback" not in answer.text
    assert answer.headers["x-request-id"] in answer.json()["detail"]
