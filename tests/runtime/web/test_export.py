"""Exporting from a list: what is on screen in its order and columns, or everything; text, workbook and JSON agree."""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from dacheng.runtime.services.export_records import Export, Heard
from dacheng.runtime.services.site import Site
from dacheng.runtime.services.work import Work
from dacheng.runtime.services.workbook import read_workbook
from dacheng.runtime.web.pages import export_job
from tests.runtime.web.test_saved_views import RETAIL, kept
from tests.security.conftest import Workspace

LIST = "/apps/sales_management/account"


def rows_of(content: bytes, form: str) -> list[list[str]]:
    if form == "csv":
        return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    read = read_workbook(content)
    return [list(read.header), *(list(cells) for _, cells in read.rows())]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_what_is_on_screen_is_exported_as_it_stands(workspace: Workspace, form: str) -> None:
    browser = workspace.browser("admin")
    view = kept(browser, f"filter={RETAIL}&sort=-employees", f"零售 {form}")
    shown = {"state": f"view={view}", "do": "apply", "column": ["employees", "name"]}
    assert browser.post(f"{LIST}/views/columns", data=shown).status_code == 303
    answer = browser.get(f"{LIST}/export.{form}", params={"view": view, "export-of": "shown"})
    header, *rows = rows_of(answer.content, form)
    assert header == ["员工人数", "客户名称"]
    assert len(rows) > 1
    assert [int(row[0]) for row in rows] == sorted((int(row[0]) for row in rows), reverse=True)
    every = browser.get(f"{LIST}/export.{form}", params={"view": view, "export-of": "every"})
    all_rows = rows_of(every.content, form)
    assert len(all_rows[0]) > 2
    assert len(all_rows) > len(rows) + 1


def test_json_gives_values_as_the_api_does(workspace: Workspace) -> None:
    browser, program = workspace.browser("admin"), workspace.program("admin")
    got = browser.get(f"{LIST}/export.json", params={"filter": RETAIL}).json()
    items = program.get("/api/v1/apps/sales_management/account", params={"filter": RETAIL, "limit": 500})
    by_id = {each["id"]: each for each in items.json()["items"]}
    assert got
    assert {each["id"]: each["employees"] for each in got} == {k: v["employees"] for k, v in by_id.items()}
    assert browser.get(f"{LIST}/export.json", params={"q": "nothing is called this"}).json() == []


@pytest.mark.parametrize("form", ["csv", "xlsx", "json"])
def test_nobody_exports_without_the_right_to(workspace: Workspace, form: str) -> None:
    assert workspace.browser("rep").get(f"{LIST}/export.{form}").status_code == 403


def test_few_records_come_at_once_and_many_behind_a_bar_for_their_asker_alone(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = workspace.browser("admin")
    asked = {"state": "sector=retail&sort=-employees", "as": "csv", "part": "shown"}
    at_once = browser.post(f"{LIST}/export", data=asked)
    assert at_once.status_code == 200
    assert at_once.headers["content-disposition"].startswith("attachment")
    monkeypatch.setattr(export_job, "AT_ONCE", 1)
    begun = browser.post(f"{LIST}/export", data=asked)
    assert begun.status_code == 303
    ready = settled(browser, begun.headers["location"])
    assert ready.startswith("/exports/")
    assert "客户.csv" in browser.get(ready).text
    file = browser.get(f"{ready}/file")
    assert rows_of(file.content, "csv") == rows_of(at_once.content, "csv")
    assert workspace.browser("manager").get(ready).status_code == 404
    assert workspace.browser("manager").get(f"{ready}/file").status_code == 404


def test_t16_an_export_is_handed_out_under_the_rights_it_was_made_under(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_job, "AT_ONCE", 1)
    manager = workspace.browser("manager")
    asked = {"state": "", "as": "json", "part": ""}
    ready = settled(manager, manager.post(f"{LIST}/export", data=asked).headers["location"])
    assert manager.get(f"{ready}/file").status_code == 200
    boss, person = workspace.program("admin"), f"/api/v1/people/{workspace.ids['manager']}"
    given = boss.put(f"{person}/roles/sales_management.sales_rep")
    assert given.status_code < 300, given.text
    assert boss.delete(f"{person}/roles/sales_management.sales_manager").status_code < 300
    assert workspace.browser("manager").get(f"{ready}/file").status_code == 403
    nobody = workspace.browser("member")
    assert nobody.post(f"{LIST}/export", data=asked).status_code == 404


def test_t07_an_export_is_not_handed_out_once_its_asker_stands_elsewhere(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row rules look at departments, which are no roles."""
    monkeypatch.setattr(export_job, "AT_ONCE", 1)
    boss, manager = workspace.program("admin"), workspace.browser("manager")
    asked = {"state": "", "as": "json", "part": ""}
    ready = settled(manager, manager.post(f"{LIST}/export", data=asked).headers["location"])
    assert manager.get(f"{ready}/file").status_code == 200
    made = boss.post("/api/v1/apps/core/department", json={"name": "Elsewhere"})
    place = f"/api/v1/apps/core/user/{workspace.ids['manager']}"
    moved = boss.patch(place, json={"department": made.json()["id"]}, headers={"if-match": "*"})
    assert moved.status_code == 200, moved.text
    assert manager.get(f"{ready}/file").status_code == 409


def test_an_export_is_cancelled_and_leaves_no_file(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, go = threading.Event(), threading.Event()

    def slowly(site: Site, work: Work, wanted: Export, heard: Heard) -> Iterator[bytes]:
        yield b"["
        held.set()
        go.wait(20)
        heard(1)
        yield b"]"

    monkeypatch.setattr(export_job, "AT_ONCE", 1)
    monkeypatch.setitem(export_job.FORMS, "json", (slowly, "application/json"))
    browser = workspace.browser("admin")
    asked = {"state": "sector=retail", "as": "json", "part": ""}
    watched = browser.post(f"{LIST}/export", data=asked).headers["location"]
    assert held.wait(20)
    assert f"{watched}/stop" in browser.get(watched).text
    stopped = browser.post(f"{watched}/stop")
    assert (stopped.status_code, stopped.headers["location"]) == (303, f"{LIST}?sector=retail")
    go.set()
    assert settled(browser, watched) == f"{LIST}?sector=retail"
    assert list((workspace.host.settings.data / "jobs").glob("*.file")) == []


def settled(browser: TestClient, watched: str) -> str:
    """Where the page that watches leads once the work is over."""
    for _ in range(3000):
        answer = browser.get(watched)
        if answer.status_code == 303:
            return str(answer.headers["location"])
        assert answer.status_code == 200, answer.text
    raise AssertionError("the export did not end")
