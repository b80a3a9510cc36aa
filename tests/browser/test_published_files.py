"""Files in published forms: chosen, bounded and signed by a stranger; kept only with what is saved."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import FilePayload, expect
from starlette.testclient import TestClient

from dacheng.plugins.context import User
from dacheng.runtime.services import publications, read_records
from dacheng.runtime.services.gate import Query
from dacheng.runtime.services.publications import Publication, Terms
from dacheng.runtime.storage import file_rows
from dacheng.runtime.web.app import build_app
from tests.browser.conftest import Served
from tests.security.test_published_forms import hidden_inputs
from tests.support.browser import PHONE, Chromium, axe_violations

pytestmark = pytest.mark.browser
SignIn = Callable[..., None]
FIELDS = ("name", "papers", "signed")
OWN = {"sec-fetch-site": "same-origin"}


def publish(served: Served, **more: Any) -> Publication:
    served.host.refresh()
    asking = User(served.people["admin"], "Ada", frozenset({"core.admin"}))
    work = served.host.work(asking)
    terms = Terms("报名", FIELDS, wait=0, **more)
    return served.host.db.write_now(lambda tx: publications.publish(tx, work, "trade.deal", terms))


def named(served: Served, name: str) -> list[dict[str, Any]]:
    asked = Query("trade.deal", FIELDS, {"==": [{"var": "name"}, name]})
    return served.host.db.read_now(
        lambda reader: read_records.list_page(reader, served.host.work(), asked).json()
    )


def paper(name: str, size: int = 60) -> FilePayload:
    return {"name": name, "mimeType": "text/plain", "buffer": b"words " * (size // 6)}


@pytest.fixture
def visitor(trading: Served) -> Iterator[TestClient]:
    with TestClient(build_app(trading.host), follow_redirects=False) as client:
        yield client


def test_a_stranger_on_a_phone_sends_papers_and_a_signature(trading: Served, chromium: Chromium) -> None:
    form = publish(trading, consent="同意保存")
    page, recorder = chromium.open(trading.url, size=PHONE)
    page.goto(f"/f/{form.token}")
    page.fill("#f-name", "带文件的访客")
    box = page.locator("[data-name=papers]")
    page.set_input_files("#f-papers", [paper("简历.txt"), paper("太大.txt", 3_100_000)])
    expect(box.locator(".files-item")).to_have_count(1)
    expect(box.locator(".files-said")).to_have_text("文件超过 3 MB。")
    page.set_input_files("#f-papers", paper("证书.txt"))
    expect(box.locator(".files-item")).to_have_count(2)
    page.locator("[data-sign]").click()
    page.fill("[data-typed]", "张访客")
    page.locator("[data-use]").click()
    expect(page.locator("[data-name=signed] .files-item")).to_have_count(1)
    assert axe_violations(page) == []
    page.check("[name=_consent]")
    page.click("[data-save]")
    page.wait_for_url("**/done")
    (record,) = named(trading, "带文件的访客")
    assert [each["name"] for each in record["papers"]] == ["简历.txt", "证书.txt"]
    assert record["signed"][0]["type"] == "image/png"
    recorder.assert_clean(page)


def test_what_is_refused_keeps_no_file_and_borrows_none(trading: Served, visitor: TestClient) -> None:
    form = publish(trading, consent="同意保存")
    link = f"/f/{form.token}"

    def sent(files: list[tuple[str, Any]], **texts: str) -> int:
        inputs = {**hidden_inputs(visitor.get(link).text), **texts}
        return visitor.post(link, data=inputs, files=files, headers=OWN).status_code

    def waiting() -> int:
        return trading.host.db.read_now(lambda reader: file_rows.waiting(reader, form.id))

    small, large = ("a.txt", b"some words", "text/plain"), ("b.txt", b"x" * 3_000_001, "text/plain")
    assert sent([("papers.upload", small)], name="没有同意") == 422
    assert sent([("papers.upload", large)], name="太大", _consent="1") == 422
    assert sent([("papers.upload", small)] * 4, name="太多", _consent="1") == 422
    assert sent([("other.upload", small)], name="别的", _consent="1") == 303
    assert waiting() == 0
    assert sent([("signed.upload", small)], name="不是图片", _consent="1") == 422
    assert waiting() == 1  # forgotten within a day, read by nobody
    assert sent([("papers.upload", small)], name="收下", _consent="1") == 303
    (kept,) = named(trading, "收下")
    borrowed = f'[{{"id": "{kept["papers"][0]["id"]}"}}]'
    assert sent([], name="借用", papers=borrowed, _consent="1") == 303
    assert named(trading, "借用")[0]["papers"] is None
    assert sent([], name="又借", _consent="1", **{"papers.added": borrowed}) == 303
    assert named(trading, "又借")[0]["papers"] is None
    assert [each["name"] for each in named(trading, "别的")] == ["别的"]
    assert not named(trading, "没有同意")
    assert not named(trading, "不是图片")


def test_a_form_takes_so_many_bytes_a_day_and_no_more(
    trading: Served, visitor: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = publish(trading)
    link = f"/f/{form.token}"
    monkeypatch.setattr(publications, "DAILY_BYTES", 30)
    for name, status in (("第一份", 303), ("第二份", 429)):
        inputs = {**hidden_inputs(visitor.get(link).text), "name": name}
        files = [("papers.upload", ("a.txt", b"twenty bytes of text", "text/plain"))]
        assert visitor.post(link, data=inputs, files=files, headers=OWN).status_code == status
    assert not named(trading, "第二份")
