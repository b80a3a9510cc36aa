"""A record's company in use: comments with a mention, the bell, the timeline, a change taken back and done again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import FilePayload, Page, expect

from dacheng.runtime.services import outbox_worker
from tests.browser.conftest import Served
from tests.browser.test_use import create
from tests.support.browser import DESKTOP, PHONE, Chromium
from tests.support.pictures import picture

pytestmark = pytest.mark.browser
SignIn = Callable[..., None]


@pytest.mark.parametrize("phone", [False, True])
def test_a_colleague_is_mentioned_told_and_answers(
    served: Served, chromium: Chromium, sign_in: SignIn, axe: Callable[[Page], list[object]], phone: bool
) -> None:
    outbox_worker.drain(served.host)
    page, recorder = chromium.open(served.url, size=PHONE if phone else DESKTOP)
    sign_in(page)
    page.goto(f"{served.url}/notifications")
    read_all = page.locator(".record-head form button")
    if read_all.count():  # what other tests left unread
        read_all.click()
    expect(page.locator(".badge")).to_have_count(0)
    page, recorder = chromium.open(served.url, size=PHONE if phone else DESKTOP)
    sign_in(page, "rep")
    address = create(page, f"需要协助的单 {phone}")
    composer = page.locator(".composer").first
    composer.locator("textarea").click()
    page.keyboard.type("方案见 https://example.com/a?b=1 @周")
    expect(composer.locator("[role=option]")).to_have_count(1)
    page.keyboard.press("Enter")
    page.keyboard.type("请看 <b>一下</b>")
    composer.locator("button[type=submit]").click()
    said = page.locator(".said").first
    expect(said).to_contain_text("@周敏 请看 <b>一下</b>")
    expect(said.locator("a")).to_have_attribute("href", "https://example.com/a?b=1")
    expect(said.locator(".mention")).to_have_text("@周敏")
    assert axe(page) == []
    recorder.assert_clean(page)
    outbox_worker.drain(served.host)
    page, recorder = chromium.open(served.url, size=PHONE if phone else DESKTOP)
    sign_in(page)
    expect(page.locator(".badge")).to_contain_text("1 ")
    page.click(".bell")
    expect(page.locator(".inbox .new")).to_have_count(1)
    assert axe(page) == []
    page.locator(".inbox .new .inbox-go").click()
    page.wait_for_url(f"{address}**")
    expect(page.locator(".badge")).to_have_count(0)
    page.locator(".composer textarea").first.fill("收到")
    page.locator(".composer button[type=submit]").first.click()
    expect(page.locator(".said")).to_have_count(2)
    recorder.assert_clean(page)


def test_the_timeline_is_narrowed_and_a_change_is_taken_back_and_done_again(
    served: Served, chromium: Chromium, sign_in: SignIn
) -> None:
    page, recorder = chromium.open(served.url)
    sign_in(page)
    address = create(page, "改来改去")
    page.goto(f"{address}/edit")
    page.fill("#f-amount", "777")
    page.click("[data-save]")
    page.wait_for_selector(".record-head")
    page.locator(".composer textarea").fill("改过金额")
    page.locator(".composer button[type=submit]").click()
    page.locator(".take-back").first.click()
    expect(page.locator("main")).to_contain_text("¥12,345.50")
    page.locator(".notice button").click()
    expect(page.locator("main")).to_contain_text("¥777.00")
    page.locator(".kinds a").nth(1).click()
    expect(page.locator(".timeline > li")).to_have_count(1)
    assert page.url.split("#")[0] == address
    page.locator(".kinds a").nth(2).click()
    expect(page.locator(".timeline .said")).to_have_count(0)
    recorder.assert_clean(page)


def test_earlier_events_are_added_below(served: Served, chromium: Chromium, sign_in: SignIn) -> None:
    page, recorder = chromium.open(served.url)
    sign_in(page)
    create(page, "很多评论")
    for number in range(25):
        page.evaluate(
            """async ([path, text]) => {
                await fetch(path, {method: "POST", body: new URLSearchParams({text, mentions: ""})});
            }""",
            [page.url.split("#")[0] + "/comments", f"第 {number} 条"],
        )
    page.reload()
    expect(page.locator(".timeline > li")).to_have_count(20)
    page.locator(".earlier a").click()
    expect(page.locator(".timeline > li")).to_have_count(27)  # with the creation, and what a rule did then
    expect(page.locator(".earlier a")).to_have_count(0)
    recorder.assert_clean(page)


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_a_colleague_is_put_on_a_record_and_taken_off(
    served: Served, chromium: Chromium, sign_in: SignIn, size: tuple[int, int]
) -> None:
    page, recorder = chromium.open(served.url, size=size)
    sign_in(page)
    address = create(page, "一起跟进")
    other, _ = chromium.open(served.url, size=size)
    sign_in(other, "rep")
    assert other.goto(address).status == 404  # type: ignore[union-attr]
    page.locator(".team-add summary").click()
    page.select_option("#team-user", label="李娜")
    page.locator(".team-add button").click()
    expect(page.locator(".team")).to_contain_text("李娜")
    assert other.goto(address).status == 200  # type: ignore[union-attr]
    expect(other.locator(".record-head a[data-key=e]")).to_have_count(0)
    page.locator(".team button").click()
    expect(page.locator(".team")).to_have_count(0)
    assert other.goto(address).status == 404  # type: ignore[union-attr]
    recorder.assert_clean(page)


def test_a_rep_on_a_phone_attaches_a_photo_and_takes_it_off_and_back(
    served: Served, chromium: Chromium, sign_in: SignIn, axe: Callable[[Page], list[object]]
) -> None:
    page, recorder = chromium.open(served.url, size=PHONE)
    sign_in(page, "rep")
    create(page, "拍了门头的单")
    card = page.locator("#attachments")
    shot = picture("PNG", width=900, height=600)
    photo = FilePayload(name="门头.png", mimeType="image/png", buffer=shot)
    card.locator("[name=photo]").set_input_files(photo)
    expect(card.locator(".attached li")).to_have_count(1)
    expect(card.locator(".attached li")).to_contain_text("李娜")
    expect(page.locator(".timeline")).to_contain_text("添加附件“门头.png”")
    shown = card.locator("img")
    shown.scroll_into_view_if_needed()  # a picture is fetched when it comes into sight
    expect(shown).to_have_js_property("complete", True)
    assert shown.evaluate("image => image.naturalWidth") > 0
    page.evaluate("scrollTo(0, 0)")
    assert axe(page) == []
    card.locator(".attached form button").click()
    expect(page.locator("#attachments .attached")).to_have_count(0)
    page.locator(".notice button").click()
    expect(page.locator("#attachments .attached li")).to_have_count(1)
    recorder.assert_clean(page)


def test_files_are_dropped_on_their_card_or_pasted(
    served: Served, chromium: Chromium, sign_in: SignIn
) -> None:
    page, recorder = chromium.open(served.url)
    sign_in(page)
    create(page, "拖了文件的单")
    for way in ("drop", "paste"):
        page.wait_for_load_state("load")  # what was dropped reloads the page
        page.evaluate(
            """way => {
                const carried = new DataTransfer();
                carried.items.add(new File(["hello"], `${way}.txt`, {type: "text/plain"}));
                const given = {bubbles: true, cancelable: true};
                const event = way === "drop"
                    ? new DragEvent("drop", {...given, dataTransfer: carried})
                    : new ClipboardEvent("paste", {...given, clipboardData: carried});
                document.getElementById("attachments").dispatchEvent(event);
            }""",
            way,
        )
        expect(page.locator(".attached")).to_contain_text(f"{way}.txt")
    recorder.assert_clean(page)


def test_what_a_person_owns_is_handed_over_and_taken_back(
    served: Served, chromium: Chromium, sign_in: SignIn, axe: Callable[[Page], list[object]]
) -> None:
    page, _ = chromium.open(served.url)
    sign_in(page, "rep")
    address = create(page, "要交接的单")
    page, recorder = chromium.open(served.url)
    sign_in(page)
    page.goto(f"/apps/core/user/{served.people['rep']}")
    page.locator(".record-head a[href^='/handover/']").click()
    expect(page.locator("main")).to_contain_text("李娜")
    assert axe(page) == []
    page.locator("#f-to label", has_text="周敏").click()
    page.locator("main form button[type=submit]").click()
    expect(page.locator("main")).to_contain_text("已交接")
    page.goto(address)
    expect(page.locator(".facts")).not_to_have_count(0)
    expect(page.locator(".person", has_text="周敏").first).to_be_visible()
    expect(page.locator(".timeline li").first).to_contain_text("交接")
    page.go_back()
    page.locator("main form button").click()
    expect(page.locator("main")).to_contain_text("已退回")
    page.goto(address)
    expect(page.locator(".person", has_text="李娜").first).to_be_visible()
    recorder.assert_clean(page)


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_the_recycle_bin_gives_back_and_ends_for_good(
    served: Served, chromium: Chromium, sign_in: SignIn, axe: Callable[[Page], list[object]],
    size: tuple[int, int],
) -> None:  # fmt: skip
    page, recorder = chromium.open(served.url, size=size)
    sign_in(page)
    name = f"扔掉的单 {size[0]}"
    address = create(page, name)
    page.click(".btn-danger")
    page.locator(".me").click()
    page.locator("a[href='/recycle-bin']").click()
    page.fill("main input[type=search]", name)
    page.locator("main form[role=search] button").click()
    assert axe(page) == []
    page.locator("main .inbox form button").first.click()
    page.wait_for_url(address)
    page.click(".btn-danger")
    page.goto(f"/recycle-bin?q={name}")
    page.locator("main details summary").click()
    page.locator("main details .check").click()
    page.locator("main details button").click()
    expect(page.locator(".notice")).to_contain_text("彻底删除")
    page.goto(f"/recycle-bin?q={name}")
    expect(page.locator("main .inbox")).to_have_count(0)
    recorder.assert_clean(page)


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_today_says_what_waits(
    served: Served, chromium: Chromium, sign_in: SignIn, axe: Callable[[Page], list[object]],
    size: tuple[int, int],
) -> None:  # fmt: skip
    page, recorder = chromium.open(served.url, size=size)
    sign_in(page, "rep")
    address = create(page, "缺要点的单")
    page.goto("/")
    waits = page.locator(".waits")
    expect(waits).to_contain_text("待填写")
    assert axe(page) == []
    waits.locator(".items a[href*='opportunity']").first.click()
    page.wait_for_selector(".path")
    assert page.url.startswith(address.rsplit("/", 1)[0])
    recorder.assert_clean(page)


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_search_finds_while_typing_by_one_character_and_remembers(
    served: Served, chromium: Chromium, sign_in: SignIn, axe: Callable[[Page], list[object]],
    size: tuple[int, int],
) -> None:  # fmt: skip
    page, recorder = chromium.open(served.url, size=size)
    sign_in(page)
    name = f"鑫源设备 {size[0]}"
    create(page, name)
    if size == DESKTOP:
        page.keyboard.press("/")
        expect(page.locator("#find")).to_be_focused()
        page.keyboard.type("鑫")
        page.keyboard.press("Enter")
    else:
        page.locator("header a[href='/search']").click()
        page.locator("main [type=search]").press_sequentially("鑫")
    result = page.locator("#search-results a", has_text=name)
    expect(result).to_have_count(1)
    assert axe(page) == []
    result.click()
    page.wait_for_selector(".record-head")
    page.goto("/search")
    expect(page.locator("#recent-searches a")).to_have_text("鑫")
    assert axe(page) == []
    page.locator("#recent-searches button").click()
    expect(page.locator("#recent-searches")).to_be_hidden()
    recorder.assert_clean(page)
