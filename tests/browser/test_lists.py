"""Lists in use: views kept and shared, columns put in order by keyboard."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Served
from tests.support.browser import PHONE, Chromium

pytestmark = pytest.mark.browser
ACCOUNTS = "/apps/sales_management/account"
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
