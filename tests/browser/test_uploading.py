"""Files on their way: how far they are, stopped, sent again after a dropped network, refused in plain words."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import FilePayload, Page, expect

from dacheng.runtime.services import write_record
from dacheng.runtime.services.write_record import Write
from tests.browser.conftest import Served
from tests.support.browser import DESKTOP, PHONE, Chromium, axe_violations

pytestmark = pytest.mark.browser
SignIn = Callable[..., None]
NEW = "/apps/trade/deal/new"
SLOW = 100_000  # bytes a second
SOME = re.compile(r"^[1-9]\d?%$")


def paper(name: str, size: int = 40) -> FilePayload:
    return {"name": name, "mimeType": "text/plain", "buffer": b"words " * (size // 6)}


def network_of(page: Page) -> Callable[..., None]:
    """What sets how many bytes a second the page's network takes; -1 for all there are."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")

    def put(upload: int = -1) -> None:
        conditions = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": upload}
        session.send("Network.emulateNetworkConditions", conditions)

    return put


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_file_on_its_way_shows_how_far_it_is_and_is_stopped(
    trading: Served, chromium: Chromium, sign_in: SignIn, size: tuple[int, int]
) -> None:
    page, recorder = chromium.open(trading.url, size=size)
    sign_in(page)
    page.goto(NEW)
    page.fill("#f-name", "上传")
    box = page.locator("[data-name=papers]")
    bar, save = box.locator("progress"), page.locator("[data-save]")
    network = network_of(page)
    network(SLOW)
    page.set_input_files("#f-papers", paper("很长的合同扫描件.txt", 2_000_000))
    expect(box.locator(".upload-said")).to_have_text(SOME)
    expect(save).to_be_disabled()
    assert axe_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    box.get_by_role("button", name="取消上传").click()
    expect(bar).to_have_count(0)
    expect(save).to_be_enabled()
    expect(box.locator(".files-item")).to_have_count(0)
    network()
    page.set_input_files("#f-papers", paper("短.txt"))
    expect(box.locator(".files-item")).to_have_count(1)
    page.set_input_files("#f-papers", paper("太大.txt", 3_100_000))
    expect(box.locator(".files-said")).to_have_text("文件超过 3 MB。")
    page.set_input_files("#f-signed", paper("不是图片.txt"))
    expect(page.locator("[data-name=signed] .files-said")).to_contain_text("“不是图片.txt”的类型不符")
    recorder.assert_clean(page)


def test_an_upload_goes_on_when_the_network_is_back(
    trading: Served, chromium: Chromium, sign_in: SignIn
) -> None:
    page, _ = chromium.open(trading.url)
    sign_in(page)
    page.goto(NEW)
    page.fill("#f-name", "断网上传")
    box = page.locator("[data-name=papers]")
    page.context.set_offline(True)
    page.set_input_files("#f-papers", paper("一.txt"))
    row = box.locator(".upload")
    expect(row).to_contain_text("上传中断")
    row.get_by_role("button", name="重试").click()
    expect(row).to_contain_text("上传中断")
    assert row.evaluate("row => row.scrollWidth <= row.clientWidth")
    page.context.set_offline(False)
    expect(box.locator(".files-item")).to_have_count(1)
    expect(row).to_have_count(0)
    page.click("[data-save]")
    page.wait_for_selector(".record-head")
    expect(page.locator("dd", has_text="一.txt")).to_be_visible()


def test_an_attachment_on_its_way_shows_how_far_it_is(
    trading: Served, chromium: Chromium, sign_in: SignIn
) -> None:
    trading.host.refresh()
    write = Write("create", "trade.deal", None, values={"name": "带附件"}, rules=False)
    record = write_record.write_now(trading.host.db, trading.host.work(), write).id
    page, recorder = chromium.open(trading.url, size=PHONE)
    sign_in(page)
    page.goto(f"/apps/trade/deal/{record}")
    network = network_of(page)
    network(SLOW)
    card = page.locator("#attachments")
    card.locator("input[name=file]").set_input_files(paper("附件.txt", 300_000))
    expect(card.locator(".upload-said")).to_have_text(SOME)
    assert axe_violations(page) == []
    network()
    expect(card.locator(".attached")).to_contain_text("附件.txt")
    expect(page.locator(".notice")).to_contain_text("附件.txt")
    recorder.assert_clean(page)
