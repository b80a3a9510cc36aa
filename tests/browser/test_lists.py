"""Lists in use: views kept and shared, columns in order, filters in groups, cards moved on a board."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.conftest import Served
from tests.support.browser import DESKTOP, PHONE, Chromium, axe_violations

pytestmark = pytest.mark.browser
ACCOUNTS = "/apps/sales_management/account"
DEALS = "/apps/sales_management/opportunity?show-as=board"
SignIn = Callable[..., None]


def test_a_view_is_kept_shared_and_found_by_somebody_else(
    served: Served, chromium: Chromium, sign_in: SignIn
) -> None:
    page, recorder = chromium.open(served.url)
    sign_in(page)
    page.goto(ACCOUNTS)
    page.select_option("#quick-sector", "retail")
    expect(page.locator("#list-menu summary")).to_contain_text("保存视图")
    page.click("#list-menu summary")
    page.fill("#view-name", "零售客户")
    page.locator("#list-menu [name=shared]").check()
    page.keyboard.press("Enter")
    expect(page.locator(".views [aria-current]")).to_contain_text("零售客户")
    rows = page.locator("tbody tr").count()
    other, watched = chromium.open(served.url, size=PHONE)
    sign_in(other, "rep")
    other.goto(ACCOUNTS)
    other.click("text=零售客户")
    expect(other.locator("tbody tr")).to_have_count(rows)
    for one, seen in ((page, recorder), (other, watched)):
        seen.assert_clean(one)


def test_columns_are_put_in_order_by_keyboard(served: Served, chromium: Chromium, sign_in: SignIn) -> None:
    page, recorder = chromium.open(served.url)
    sign_in(page, "rep")
    page.goto(ACCOUNTS)
    page.locator(".column-menu > summary").focus()
    page.keyboard.press("Enter")
    last, shown = page.locator("[data-order] > li").last, page.locator("thead th").count()
    name = str(last.locator("span").first.text_content())
    last.locator("[data-move=up]").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.locator(".column-menu .btn-primary").click()
    expect(page.locator("thead th").nth(shown - 3)).to_have_text(name)
    recorder.assert_clean(page)


def test_a_filter_in_groups_follows_what_is_chosen(
    served: Served, chromium: Chromium, sign_in: SignIn
) -> None:
    page, recorder = chromium.open(served.url, size=PHONE)
    sign_in(page)
    page.goto(f"{ACCOUNTS}/filter")
    page.select_option("[name='f.0-0']", "sector")
    page.select_option("[name='v.0-0']", "retail")
    page.locator("button[value='group:0']").focus()
    page.keyboard.press("Enter")
    page.select_option("[name='f.0-1-0']", "employees")
    page.fill("[name='v.0-1-0']", "1000")
    page.click(".filter-done .btn-primary")
    expect(page.locator(".chip")).to_have_count(2)
    expect(page.locator("tbody tr").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    recorder.assert_clean(page)


def drag(page: Page, card: Locator, column: Locator) -> None:
    """Step the mouse from a card's grip into another column: Sortable sees nothing less."""
    start, end = card.locator(".grip").bounding_box(), column.bounding_box()
    assert start is not None
    assert end is not None
    page.mouse.move(start["x"] + 8, start["y"] + 10)
    page.mouse.down()
    page.mouse.move(start["x"] + 30, start["y"] + 16, steps=4)
    page.mouse.move(end["x"] + 60, end["y"] + 40, steps=12)
    page.mouse.move(end["x"] + 64, end["y"] + 44, steps=4)
    page.mouse.up()


def test_a_card_is_dragged_stopped_by_a_missing_field_and_sent_by_its_menu(
    served: Served, chromium: Chromium, sign_in: SignIn
) -> None:
    page, recorder = chromium.open(served.url)
    recorder.expected_status = {422}
    sign_in(page)
    page.goto("/apps/sales_management/opportunity/new")
    page.fill("#f-name", "看板拖动")
    page.click("[data-save]")
    page.wait_for_selector(".record-head")
    record = page.url
    page.goto(DEALS)
    card = page.locator(".board-card", has_text="看板拖动")
    drag(page, card, page.locator("#cards-engaging"))
    expect(card.locator(".card-reason")).to_contain_text("请先填写")
    expect(page.locator("#cards-prospecting .board-card", has_text="看板拖动")).to_have_count(1)
    page.goto(f"{record}/edit")
    page.fill("#f-engaged_on", "2026-01-05")
    page.click("[data-save]")
    page.wait_for_selector(".record-head")
    page.goto(DEALS)
    before = int(str(page.locator("#head-engaging .num").first.text_content()))
    drag(page, card, page.locator("#cards-engaging"))
    expect(page.locator("#cards-engaging .board-card", has_text="看板拖动")).to_have_count(1)
    expect(page.locator(".board-notice")).to_contain_text("看板拖动")
    expect(page.locator("#head-engaging .num").first).to_have_text(str(before + 1))
    card.locator("summary").focus()
    page.keyboard.press("Enter")
    card.locator("button[value=won]").focus()
    page.keyboard.press("Enter")
    expect(card.locator(".card-reason")).to_contain_text("请先填写")
    recorder.assert_clean(page)


def test_a_phone_orders_the_list(served: Served, chromium: Chromium, sign_in: SignIn) -> None:
    page, recorder = chromium.open(served.url, size=PHONE)
    sign_in(page)
    page.goto(ACCOUNTS)
    page.wait_for_load_state("load")
    page.select_option("#sort-pick", "-employees")
    page.wait_for_url("**sort=-employees**")
    expect(page.locator("tbody tr").first).to_be_visible()
    recorder.assert_clean(page)


def test_a_board_stays_inside_a_narrow_phone(served: Served, chromium: Chromium, sign_in: SignIn) -> None:
    page, recorder = chromium.open(served.url, size=(320, 640))
    sign_in(page, "rep")
    for address in (DEALS, f"{ACCOUNTS}?show-as=board", ACCOUNTS):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
    recorder.assert_clean(page)


def test_rows_are_picked_changed_and_taken_back(served: Served, chromium: Chromium, sign_in: SignIn) -> None:
    page, recorder = chromium.open(served.url)
    sign_in(page)
    page.goto(f"{ACCOUNTS}?sector=catering")
    rows = page.locator("tbody tr").count()
    page.locator(".pick").first.check()
    page.click("[data-pick-all]")
    expect(page.locator("[data-picked]")).to_have_text(str(rows))
    page.click("button[value=edit]")
    page.select_option("#bulk-field", "year_established")
    page.fill("#f-value", "1998")
    page.click("button[value=look]")
    page.click("button[value=run]")
    expect(page.locator(".notice")).to_contain_text("已修改")
    page.click(".notice button")
    expect(page.locator(".notice")).to_contain_text("已恢复原状")
    recorder.assert_clean(page)


def test_two_hundred_rows_are_changed_in_one_go_and_taken_back(
    served: Served, chromium: Chromium, sign_in: SignIn
) -> None:
    page, recorder = chromium.open(served.url)
    sign_in(page)
    made = page.evaluate(
        """async () => {
            const headers = {"content-type": "application/json"};
            const made = [];
            for (let n = 0; n < 200; n += 1) {
                const body = JSON.stringify({name: `批量修改户 ${n}`, year_established: 1990});
                made.push((await fetch("/api/v1/apps/sales_management/account", {method: "POST", headers, body})).status);
            }
            return made;
        }"""
    )
    assert made == [201] * 200
    page.goto(f"{ACCOUNTS}?q=批量修改户")
    page.locator(".pick").first.check()
    page.locator(".bulk-bar [name=all]").check()
    page.click("button[value=edit]")
    expect(page.locator(".head .muted")).to_contain_text("200")
    page.select_option("#bulk-field", "year_established")
    page.fill("#f-value", "1998")
    page.click("button[value=look]")
    page.click("button[value=run]")
    expect(page.locator(".notice")).to_contain_text("200")
    years = """async () => {
        const found = await (await fetch(
            "/api/v1/apps/sales_management/account?limit=500&fields=name,year_established")).json();
        return found.items.filter((each) => each.name.startsWith("批量修改户")).map((each) => each.year_established);
    }"""
    assert page.evaluate(years) == [1998] * 200
    page.click(".notice button")
    expect(page.locator(".notice")).to_contain_text("已恢复原状")
    assert page.evaluate(years) == [1990] * 200
    recorder.assert_clean(page)


def test_a_day_is_moved_by_dragging_in_the_calendar_and_taken_back(
    served: Served, chromium: Chromium, sign_in: SignIn
) -> None:
    page, recorder = chromium.open(served.url)
    sign_in(page)
    page.goto("/apps/sales_management/opportunity/new")
    page.fill("#f-name", "日历拖动")
    page.fill("#f-next_step_on", "2031-05-13")
    page.click("[data-save]")
    page.wait_for_selector(".record-head")
    record = page.url
    page.goto("/apps/sales_management/opportunity?show-as=calendar&show-on=next_step_on&show-at=2031-05-01")
    card = page.locator(".event", has_text="日历拖动")
    drag(page, card, page.locator("[data-option='2031-05-15']").locator(".."))
    expect(page.locator("[data-option='2031-05-15'] .event")).to_contain_text("日历拖动")
    expect(page.locator(".board-notice")).to_contain_text("2031-05-15")
    other, _ = chromium.open(served.url)
    sign_in(other)
    other.goto(record)
    expect(other.locator(".facts").nth(1)).to_contain_text("2031-05-15")
    page.locator(".board-notice button").click()
    expect(page.locator("[data-option='2031-05-13'] .event")).to_contain_text("日历拖动")
    recorder.assert_clean(page)


def test_a_list_is_worked_by_keyboard_and_single_keys_can_be_turned_off(
    served: Served, chromium: Chromium, sign_in: SignIn
) -> None:
    page, recorder = chromium.open(served.url)
    sign_in(page)
    page.goto(ACCOUNTS)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.locator("tbody tr").nth(1).locator("td.main > a")).to_be_focused()
    page.keyboard.press("x")
    expect(page.locator(".pick").nth(1)).to_be_checked()
    expect(page.locator("[data-picked]")).to_have_text("1")
    page.keyboard.press("?")
    expect(page.locator("#list-keys")).to_be_visible()
    page.locator("[data-keys-on]").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("x")
    expect(page.locator(".pick").nth(1)).to_be_checked()
    page.evaluate("localStorage.removeItem('dacheng.keys')")
    page.locator("tbody tr").nth(0).locator("td.main > a").focus()
    page.keyboard.press("e")
    page.wait_for_url("**/edit")
    recorder.assert_clean(page)


def test_boards_and_calendars_are_worked_by_keys_and_a_menu_in_use_stays_open(
    served: Served, chromium: Chromium, sign_in: SignIn
) -> None:
    page, recorder = chromium.open(served.url)
    sign_in(page)
    page.evaluate(
        """async () => fetch("/api/v1/apps/sales_management/opportunity", {
            method: "POST", headers: {"content-type": "application/json"},
            body: JSON.stringify({name: "看板键盘", engaged_on: "2026-01-05", next_step_on: "2032-03-09"}),
        })"""
    )
    page.goto(f"{DEALS}&name=看板键盘")
    card = page.locator(".board-card")
    page.keyboard.press("ArrowDown")
    expect(card.locator(".board-title > a")).to_be_focused()
    page.keyboard.press("m")
    expect(card.locator("button[value=solution]")).to_be_focused()
    page.keyboard.press("Tab")
    expect(card.locator("button[value=engaging]")).to_be_focused()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route(re.compile("show-as=board"), hold)
    with page.expect_request(re.compile("show-as=board")):
        page.keyboard.press("Enter")
    card.locator("summary").click()  # while the board counts anew
    held[0].continue_()
    expect(page.locator("#head-engaging .num").first).to_have_text("1")
    expect(card.locator(".panel")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("#list-keys")).to_contain_text("移到别处")
    page.unroute(re.compile("show-as=board"))
    plain = "/apps/sales_management/opportunity?show-as=calendar&show-on=next_step_on"
    page.goto(f"{plain}&name=看板键盘&show-at=2032-03-01")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".event .board-title > a")).to_be_focused()
    page.keyboard.press("m")
    expect(page.locator(".event .panel input[name=value]")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("PageDown")
    page.wait_for_url("**show-at=2032-04-01**")
    recorder.assert_clean(page)


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
@pytest.mark.parametrize(("scheme", "locale"), [("light", "zh-CN"), ("dark", "en")])
def test_every_way_to_show_a_list_is_accessible_and_fits(
    served: Served,
    chromium: Chromium,
    sign_in: SignIn,
    size: tuple[int, int],
    scheme: Literal["light", "dark"],
    locale: str,
) -> None:
    page, recorder = chromium.open(served.url, size=size, scheme=scheme, locale=locale)
    sign_in(page)
    plain = "/apps/sales_management/opportunity"
    for address in (
        f"{plain}?group-by=stage,product&group-open=%5B%5B%22won%22%5D%5D",
        f"{plain}?show-as=calendar&show-on=created_at",
        DEALS,
        f"{plain}/filter?filter=%7B%22is_me%22%3A%7B%22var%22%3A%22owner%22%7D%7D",
        ACCOUNTS,
    ):
        page.goto(address)
        assert axe_violations(page) == [], address
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
    page.locator(".pick").first.check()
    assert axe_violations(page) == []
    recorder.assert_clean(page)
