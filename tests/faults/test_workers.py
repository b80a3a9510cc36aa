"""Lines 5 and 6: one writing process on SQLite; words, versions and roles are live in every worker at once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import urlencode

import pytest

from dacheng.metadata.package import read_files
from dacheng.runtime.bundled import bundled_packages
from dacheng.runtime.host import Host
from dacheng.runtime.services import doctor, edit_labels, install_app, users
from dacheng.runtime.services.install_app import Candidate
from tests.faults.serving import Caller, Server, add_person, connections_of, serve, serve_here
from tests.faults.shop_versions import edition
from tests.runtime.workspace import workspace

SALES = "sales_management"
CONNECTIONS = 16
OLD, NEW = "客户", "车主"
PAGES = {
    "menu": "/",
    "list": f"/apps/{SALES}/account",
    "form": f"/apps/{SALES}/account/new",
    "filters": f"/apps/{SALES}/opportunity",
    "dashboard": f"/apps/{SALES}/dashboards/overview",
    "export": f"/apps/{SALES}/account/export.csv",
    "template": f"/import/{SALES}/account/template.csv",
    "template by API": f"/api/v1/imports/templates/{SALES}/account",
    "API": "/api/v1/openapi.json",
}


@pytest.fixture
def host(tmp_path: Path, database_url: str) -> Iterator[Host]:
    url = "" if database_url.startswith("sqlite") else database_url
    with workspace(tmp_path / "data", url, sales=True) as opened:
        yield opened


@pytest.fixture
def shared(tmp_path: Path, postgres_url: str) -> Iterator[Host]:
    """A workspace on PostgreSQL, which many processes may serve."""
    with workspace(tmp_path / "data", postgres_url) as opened:
        install_app.install(opened, opened.work(), edition(opened.kinds, 1))
        yield opened


def served(host: Host) -> AbstractContextManager[Server]:
    """SQLite from this process, PostgreSQL from two others."""
    if host.db.dialect == "sqlite":
        return serve_here(host)
    return serve(host.settings.data, host.settings.database, 2)


def everyone(server: Server, **headers: str) -> list[Caller]:
    """Open connections, asked from all at once, until each worker has some."""
    callers: list[Caller] = []
    while len(callers) < CONNECTIONS or not all(
        connections_of(each, server.port) for each in server.processes
    ):
        assert len(callers) < 20 * CONNECTIONS, "one worker answers everybody"
        fresh = [server.caller(**headers) for _ in range(CONNECTIONS)]
        with ThreadPoolExecutor(CONNECTIONS) as threads:
            list(threads.map(lambda each: each.get("/sign-in"), fresh))
        callers += fresh
    return callers


def statuses(callers: Sequence[Caller], path: str) -> set[int]:
    return {caller.get(path).status for caller in callers}


def test_a_second_writing_process_refuses_in_a_sentence(tmp_path: Path) -> None:
    with workspace(tmp_path / "data"):
        for command in (["serve", "--port", "1"], ["app", "uninstall", "shop"], ["worker", "--once"]):
            finished = subprocess.run(
                [sys.executable, "-m", "dacheng.runtime.cli", *command, "--data", str(tmp_path / "data")],
                capture_output=True,
                text=True,
                timeout=60,
            )
            assert finished.returncode == 3, finished.stderr
            assert "Another process is already writing" in finished.stderr
            assert "Traceback" not in finished.stderr
    finished = subprocess.run(
        [
            sys.executable,
            "-m",
            "dacheng.runtime.cli",
            "serve",
            "--workers",
            "2",
            "--data",
            str(tmp_path / "data"),
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert finished.returncode == 1
    assert "PostgreSQL" in finished.stderr


def test_two_workers_see_a_publish_a_word_and_a_role_at_once(shared: Host) -> None:
    person, token = add_person(shared, "pat", "core.member")
    _, admin = add_person(shared, "kim", "core.admin")
    with serve(shared.settings.data, shared.settings.database, 2) as server:
        assert len(server.processes) == 2
        people, administrators = (
            everyone(server, authorization=f"Bearer {each}", **{"accept-language": "en"})
            for each in (token, admin)
        )
        path = "/api/v1/apps/shop/order?limit=1"
        assert not {200} & statuses(people, path)
        users.grant_role(shared, shared.work(), person, "shop.keeper")
        assert statuses(people, path) == {200}
        users.revoke_role(shared, shared.work(), person, "shop.keeper")
        assert not {200} & statuses(people, path)
        for number in (2, 3):
            install_app.install(shared, shared.work(), edition(shared.kinds, number))
            fresh = "deadline" if number == 2 else "scrap"
            assert all(fresh in each.get(path).json()["items"][0] for each in administrators)
            edit_labels.set_term(shared, shared.work(), "shop", "en", "buyer", {"one": f"Patron{number}"})
            assert all(f"Patron{number}" in each.get("/api/v1/openapi.json").text for each in administrators)
        for caller in (*people, *administrators):
            caller.close()


def test_a_renamed_term_is_everywhere_at_the_next_request_and_survives_an_upgrade(host: Host) -> None:
    add_person(host, "kim", "core.admin")
    with served(host) as server:
        door = server.caller().sign_in("kim@example.com")
        cookie = door.headers["cookie"]
        door.close()
        callers = everyone(server, cookie=cookie, **{"accept-language": "zh-CN"})
        first = callers[0]
        assert all(OLD in first.get(path).text for path in PAGES.values())
        form = {"app": SALES, "locale": "zh-CN", "term": "customer", "one": NEW, "plural": NEW}
        sent = {"sec-fetch-site": "same-origin", "content-type": "application/x-www-form-urlencoded"}
        assert first.ask("POST", "/labels/term", urlencode(form).encode(), sent).status == 303
        for caller in callers:
            for name, path in PAGES.items():
                text = caller.get(path).text
                assert NEW in text, name
                assert OLD not in text, name
        for caller in (
            *callers[:4],
            *callers[-CONNECTIONS:],
        ):  # each worker has one, and nobody asks too often
            take_back(caller, first.get(PAGES["template"]).text)
        upgrade(host)
        for caller in callers:
            assert f"{NEW}全称" in caller.get(PAGES["list"]).text
            caller.close()
    assert doctor.examine(host, lambda step, done, total: None).problems == ()


def take_back(caller: Caller, template: str) -> None:
    """The template, uploaded as it is: its renamed columns are found by themselves."""
    header = template.removeprefix("\ufeff").strip().split(",")
    sent = {"sec-fetch-site": "same-origin", "content-type": "text/csv"}
    row = f"{template}{',' * (len(header) - 1)}\r\n".encode()
    file = caller.ask("POST", f"/api/v1/imports/files?entity={SALES}.account", row, sent).json()
    columns = file["mapping"]["columns"]
    assert any(NEW in column for column in header)
    assert {each["column"] for each in columns.values()} == set(header) == set(file["header"])


def upgrade(host: Host) -> None:
    """A later version, in which the sentence around the term is another."""
    root = bundled_packages() / "apps" / SALES
    files = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*.json")}
    manifest, words = json.loads(files["app.json"]), json.loads(files["labels/zh-CN.json"])
    manifest["version"] = "9.0.0"
    words["labels"]["field:account.name"] = "{term:customer}全称"
    files["app.json"], files["labels/zh-CN.json"] = json.dumps(manifest).encode(), json.dumps(words).encode()
    candidate = Candidate(read_files(files, host.kinds))
    plan = install_app.plan_install(host, candidate)
    assert plan.problems == ()
    assert not [each for each in plan.outcomes if each.kind != "kept"]
    install_app.install(host, host.work(), candidate, sample=False)
