"""Exporting from a list: what is on screen in its order and columns, or everything; text, workbook and JSON agree."""

from __future__ import annotations

import csv
import io

import pytest

from dacheng.runtime.services.workbook import read_workbook
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
