"""A cell of a list changed in place: opened by keys or a double click, saved, taken back, refused, not offered."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Served
from tests.browser.test_use import create
from tests.support.browser import Chromium

pytestmark = pytest.mark.browser
SignIn = Callable[..., None]
LIST = "/apps/sales_management/opportunity?q="


def row_of(page: Page, name: str) -> Locator:
    """The row of the record called `name` in a list that holds it alone."""
    page.goto(LIST + name)
    expect(page.locator("tbody tr")).to_have_count(1)
    return page.locator("tbody tr")


def cell_of(page: Page, field: str) -> Locator:
    """The cell of the only row under the head that edits `field`."""
    at = page.locator("thead th").evaluate_all(
        "(all, field) => all.findIndex((one) => one.dataset.edits === field)", field
    )
    assert at >= 0
    return page.locator("tbody tr td").nth(at)


def test_a_cell_is_changed_by_keys_and_taken_back(
    served: Served, chromium: Chromium, sign_in: SignIn, axe: Callable[[Page], list[object]]
) -> None:
    page, recorder = chromium.open(served.url)
    sign_in(page, "rep")
    create(page, "单元格甲")
    row_of(page, "单元格甲").locator("td.main > a").focus()
    amount = cell_of(page, "amount")
    for _ in range(12):
        if amount.evaluate("(one) => one === document.activeElement"):
            break
        page.keyboard.press("ArrowRight")
    expect(amount).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".cell-form input[name=value]")).to_be_focused()
    assert axe(page) == []
    page.keyboard.press("Escape")
    expect(page.locator(".cell-form")).to_have_count(0)
    expect(amount).to_be_focused()
    page.keyboard.press("F2")
    page.locator(".cell-form input[name=value]").fill("987")
    page.keyboard.press("Enter")
    expect(cell_of(page, "amount")).to_contain_text("987")
    expect(cell_of(page, "amount")).to_be_focused()
    page.locator(".cell-notice button").click()
    expect(cell_of(page, "amount")).to_contain_text("12,345.50")
    page.locator(".cell-notice button").click()  # and done again
    expect(cell_of(page, "amount")).to_contain_text("987")
    assert "/opportunity?q=" in page.url
    recorder.assert_clean(page)


def test_a_cell_changed_elsewhere_meanwhile_is_refused_with_the_reason(
    served: Served, chromium: Chromium, sign_in: SignIn
) -> None:
    page, _ = chromium.open(served.url)
    sign_in(page, "rep")
    address = create(page, "单元格乙")
    row_of(page, "单元格乙")
    cell_of(page, "amount").dblclick()
    expect(page.locator(".cell-form")).to_be_visible()
    other, _ = chromium.open(served.url)
    sign_in(other, "rep")
    other.goto(f"{address}/edit")
    other.fill("#f-amount", "555")
    other.click("[data-save]")
    other.wait_for_selector(".record-head")
    page.locator(".cell-form input[name=value]").fill("666")
    page.keyboard.press("Enter")
    expect(page.locator(".cell-reason")).to_be_visible()
    expect(page.locator(".cell-reason")).not_to_be_empty()
    page.reload()
    expect(cell_of(page, "amount")).to_contain_text("555")
