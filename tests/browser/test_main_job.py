"""The main job: a firm's pipeline goes in by wizard and by command, the dashboard is true, undo takes all out again."""

from __future__ import annotations

import csv
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Page, expect

from tests.browser.pipeline import BAD, FIRST, LAST, Pipeline, write_pipeline
from tests.support.browser import Chromium
from tests.support.source import ROOT

pytestmark = pytest.mark.browser
MAPS = ROOT / "docs" / "examples" / "crm"
COMMAND = [sys.executable, "-m", "dacheng.runtime.cli"]
PASSWORD = "a long pass phrase for tests"
EMAIL = "admin@example.com"
FILES = (
    ("accounts", "sales_management.account", 1),
    ("products", "sales_management.product", 1),
    ("people", "core.user", 0),
    ("opportunities", "sales_management.opportunity", len(BAD)),
)
DASHBOARD = f"/apps/sales_management/dashboards/overview?from={FIRST}&to={LAST}"
OPPORTUNITIES = "/apps/sales_management/opportunity"
Serve = Callable[[Path], tuple[str, str]]


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    """The four files, written anew."""
    folder = tmp_path / "files"
    folder.mkdir()
    return write_pipeline(folder)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """`serve(data)` runs `dacheng serve` there; answers its address and the set-up token, if it printed one."""
    running: list[subprocess.Popen[bytes]] = []

    def start(data: Path) -> tuple[str, str]:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        said = tmp_path / "serve.log"
        with said.open("wb") as log:
            words = ["serve", "--data", str(data), "--port", str(port)]
            running.append(subprocess.Popen([*COMMAND, *words], cwd=tmp_path, stdout=log, stderr=log))
        url, limit = f"http://127.0.0.1:{port}", time.monotonic() + 60
        while not _answers(url):
            assert running[-1].poll() is None, said.read_text("utf-8")
            assert time.monotonic() < limit
            time.sleep(0.1)
        token = re.search(r"token: (\S+)", said.read_text("utf-8"))
        return url, token[1] if token else ""

    yield start
    for server in running:
        server.terminate()
        server.wait(20)


def _answers(url: str) -> bool:
    try:
        httpx2.get(f"{url}/sign-in")
    except httpx2.TransportError:
        return False
    return True


def command(folder: Path, *words: str, stdin: str = "") -> Any:
    """What a command with `--json` answers; it must succeed."""
    called = [*COMMAND, *words, "--json", "--data", str(folder / "data")]
    done = subprocess.run(called, cwd=folder, input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_the_pipeline_goes_in_by_command_and_mended_rows_after_it(
    tmp_path: Path, pipeline: Pipeline, serve: Serve, chromium: Chromium
) -> None:
    command(tmp_path, "app", "install", "sales_management", "--no-sample")
    command(tmp_path, "setup", EMAIL, "--name", "管理员", "--password-stdin", stdin=f"{PASSWORD}\n")
    runs = {}
    for name, ref, bad in FILES:
        done = runs[name] = carry_in(tmp_path, ref, pipeline.file(name), MAPS / f"{name}.map.json")
        assert (done["rows"], done["failed"]) == (pipeline.rows[name], bad)
        assert done["stored"] == done["created"] == done["rows"] - bad
    assert runs["people"]["linked"] == {"core.department": 3, "core.user": 3}
    mend_and_take_back(tmp_path, Path(runs["opportunities"]["errors"]))
    url, token = serve(tmp_path / "data")
    assert token == ""
    page, recorder = chromium.open(url)
    page.goto("/sign-in")
    page.fill("[name=email]", EMAIL)
    page.fill("[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url("**/")
    assert_true(page, pipeline)
    recorder.assert_clean(page)


def mend_and_take_back(folder: Path, errors: Path) -> None:
    """The error file names every bad row and why; mended it goes in whole, and comes out again."""
    rows = read_csv(errors.read_text("utf-8-sig"))
    assert [row["opportunity_id"] for row in rows] == [bad[0] for bad in BAD]
    fields = ("Owner", "Main product", "Customer", "Stage", "Closed on", "Amount", "Code")
    for row, field in zip(rows, fields, strict=True):
        assert list(row.values())[-1].startswith(f"{field}:")
    good = {"sales_agent": "李娜", "product": "GTXPro", "account": "", "deal_stage": "Won"}
    good |= {"close_date": "2017-02-03", "close_value": "5"}
    mended = folder / "mended.csv"
    with mended.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(row | good | {"opportunity_id": f"M{n}"} for n, row in enumerate(rows))
    again = carry_in(folder, FILES[3][1], mended, MAPS / "opportunities.map.json")
    assert (again["stored"], again["failed"]) == (len(BAD), 0)
    undone = command(folder, "undo-import", again["run"])
    assert (undone["reversed"], undone["kept"], undone["failed"]) == (len(BAD), 0, 0)


def carry_in(folder: Path, ref: str, file: Path, mapping: Path) -> Any:
    """Import one file by command."""
    app, entity = ref.split(".")
    return command(folder, "import", app, entity, str(file), "--map", str(mapping))


def read_csv(text: str) -> list[dict[str, str]]:
    """Rows of a CSV file by the names of its columns."""
    return list(csv.DictReader(text.splitlines()))


def test_the_pipeline_goes_in_by_wizard_and_out_again(
    tmp_path: Path, pipeline: Pipeline, serve: Serve, chromium: Chromium
) -> None:
    url, token = serve(tmp_path / "data")
    page, recorder = chromium.open(url)
    set_up(page, token)
    runs = [bring_in(page, pipeline, name, ref, bad) for name, ref, bad in FILES]
    assert_true(page, pipeline)
    for run in reversed(runs):
        page.goto(run)
        page.click(".import-undo summary")
        page.click("form[action$='/undo'] button")
        page.wait_for_selector(".notice", timeout=60_000)
        expect(page.locator(".notice")).to_contain_text("因有修改而保留 0 条，无法撤销 0 条")
    page.goto(OPPORTUNITIES)
    expect(page.locator("td.main")).to_have_count(0)
    recorder.assert_clean(page)


def set_up(page: Page, token: str) -> None:
    """The first administrator, then Sales Management without its sample data."""
    page.goto("/setup")
    for name, text in {"token": token, "name": "管理员", "email": EMAIL, "password": PASSWORD}.items():
        page.fill(f"[name={name}]", text)
    page.click("main button[type=submit]")
    page.wait_for_url("**/marketplace")
    page.goto("/marketplace/sales_management")
    page.set_checked("[name=sample]", False)
    page.click("form[action$='/install'] button")
    page.wait_for_selector("main .pill", timeout=60_000)


def bring_in(page: Page, pipeline: Pipeline, name: str, ref: str, bad: int) -> str:
    """One file through every step of the wizard; answers the address of the import."""
    rows = pipeline.rows[name]
    page.goto("/import")
    page.select_option("[name=entity]", ref)
    page.set_input_files("[name=file]", pipeline.file(name))
    page.click("main form button[type=submit]")
    page.wait_for_selector("#h-map")
    expect(page.locator("[name=encoding]")).to_have_value("utf-8")
    fill_mapping(page, json.loads((MAPS / f"{name}.map.json").read_text("utf-8")))
    page.click("[value=check]")
    page.wait_for_selector("#h-check")
    assert facts(page)[:2] == [rows, rows - bad]
    page.click("[value=run]")
    page.wait_for_selector("#progress dl", timeout=180_000)
    assert facts(page)[:4] == [rows, rows - bad, 0, bad]
    if bad:
        with page.expect_download() as started:
            page.click("a[href$='/errors.csv']")
        text = started.value.path().read_text("utf-8-sig")
        assert len(read_csv(text)) == bad
    return page.url


def fill_mapping(page: Page, mapping: dict[str, Any]) -> None:
    """What an administrator would choose on the mapping page to say the same as `mapping`."""
    for select in page.locator("select[name^='column.']").all():
        name = (select.get_attribute("name") or "").removeprefix("column.")
        one = mapping["columns"].get(name, {})
        select.select_option(one.get("column", ""))
        for key in ("match", "missing"):
            if key in one:
                page.select_option(f"[name='{key}.{name}']", one[key])
        if "format" in one:
            page.fill(f"[name='format.{name}']", one["format"])
        if "values" in one:
            box = page.locator(f"[name='values.{name}']")
            if not box.is_visible():
                page.click(f"#f-{name} summary")
            box.fill("\n".join(f"{old} => {new}" for old, new in one["values"].items()))
    page.select_option("[name=key]", mapping["key"])
    page.set_checked("[name=historic]", bool(mapping.get("historic")))
    page.set_checked("[name=rules]", mapping.get("rules", True))


def facts(page: Page) -> list[int]:
    """The figures of the check or of the outcome, in order."""
    found = page.locator("dl.facts dd").all_inner_texts()
    return [int(re.sub(r"\D.*", "", text.replace(",", ""), flags=re.DOTALL)) for text in found]


def assert_true(page: Page, pipeline: Pipeline) -> None:
    """Dashboard, API, the lists behind the bars and the list itself agree with the files."""
    truth = pipeline.figures
    page.goto(DASHBOARD)
    assert number(page.inner_text("[aria-labelledby=widget-won_count] .figure-value")) == truth.count
    assert number(page.inner_text("[aria-labelledby=widget-won_amount] .figure-value")) == truth.amount
    behind: dict[str, int] = {}
    for dimension, groups in truth.by.items():
        rows = page.eval_on_selector_all(
            f"[aria-labelledby=widget-amount_by_{dimension}] tbody tr",
            "rows => rows.map((row) => [...row.cells].map((cell) => cell.textContent.trim())"
            ".concat(row.querySelector('a').getAttribute('href')))",
        )
        assert {row[0]: number(row[2]) for row in rows} == {key: value for key, (_, value) in groups.items()}
        behind |= {row[3]: groups[row[0]][0] for row in rows if dimension in ("product", "manager")}
        for name, part in (("won_count", 0), ("won_amount", 1)):
            answer = page.request.get(
                f"/api/v1/measures/sales_management/{name}?dimension={dimension}&from={FIRST}&to={LAST}"
            )
            found = {each["label"]: Decimal(each["value"]) for each in answer.json()["groups"]}
            assert found == {key: pair[part] for key, pair in groups.items()}
    for address, count in behind.items():
        page.goto(address)
        assert listed(page) == count
    page.goto(OPPORTUNITIES)
    assert listed(page) == pipeline.rows["opportunities"] - len(BAD)
    assert empty(page, "account") == pipeline.without_account
    assert empty(page, "engaged_on") == pipeline.open_without_dates


def empty(page: Page, field: str) -> int:
    """How many records the API finds without a value there."""
    found = 0
    cursor: str | None = ""
    query: dict[str, str | float | bool] = {
        "filter": json.dumps({"==": [{"var": field}, None]}),
        "fields": "code",
        "limit": "200",
    }
    while cursor is not None:
        answer = page.request.get(
            f"/api/v1{OPPORTUNITIES}", params={**query, "cursor": cursor} if cursor else query
        ).json()
        found, cursor = found + len(answer["items"]), answer["next"]
    return found


def number(text: str) -> Decimal:
    """The number in a text such as ¥1,234."""
    return Decimal(re.sub(r"[^\d.]", "", text))


def listed(page: Page) -> int:
    """How many records the list says it has."""
    found = re.search(r"共\s*([\d,]+)\s*条", page.inner_text("main"))
    assert found is not None
    return int(found[1].replace(",", ""))
