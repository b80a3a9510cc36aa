"""Every field kind in one form: filled, saved, reopened, filtered by, exported, cleared and imported again."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Locator, Page, expect

from dacheng.metadata.definition import Package
from dacheng.runtime.services import write_record
from dacheng.runtime.services.write_record import Write
from tests.browser.conftest import ADA, PASSWORD, serving
from tests.browser.kind_fillers import COMPUTED, FILLED
from tests.contracts.field_kinds.cases import CASES
from tests.contracts.field_kinds.house import KINDS, labelled, manifest
from tests.support.browser import DESKTOP, PHONE, Chromium

pytestmark = pytest.mark.browser
LIST, API = "/apps/every/thing", "/api/v1/apps/every/thing"
WRITABLE = (
    "input:not([readonly], [disabled], [type=hidden]), select:not([disabled]), textarea:not([readonly])"
)
STATE = """form => [...new FormData(form)]
  .filter(([name, value]) => typeof value === "string" && value && name.startsWith("v_"))
  .filter(([name]) => !/[.](sent|id|add)$/.test(name))
  .map(([name, value]) => `${name} ${value.replace(/[\\s,]/g, "")}`)"""


OWN: Mapping[str, Mapping[str, Any]] = {
    "lines": {"x-entity": "part"},
    "decimal": {"x-scale": 2},
    "text": {"maxLength": 40},
}


def test_every_kind_of_the_registry_is_filled_or_shown() -> None:
    assert set(KINDS.fields) == FILLED.keys() | COMPUTED.keys()


def every() -> Package:
    spec = {kind: OWN.get(kind) or (CASES[kind].property if kind in CASES else {}) for kind in KINDS.fields}
    spec |= {kind: about for kind, (about, _) in COMPUTED.items()}
    named = {"name": {"x-kind": "text", "x-required": True, "x-unique": True, "x-order": 0}}
    fields = {
        f"v_{kind}": {**spec[kind], "x-kind": kind, "x-order": at}
        for at, kind in enumerate(sorted(KINDS.fields), 1)
    }
    part = {
        "goods": {"x-kind": "text", "x-required": True, "x-order": 1},
        "pieces": {"x-kind": "integer", "x-order": 2},
    }
    return labelled(
        {
            "app.json": manifest("every", "thing"),
            "entities/thing.json": {
                "id": "thing",
                "type": "object",
                "x-title": "name",
                "properties": {**named, **fields},
            },
            "entities/part.json": {
                "id": "part",
                "type": "object",
                "x-title": "goods",
                "x-parent": "thing",
                "properties": part,
            },
        }
    )


@pytest.fixture(scope="module")
def every_kind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A served workspace whose one entity has a field of every kind."""
    with serving(tmp_path_factory.mktemp("every"), ADA, every()) as served:
        for name in ("North", "South"):
            made = Write("create", "core.department", None, values={"name": name})
            write_record.write_now(served.host.db, served.host.work(), made)
        yield served.url


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_every_kind_is_filled_saved_reopened_filtered_by_exported_and_imported(
    every_kind: str, chromium: Chromium, tmp_path: Path, size: tuple[int, int]
) -> None:
    page, recorder = chromium.open(every_kind, size=size)
    page.context.grant_permissions(["geolocation"])
    page.context.set_geolocation({"latitude": 31.25, "longitude": 121.5, "accuracy": 5})
    _enter(page)
    name, other = f"Full {size[0]}", f"Empty {size[0]}"
    assert _send(page, "POST", API, {"name": other}).status == 201
    page.goto(f"{LIST}/new")
    page.fill("[name=name]", name)
    for kind, filled in FILLED.items():
        filled.fill(page.locator(f"[data-field=v_{kind}]"))
    sent = _entries(page)
    page.click("[data-save]")
    page.wait_for_url(f"**{LIST}/*-*")
    ident = page.url.split("?")[0].rsplit("/", 1)[1]
    held = _record(page, ident)
    assert _unlike(held) == []
    shown = page.locator("main").inner_text()
    assert [text for _, text in COMPUTED.values() if text not in shown] == []
    page.goto(f"{LIST}/{ident}/edit")
    assert _entries(page) == sent
    for kind in COMPUTED:
        assert page.locator(f"[data-field=v_{kind}]").locator(WRITABLE).count() == 0, kind
    page.fill("[name=name]", f"{name}!")
    page.click("[data-save]")
    page.wait_for_url(f"**{LIST}/{ident}*")
    name += "!"
    assert _values(_record(page, ident)) == _values(held)
    for kind in sorted(FILLED.keys() - {"lines"})[size == PHONE :: 2]:
        _filtered(page, kind, name, other)
    file = _exported(page, tmp_path, name)
    columns = next(csv.reader(file.read_text("utf-8-sig").splitlines()))
    labels = {kind: f"L field thing v_{kind}" for kind in FILLED}
    carried = {kind for kind, label in labels.items() if label in columns}
    assert FILLED.keys() - carried == {"lines"}, "lines come and go as records of their own"
    cleared = _send(page, "PATCH", f"{API}/{ident}", dict.fromkeys(f"v_{kind}" for kind in carried))
    assert cleared.status == 200, cleared.text()
    assert all(_values(_record(page, ident))[kind] is None for kind in carried)
    _brought_back(page, file)
    assert _values(_record(page, ident)) == _values(held)
    recorder.assert_clean(page)


def _enter(page: Page) -> None:
    page.goto("/sign-in")
    page.fill("[name=email]", "ada@example.com")
    page.fill("[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url("**/")


def _entries(page: Page) -> set[str]:
    """What the form would send for the kinds that are filled in, however digits are set apart."""
    told = {f"v_{kind}" for kind in COMPUTED} | {
        "v_checkin"
    }  # a check-in comes back with what was worked out
    found: list[str] = page.eval_on_selector("form.record-form", STATE)
    return {each for each in found if each.split(" ")[0] not in told}


def _send(page: Page, method: str, address: str, body: Any) -> Any:
    headers = {"sec-fetch-site": "same-origin", "if-match": "*"}
    return page.request.fetch(address, method=method, data=body, headers=headers)


def _record(page: Page, ident: str) -> dict[str, Any]:
    found: dict[str, Any] = page.request.get(f"{API}/{ident}").json()
    return found


def _values(record: Mapping[str, Any]) -> dict[str, Any]:
    """What the record holds in each field that is filled in."""
    return {kind: record.get(f"v_{kind}") for kind in FILLED}


def _unlike(held: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The kinds whose values are not what was filled in."""
    return [
        (kind, value)
        for kind, value in _values(held).items()
        if not (FILLED[kind].value(value) if callable(FILLED[kind].value) else value == FILLED[kind].value)
    ]


def _filtered(page: Page, kind: str, name: str, other: str) -> None:
    """The list narrowed by the kind's first operator holds the full record and not the empty one."""
    page.goto(f"{LIST}/filter")
    with page.expect_response(lambda answer: "/filter?" in answer.url):
        page.select_option("[name='f.0-0']", f"v_{kind}")
    value, asked = page.locator(".filter-value"), FILLED[kind].asked
    expect(page.locator("[name='o.0-0']")).to_be_visible()
    if value.count():
        assert asked, f"{kind}: what is the filter asked for?"
        _asked(value, asked)
    page.click(".filter-done .btn-primary")
    expect(page.locator(".chip")).to_have_count(1)
    titles = page.locator("tbody td.main").all_inner_texts()
    assert (name in titles, other in titles) == (True, False), kind


def _asked(value: Locator, asked: str) -> None:
    combo, select = value.get_by_role("combobox").and_(value.locator("input")), value.locator("select")
    if combo.count():
        combo.fill(asked)
        value.get_by_role("option", name=asked).click()
    elif value.locator("input.in, textarea").count():
        value.locator("input.in:not([hidden]), textarea").first.fill(asked)
    elif select.count():
        select.first.select_option(asked)
    else:
        value.locator(f"[value='{asked}']").first.check(force=True)


def _exported(page: Page, folder: Path, name: str) -> Path:
    """The list narrowed to one record, every column, as the file that a person gets."""
    asked = quote(json.dumps({"==": [{"var": "name"}, name]}))
    answer = page.request.get(f"{LIST}/export.csv?filter={asked}")
    assert answer.status == 200
    file = folder / "things.csv"
    file.write_bytes(answer.body())
    return file


def _brought_back(page: Page, file: Path) -> None:
    """The file through the wizard as it proposes, updating by the name."""
    page.goto("/import")
    page.select_option("[name=entity]", "every.thing")
    page.set_input_files("[name=file]", file)
    page.click("main form button[type=submit]")
    page.wait_for_selector("#h-map")
    page.select_option("[name=key]", "name")
    page.check("[name=historic]")
    for select in page.locator("select[name^='match.']").all():
        if select.is_visible():
            select.select_option("name")
    page.click("[value=check]")
    page.wait_for_selector("#h-check")
    page.click("[value=run]")
    expect(page.locator("#progress .pill")).to_have_text("已完成")
