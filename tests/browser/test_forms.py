"""Forms where the network drops: said, kept, sent once when it is back, and still there after leaving the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Served
from tests.support.browser import PHONE, Chromium

pytestmark = pytest.mark.browser
OPPORTUNITY = "/apps/sales_management/opportunity"
SignIn = Callable[..., None]


def found(page: Page, name: str) -> int:
    """How many opportunities carry this name."""
    page.goto(f"{OPPORTUNITY}?q={name}")
    return page.locator("tbody tr").filter(has_text=name).count()


def test_a_save_without_network_waits_and_happens_once(
    served: Served, chromium: Chromium, sign_in: SignIn
) -> None:
    page, recorder = chromium.open(served.url, size=PHONE)
    sign_in(page)
    page.goto(f"{OPPORTUNITY}/new")
    page.context.set_offline(True)
    page.fill("#f-name", "断网的商机")
    page.fill("#f-amount", "1200")
    expect(page.locator("[data-offline-said]")).to_be_visible()
    page.click("[data-save]")
    expect(page.locator("[data-offline-said]")).to_contain_text("自动提交")
    assert page.input_value("#f-name") == "断网的商机"
    page.context.set_offline(False)
    page.wait_for_selector(".record-head")
    assert page.evaluate("Object.keys(localStorage).length") == 0
    assert found(page, "断网的商机") == 1
    recorder.assert_clean(page)


def test_a_page_left_without_network_comes_back_with_its_draft(
    served: Served, chromium: Chromium, sign_in: SignIn
) -> None:
    page, _ = chromium.open(served.url)
    page.on("dialog", lambda dialog: dialog.accept())
    sign_in(page)
    page.goto(f"{OPPORTUNITY}/new")
    page.fill("#f-name", "离线草稿")
    page.fill("[name='lines.0.quantity']", "3")
    page.click("[data-add]")
    page.fill("[name='lines.1.quantity']", "4")
    page.context.set_offline(True)
    page.fill("#f-amount", "500")
    page.goto("about:blank")
    page.context.set_offline(False)
    page.goto(f"{OPPORTUNITY}/new")
    expect(page.locator(".notice")).to_contain_text("草稿")
    assert page.input_value("#f-name") == "离线草稿"
    assert page.input_value("#f-amount") == "500"
    assert page.input_value("[name='lines.1.quantity']") == "4"
    page.locator(".notice button").click()
    page.wait_for_load_state()
    expect(page.locator("#f-name")).to_have_value("")


def test_a_save_whose_answer_got_lost_is_not_made_twice(
    served: Served, chromium: Chromium, sign_in: SignIn
) -> None:
    page, _ = chromium.open(served.url)
    page.on("dialog", lambda dialog: dialog.accept())
    sign_in(page)
    page.goto(f"{OPPORTUNITY}/new")

    def lose(route: Route) -> None:
        if route.request.method == "POST":
            answers.append(route.fetch(max_redirects=0).status)
            route.abort()
        else:
            route.continue_()

    answers: list[int] = []
    page.fill("#f-name", "回复丢了")
    page.fill("#f-amount", "900")
    page.route(f"**{OPPORTUNITY}/new", lose)
    with page.expect_event("requestfailed", lambda request: request.method == "POST"):
        page.click("[data-save]")
    assert answers == [303]
    page.unroute_all()
    page.goto(f"{OPPORTUNITY}/new")
    assert page.input_value("#f-name") == "回复丢了"
    page.click("[data-save]")
    page.wait_for_selector(".record-head")
    assert found(page, "回复丢了") == 1


def test_rows_of_a_spreadsheet_are_pasted_into_lines_with_their_totals(
    served: Served, chromium: Chromium, sign_in: SignIn
) -> None:
    page, recorder = chromium.open(served.url)
    sign_in(page)
    page.goto(f"{OPPORTUNITY}/new")
    page.fill("#f-name", "粘贴明细")
    columns = page.evaluate(
        "[...document.querySelectorAll('[data-lines] tbody tr:first-child [data-column]')].map((c) => c.dataset.column)"
    )
    start, amount = columns.index("quantity"), columns.index("amount")
    row = "\t".join(["{row}"] + [""] * (amount - start - 1) + ["1,000.10"])
    text = "\r\n".join(row.format(row=each) for each in range(1, 201)) + "\r\n"
    page.locator("[name='lines.0.quantity']").evaluate(
        """(input, text) => {
          const data = new DataTransfer();
          data.setData("text/plain", text);
          input.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
        }""",
        text,
    )
    expect(page.locator("[data-lines] tbody tr")).to_have_count(200)
    assert page.input_value("[name='lines.199.quantity']") == "200"
    expect(page.locator("[data-total=amount]")).to_have_text("200,020.00")
    recorder.assert_clean(page)


def test_lines_are_copied_moved_and_brought_back_and_keep_their_order(
    served: Served,
    chromium: Chromium,
    sign_in: SignIn,
    axe: Callable[[Page], list[dict[str, Any]]],
) -> None:
    page, recorder = chromium.open(served.url)
    sign_in(page)
    page.goto(f"{OPPORTUNITY}/new")
    page.fill("#f-name", "排好的明细")
    for row, quantity in enumerate(("1", "2")):
        page.locator("[data-add]").click() if row else None
        page.fill(f"[name='lines.{row}.quantity']", quantity)
        page.fill(f"[name='lines.{row}.amount']", f"{quantity}0")

    def quantities() -> list[str]:
        boxes = page.locator("[data-lines] tbody [name$='.quantity']")
        names = [each.get_attribute("name") for each in boxes.all()]
        assert names == [f"lines.{at}.quantity" for at in range(len(names))]
        return [each.input_value() for each in boxes.all()]

    total = page.locator("[data-total=amount]")
    page.focus("[name='lines.1.quantity']")
    page.keyboard.press("Alt+ArrowUp")
    assert quantities() == ["2", "1"]
    expect(page.locator("[name='lines.0.quantity']")).to_be_focused()
    page.locator("[data-lines] tbody tr").first.locator("[data-line=copy]").click()
    assert quantities() == ["2", "2", "1"]
    expect(total).to_have_text("50")
    page.locator("[data-lines] tbody tr").nth(2).locator("[data-remove]").click()
    assert quantities() == ["2", "2"]
    expect(total).to_have_text("40")
    page.locator("[data-line-said] button").click()
    assert quantities() == ["2", "2", "1"]
    expect(total).to_have_text("50")
    page.locator("[data-lines] tbody tr").nth(2).locator("[data-line=up]").click()
    assert quantities() == ["2", "1", "2"]
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")  # nothing half under the save bar
    assert axe(page) == []
    recorder.assert_clean(page)


def test_the_save_bar_takes_the_place_of_the_tabs_only_while_something_is_unsaved(
    served: Served, chromium: Chromium, sign_in: SignIn
) -> None:
    page, recorder = chromium.open(served.url, size=PHONE)
    sign_in(page)
    page.goto(f"{OPPORTUNITY}/new")
    expect(page.locator(".tabbar")).to_be_visible()
    page.fill("#f-name", "没存的商机")
    expect(page.locator(".tabbar")).to_be_hidden()
    expect(page.locator("[data-save]")).to_be_in_viewport()
    page.fill("#f-name", "")
    page.keyboard.press("Control+s")
    wrong = page.locator("[data-wrong-said] a").first
    expect(wrong).to_have_text(page.locator("[data-field=name] label").inner_text().replace("*", "").strip())
    page.locator("#main").evaluate("() => document.activeElement.blur()")
    wrong.click()
    expect(page.locator("#f-name")).to_be_focused()
    recorder.assert_clean(page)
