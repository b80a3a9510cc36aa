"""T25, T32 and the import wizard: cells no spreadsheet runs, patterns that cost nothing, a file in and out by pages."""

from __future__ import annotations

import csv
import io
import re
import time
import zipfile

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from dacheng.metadata.field_kinds.text import linear_pattern
from dacheng.metadata.problem import Refused
from dacheng.runtime.web import security
from tests.security.conftest import API, Workspace

FORMULAS = [
    "=1+1", "+1", "-1+1", "@SUM(A1)", "|calc", "=cmd|' /C calc'!A0", " =1", "\t=1", "\r=1", "\n=1", "\u00a0=1", "\ufeff=1", "＝1", "＋1", "－1",
    "＠x", "\u200b=1", "\u3000=1", "\x0b=1", "\x1f=1", "'=1", "''=1", '=HYPERLINK("http://evil")', "-2+3+cmd|x", "+cmd|x", "@x", "=", "-",
    " \t =1", '="a"&"b"', "%0A=1", "\u2028=1", "\u202e=1", "=IMPORTXML(1)", "+A1", "-A1", "\u00ad=1", "=1;", "=1,2", "|x",
]  # fmt: skip


def test_t25_an_export_runs_nothing_in_a_spreadsheet_and_comes_back_equal(workspace: Workspace) -> None:
    program, page = workspace.program("admin"), workspace.browser("admin")
    kept: list[str] = []
    for formula in FORMULAS:
        answer = program.post(f"{API}/account", json={"name": f"{formula} {len(kept)}"})
        if answer.status_code == 201:
            kept.append(f"{formula} {len(kept)}")
    assert len(kept) >= 35
    answer = page.get("/apps/sales_management/account/export.csv")
    assert "attachment" in answer.headers["content-disposition"]
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    for cell in (cell for row in rows for cell in row):
        stripped = re.sub(r"^[\s\x00-\x1f\u200b\u200e\u200f\u202a-\u202e\u2060\ufeff\u00ad]+", "", cell)
        risky = bool(stripped) and stripped[0] in "=+-@|＝＋－＠｜"
        number = re.fullmatch(r"-?\d+(\.\d+)?", stripped)
        assert not risky or number, repr(cell)
    done = import_file(page, "account", answer.content, key="name")
    figures = list(map(int, re.findall(r"<dd class=\"num\">(\d+)</dd>", done.text)))
    assert figures == [len(rows) - 1, 0, len(rows) - 1, 0], (
        "each row found its record again by its exact name"
    )
    names = [each["name"] for each in program.get(f"{API}/account", params={"limit": 500}).json()["items"]]
    for name in kept:
        assert names.count(name) >= 1, repr(name)


def test_t25_a_workbook_holds_texts_as_texts_and_comes_back_equal(workspace: Workspace) -> None:
    program, page = workspace.program("admin"), workspace.browser("admin")
    kept: list[str] = []
    for formula in FORMULAS:
        name = f"{formula} workbook {len(kept)}"
        if program.post(f"{API}/account", json={"name": name}).status_code == 201:
            kept.append(name)
    assert len(kept) >= 35
    answer = page.get("/apps/sales_management/account/export.xlsx")
    assert "attachment" in answer.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        written = archive.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in written
    before = program.get(f"{API}/account", params={"limit": 500}).json()["items"]
    done = import_file(page, "account", answer.content, key="name")
    figures = list(map(int, re.findall(r"<dd class=\"num\">(\d+)</dd>", done.text)))
    assert figures == [len(before), 0, len(before), 0], "each row found its record again by its exact name"
    after = program.get(f"{API}/account", params={"limit": 500}).json()["items"]
    assert sorted(each["name"] for each in after) == sorted(each["name"] for each in before)
    assert {name for name in kept if name not in {each["name"] for each in after}} == set()


def import_file(page: TestClient, entity: str, content: bytes, **changes: str) -> Response:
    """A file through all steps of the wizard as suggested; the page of the finished import."""
    files = {"file": ("again.csv", content, "text/csv")}
    sent = page.post("/import", data={"entity": f"sales_management.{entity}"}, files=files)
    assert sent.status_code == 303, sent.text
    place = sent.headers["location"]
    form = page.get(place)
    assert form.status_code == 200
    chosen = re.findall(r'<select class="in" name="([^"]+)"[^>]*>(.*?)</select>', form.text, re.DOTALL)
    data = {name: (re.findall(r'value="([^"]*)" selected', options) or [""])[0] for name, options in chosen}
    data |= {"rules": "1", "action": "check", **changes}
    checked = page.post(place, data=data)
    assert checked.status_code == 200, checked.text
    begun = page.post(place, data={**data, "action": "run"})
    assert begun.status_code == 303, begun.text
    for _ in range(200):
        done = page.get(begun.headers["location"])
        if "data-again" not in done.text:
            return done
        time.sleep(0.05)
    raise AssertionError("the import did not finish")


def test_an_import_by_pages_stores_rows_names_the_rest_and_is_undone(workspace: Workspace) -> None:
    page, program = workspace.browser("admin"), workspace.program("admin")
    before = program.get(f"{API}/product", params={"count": "true"}).json()["count"]
    content = "名称,系列,价格\nNew one,GTX,12.50\nNew two,GTX,x\n".encode("gb18030")
    files = {"file": ("products.csv", content, "text/csv")}
    sent = page.post("/import", data={"entity": "sales_management.product"}, files=files)
    assert sent.status_code == 303, sent.text
    form = page.get(sent.headers["location"]).text
    assert "gb18030" in form
    assert "New one" in form
    done = import_file(page, "product", content, **{"column.name": "名称"})
    run = re.search(r"/import/([0-9a-f-]{36})/undo", done.text)
    assert run, done.text
    after = program.get(f"{API}/product", params={"count": "true"}).json()["count"]
    assert after > before
    began = page.post(f"/import/{run[1]}/undo")
    assert began.status_code == 303, began.text
    for _ in range(200):
        watched = page.get(began.headers["location"])
        if watched.status_code == 303:
            break
        time.sleep(0.05)
    assert watched.status_code == 303, watched.text
    page.get(watched.headers["location"])
    assert program.get(f"{API}/product", params={"count": "true"}).json()["count"] == before


def test_a_draft_and_a_run_belong_to_their_owner(workspace: Workspace) -> None:
    page = workspace.browser("rep")
    files = {"file": ("x.csv", b"name\nx\n", "text/csv")}
    place = page.post("/import", data={"entity": "sales_management.account"}, files=files).headers["location"]
    assert page.get(place).status_code == 200
    assert workspace.browser("other").get(place).status_code == 404
    for wrong in ("/import/draft/../../etc/passwd", "/import/draft/..%2f..%2fx", "/import/draft/" + "0" * 32):
        assert page.get(wrong).status_code == 404
    refused = page.post("/import", data={"entity": "core.user"}, files=files)
    assert refused.status_code == 422


EVIL = [
    r"^(a|a)*$", r"^(a+)+$", r"^([a-zA-Z]+)*$", r"(.*a){30}", r"^(a|aa)+$", r"(x+x+)+y", r"^(([a-z])+.)+[A-Z]([a-z])+$",
    r"(a*)*b", r"^(\w+\s?)*$", r"(?=a)b", r"(a)\1", r"(?<=x)y", r"a{1,1000}{1,1000}", r"((a{0,100}){0,100}){0,100}",
]  # fmt: skip

PARTS = ("a", r"\w", "[a-z]", "(a|a)", "(a|aa)", "a?", ".", r"\S", "(?:ab|a)", "[^!]")
AROUND = (
    "({}+)+$", "({}*)*$", "({}+)*!", "^({}+)+$", "^(({}+)+)+$", "({0}|{0}+)+$", "({0}{0}?)+$", "(.*{}){{20}}$", "({}{{1,40}}){{1,40}}$",
    "({}+){{10,}}$", "^(?:{}+)+b$", "({}*{0}*)*$", "({0}+{0}+)+$", "^({}?){{100}}$", "(({}*)*)*$", "({}+)+({0}+)+$", ".*{}.*{0}.*{0}.*!{{2}}",
    "^({}|x)*$", "({}{{2,}})*$",
)  # fmt: skip
GROWN = [shape.replace("{}", "{0}").format(part) for shape in AROUND for part in PARTS]


def test_t32_two_hundred_patterns_that_ruin_others_are_refused_or_cost_nothing() -> None:
    slow, taken = [], 0
    for pattern in {*EVIL, *GROWN}:
        try:
            matcher = linear_pattern(pattern)
        except Refused:
            continue
        taken += 1
        times = []
        for _ in range(3):
            started = time.process_time()
            matcher.is_valid("a" * 5000 + "!")
            times.append(time.process_time() - started)
        if min(times) > 0.01:
            slow.append((pattern, min(times)))
    assert slow == []
    assert len({*EVIL, *GROWN}) >= 200
    assert taken > 100


@pytest.mark.parametrize("pattern", EVIL)
def test_t32_a_pattern_is_refused_or_costs_nothing(pattern: str) -> None:
    started = time.perf_counter()
    try:
        matcher = linear_pattern(pattern)
    except Refused:
        return
    compiled = time.perf_counter()
    matcher.is_valid("a" * 5000 + "!")
    assert time.perf_counter() - compiled < 0.1
    assert compiled - started < 1


def test_t32_what_the_web_itself_matches_is_linear() -> None:
    for text in (
        "/" + "a/" * 20_000,
        "/apps/" + "a" * 50_000 + "!",
        "/a?" + "%" * 50_000,
        "a-" * 10_000 + ";q=1",
    ):
        started = time.perf_counter()
        security.own_path(text)
        security.preferred_locale(text[:200])
        assert time.perf_counter() - started < 0.05
