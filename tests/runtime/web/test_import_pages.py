"""The import by pages: values mended once for all rows, what would change, what undoing left and why."""

from __future__ import annotations

import html
import re
import time

import pytest
from starlette.testclient import TestClient

from tests.security.conftest import API, Workspace
from tests.security.test_files import import_file

PRODUCT = "/apps/sales_management/product"


def uploaded(page: TestClient, entity: str, content: bytes) -> str:
    files = {"file": ("a.csv", content, "text/csv")}
    sent = page.post("/import", data={"entity": f"sales_management.{entity}"}, files=files)
    assert sent.status_code == 303, sent.text
    return sent.headers["location"]


def test_a_value_that_fits_nothing_is_mended_once_for_all_rows(workspace: Workspace) -> None:
    page = workspace.browser("admin")
    content = "客户名称,所属行业\nMend one,technolgy\nMend two,technolgy\nMend three,?\n".encode()
    place = uploaded(page, "account", content)
    data = {"column.name": "客户名称", "column.sector": "所属行业", "rules": "1", "action": "check"}
    seen = page.post(place, data=data).text
    assert re.search(r'technolgy<input type="hidden" name="misfit\.sector\.0" value="technolgy">', seen)
    mended = data | {"misfit.sector.0": "technolgy", "instead.sector.0": "technology"}
    mended |= {"misfit.sector.1": "?", "instead.sector.1": "-"}
    again = page.post(place, data=mended).text
    assert "misfit." not in again
    assert "technolgy =&gt; technology" in again
    kept = re.search(r'name="values\.sector"[^>]*>([^<]*)<', again)
    assert kept
    run = page.post(place, data=data | {"values.sector": html.unescape(kept[1]), "action": "run"})
    assert run.status_code == 303
    names = ["Mend one", "Mend two", "Mend three"]
    for _ in range(100):
        items = workspace.program("admin").get(f"{API}/account", params={"limit": 500}).json()["items"]
        sectors = {each["name"]: each["sector"] for each in items if each["name"] in names}
        if len(sectors) == len(names):
            break
        time.sleep(0.05)
    assert sectors == {"Mend one": "technology", "Mend two": "technology", "Mend three": None}


def test_what_would_change_is_shown_and_what_undoing_left_is_listed(workspace: Workspace) -> None:
    page, program = workspace.browser("admin"), workspace.program("admin")
    made = import_file(
        page, "product", "名称,系列,价格\nKept one,S,1\nGone two,S,2\n".encode(), **{"column.name": "名称"}
    )
    run = re.search(r"/import/([0-9a-f-]{36})/undo", made.text)
    assert run
    place = uploaded(page, "product", "名称,系列\nKept one,T\nGone two,S\nNew three,S\n".encode())
    data = {"column.name": "名称", "column.series": "系列", "key": "name", "rules": "1", "action": "check"}
    seen = page.post(place, data=data).text
    figures = list(map(int, re.findall(r'<dd class="num">(\d+)</dd>', seen)))
    assert figures == [3, 1, 1, 1, 0], "rows, new, changed, as they are, refused"
    assert "<td>S</td><td>T</td>" in seen
    items = program.get(f"{API}/product", params={"limit": 500}).json()["items"]
    found = next(each for each in items if each["name"] == "Kept one")
    place = f"{API}/product/{found['id']}"
    edited = program.patch(place, json={"series": "mine"}, headers={"if-match": "*"})
    assert edited.status_code == 200, edited.text
    watched = page.post(f"/import/{run[1]}/undo")
    for _ in range(200):
        job = page.get(watched.headers["location"])
        if job.status_code == 303:
            break
        time.sleep(0.05)
    page.get(job.headers["location"])
    left = page.get(f"/import/{run[1]}").text
    assert f'<a href="{PRODUCT}/{found["id"]}">Kept one</a>' in left
    assert "导入后已被修改" in left
    assert "Gone two" not in left


def test_undoing_an_import_is_asked_about_and_says_what_it_takes_out(workspace: Workspace) -> None:
    page = workspace.browser("admin")
    made = import_file(page, "product", "名称,系列\nAsked one,S\nAsked two,S\n".encode())
    asked = re.search(
        r"<details class=\"import-undo\">(?:(?!</details>).)*/undo\".*?</details>", made.text, re.DOTALL
    )
    assert asked
    assert "新建的 2 条移入回收站" in asked[0]
    assert made.text.count('/undo"') == 1, "no way past the question"


def test_templates_are_offered_as_workbooks(workspace: Workspace) -> None:
    page = workspace.browser("rep")
    start = page.get("/import").text
    place = re.search(r'href="(/import/[^"]+/template\.xlsx)"', start)
    assert place
    answer = page.get(place[1])
    assert answer.status_code == 200
    assert answer.content.startswith(b"PK")


@pytest.mark.parametrize("with_names", [True, False])
def test_rows_pasted_from_a_sheet_go_through_the_same_steps(workspace: Workspace, with_names: bool) -> None:
    page, place = workspace.browser("admin"), f"/import/{PRODUCT.removeprefix('/apps/')}/paste"
    assert f'href="{place}"' in page.get(PRODUCT).text
    names = [f"Pasted {with_names} {n}" for n in range(2)]
    rows = f'{names[0]}\tS\t1\r\n"{names[1]}"\t"a ""b""\nc"\t2\r\n'
    sent = page.post(place, data={"text": ("名称\t系列\t价格\r\n" if with_names else "") + rows})
    assert sent.status_code == 303, sent.text
    form = page.get(sent.headers["location"]).text
    chosen = re.findall(r'<select class="in" name="(column\.[^"]+)"[^>]*>(.*?)</select>', form, re.DOTALL)
    data = {name: (re.findall(r'value="([^"]*)" selected', options) or [""])[0] for name, options in chosen}
    assert data["column.name"]
    seen = page.post(sent.headers["location"], data={**data, "rules": "1", "action": "check"}).text
    figures = list(map(int, re.findall(r'<dd class="num">(\d+)</dd>', seen)))
    assert figures == [2, 2, 0, 0], "rows, new, changed, refused; nothing is stored yet"
    assert page.post(place, data={"text": "  "}).status_code == 422


def test_nobody_pastes_into_what_they_may_not_add(workspace: Workspace) -> None:
    page = workspace.browser("rep")
    assert page.get("/import/sales_management/nothing/paste").status_code == 404
