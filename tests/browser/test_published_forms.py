"""A form published by an administrator in the browser, and filled in by somebody unknown on a phone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Served
from tests.support.browser import PHONE, Chromium, axe_violations

pytestmark = pytest.mark.browser
SignIn = Callable[..., None]


def publish(page: Page) -> str:
    """An administrator publishes a form; answers its link."""
    page.goto("/forms")
    page.select_option("[name=entity]", "sales_management.opportunity")
    page.click("main button[type=submit]")
    page.fill("[name=title]", "到店体验预约")
    page.fill("[name=intro]", "填写后，顾问会在一个工作日内与您联系。")
    for name in ("name", "amount", "source"):
        page.check(f"[name=field][value={name}]")
    page.fill("[name=consent]", "我同意贵司为安排体验而联系我。")
    page.fill("[name=success]", "已收到，谢谢！")
    page.select_option("[name=tracked]", "note")
    page.fill("[name=wait]", "0")
    page.locator(".save button").click()
    page.wait_for_selector("img.qr")
    page.wait_for_load_state("load")
    assert page.evaluate("document.querySelector('img.qr').naturalWidth > 0")
    return page.input_value("#f-link")


def test_a_published_form_is_filled_in_by_a_stranger_on_a_phone(
    served: Served, chromium: Chromium, sign_in: SignIn
) -> None:
    admin, recorder = chromium.open(served.url)
    sign_in(admin)
    link = publish(admin)
    assert axe_violations(admin) == []
    page, visitor = chromium.open(served.url, size=PHONE)
    visitor.expected_status = {422}
    page.goto(f"{link}?t=poster-3")
    assert axe_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.fill("#f-name", "路过的访客")
    page.fill("#f-amount", "三千")
    page.locator("#f-name").focus()
    expect(page.locator("[data-field=amount]")).to_have_class("field is-wrong")
    page.fill("#f-amount", "3000")
    page.check("[name=_consent]")
    page.click("[data-save]")
    page.wait_for_url("**/done")
    expect(page.locator("main")).to_contain_text("已收到，谢谢！")
    assert page.evaluate("Object.keys(localStorage).length") == 0
    visitor.assert_clean(page)
    admin.reload()
    expect(admin.locator("tbody tr")).to_have_count(1)
    expect(admin.locator("tbody")).to_contain_text("poster-3")
    admin.locator("tbody a").click()
    expect(admin.locator(".record-head")).to_contain_text("路过的访客")
    admin.go_back()
    admin.locator("form[action$='/switch'] button").click()
    assert page.goto(link).status == 404  # type: ignore[union-attr]
    recorder.assert_clean(admin)


def test_a_published_form_works_without_scripts(served: Served, chromium: Chromium, sign_in: SignIn) -> None:
    admin, _ = chromium.open(served.url)
    sign_in(admin)
    link = publish(admin)
    page, _ = chromium.open(served.url, size=PHONE, javascript=False)
    page.goto(link)
    page.fill("#f-name", "无脚本访客")
    page.check("[name=_consent]")
    page.click("[data-save]")
    page.wait_for_url("**/done")
