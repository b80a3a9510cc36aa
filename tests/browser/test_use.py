"""The pages in use: a record made, mended, moved, fought over, deleted and brought back; a list narrowed down."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Served
from tests.support.browser import Chromium

pytestmark = pytest.mark.browser
OPPORTUNITY = "/apps/sales_management/opportunity"
SignIn = Callable[..., None]


def create(page: Page, name: str) -> str:
    """A new opportunity with nothing but a name and an amount; answers its address."""
    page.goto(f"{OPPORTUNITY}/new")
    page.fill("#f-name", name)
    page.fill("#f-amount", "12,345.50")
    page.click("[data-save]")
    page.wait_for_selector(".record-head")
    page.wait_for_load_state("load")  # its scripts have run
    return page.url


def test_a_record_is_created_with_lines_and_problems_stand_at_their_fields(
    served: Served, chromium: Chromium, sign_in: SignIn
) -> None:
    page, recorder = chromium.open(served.url)
    recorder.expected_status = {422}
    sign_in(page)
    page.goto(f"{OPPORTUNITY}/new")
    page.fill("#f-name", "试用 <b>&")
    page.fill("[name='lines.0.quantity']", "2")
    page.fill("[name='lines.0.amount']", "100.10")
    page.click("[data-add]")
    page.fill("[name='lines.1.amount']", "1,200.20")
    expect(page.locator("[data-total]").first).to_have_text("1,300.30")
    page.keyboard.press("Control+s")
    page.wait_for_selector("#error-summary")
    expect(page.locator("#error-summary")).to_be_focused()
    expect(page.locator("#error-summary li")).to_have_count(2)  # an empty quantity is one
    assert page.input_value("[name='lines.1.amount']") == "1,200.20"
    for row in (0, 1):
        page.locator("td[data-column=product] [role=combobox]").nth(row).click()
        page.locator(".options:visible [role=option]").first.click()
    page.fill("[name='lines.1.quantity']", "1")
    page.click("[data-save]")
    page.wait_for_selector(".record-head")
    expect(page.locator(".notice")).to_contain_text("试用 <b>&")
    expect(page.locator(".lines.read tbody tr")).to_have_count(2)
    recorder.assert_clean(page)


def test_a_step_asks_for_what_it_needs_and_history_tells_why(
    served: Served, chromium: Chromium, sign_in: SignIn
) -> None:
    page, recorder = chromium.open(served.url)
    sign_in(page)
    create(page, "要输的单")
    steps = page.locator(".steps details")
    steps.last.locator("summary").click()
    panel = page.locator(".step-form:visible")
    panel.locator("select").first.select_option(index=1)
    panel.locator("[data-date] input").fill("2026-11-20")
    panel.locator("button[type=submit]").click()
    expect(page.locator(".path [aria-current]")).to_have_class("now lost")
    page.locator(".reasons summary").first.click()
    expect(page.locator(".reasons li").first).to_be_visible()
    recorder.assert_clean(page)


def test_a_conflict_shows_both_values_and_overwrites_nothing(
    served: Served, chromium: Chromium, sign_in: SignIn
) -> None:
    page, recorder = chromium.open(served.url)
    recorder.expected_status = {409}
    sign_in(page)
    address = create(page, "两人同改")
    page.goto(f"{address}/edit")
    other = page.context.new_page()
    other.goto(f"{address}/edit")
    other.fill("#f-name", "他人先改")
    other.fill("#f-amount", "777")
    other.click("[data-save]")
    other.wait_for_selector(".record-head")
    page.fill("#f-amount", "888")
    page.click("[data-save]")
    page.wait_for_selector(".conflict")
    expect(page.locator(".conflict tbody tr")).to_have_count(2)
    assert page.input_value("#f-name") == "他人先改"
    assert page.input_value("#f-amount") == "888"
    page.click("[data-save]")
    page.wait_for_selector(".record-head")
    expect(page.locator(".facts")).to_have_count(5)
    expect(page.locator("main")).to_contain_text("¥888.00")
    recorder.assert_clean(page)


def test_a_draft_survives_leaving_and_is_gone_after_saving_and_signing_out(
    served: Served, chromium: Chromium, sign_in: SignIn
) -> None:
    page, _ = chromium.open(served.url)
    page.on("dialog", lambda dialog: dialog.accept())
    sign_in(page)
    address = create(page, "有草稿")
    page.goto(f"{address}/edit")
    page.fill("#f-name", "改到一半")
    page.goto(address)
    page.goto(f"{address}/edit")
    assert page.input_value("#f-name") == "改到一半"
    page.click("[data-save]")
    page.wait_for_selector(".record-head")
    assert page.evaluate("Object.keys(localStorage).length") == 0
    page.goto(f"{address}/edit")
    page.fill("#f-name", "再改一半")
    page.goto(address)
    page.locator(".me").click()
    page.locator("form[action='/sign-out'] button").click()
    page.wait_for_url("**/sign-in")
    assert page.evaluate("Object.keys(localStorage).length") == 0


def test_a_deleted_record_can_be_taken_back_at_once(
    served: Served, chromium: Chromium, sign_in: SignIn
) -> None:
    page, recorder = chromium.open(served.url)
    sign_in(page)
    address = create(page, "误删")
    page.click(".btn-danger")
    page.wait_for_url(f"**{OPPORTUNITY}")
    page.click(".notice button")
    page.wait_for_selector(".record-head")
    assert page.url == address
    recorder.assert_clean(page)


def test_a_list_is_narrowed_without_reloading_and_typing_keeps_its_focus(
    served: Served, chromium: Chromium, sign_in: SignIn
) -> None:
    page, recorder = chromium.open(served.url)
    sign_in(page)
    page.goto(OPPORTUNITY)
    page.evaluate("window.stayed = true")
    page.locator("#quick-stage").select_option("won")
    page.wait_for_url("**stage=won**")
    page.click(".filter-menu summary")
    page.locator("#filter-builder a[href*='build=amount']").click()
    page.fill("#filter-builder [name='f-value']", "100000")
    page.click("#filter-builder button[type=submit]")
    expect(page.locator(".chip")).to_have_count(1)
    page.fill("#q", "集团")
    page.wait_for_url("**q=**")
    expect(page.locator("#q")).to_be_focused()
    assert page.evaluate("window.stayed") is True
    recorder.assert_clean(page)


def test_lists_and_forms_work_without_scripts(served: Served, chromium: Chromium, sign_in: SignIn) -> None:
    page, _ = chromium.open(served.url, javascript=False)
    sign_in(page)
    page.goto(f"{OPPORTUNITY}/new")
    page.fill("#f-name", "没有脚本")
    page.select_option("select[name=account]", index=1)
    page.fill("[name='lines.0.quantity']", "1")
    page.select_option("select[name='lines.0.product']", index=1)
    page.fill("[name='lines.0.amount']", "9")
    page.click("[data-save]")
    assert "没有脚本" in page.inner_text("h1")
    page.goto(f"{OPPORTUNITY}?q=没有脚本")
    assert page.locator("td.main").count() == 1


@pytest.mark.parametrize("javascript", [True, False])
def test_a_dashboards_period_is_typed_as_people_write_it(
    served: Served, chromium: Chromium, sign_in: SignIn, javascript: bool
) -> None:
    page, recorder = chromium.open(served.url, javascript=javascript)
    sign_in(page)
    page.goto("/apps/sales_management/dashboards/overview")
    page.fill("#from", "2026年1月5日")
    page.keyboard.press("Enter")
    expect(page.locator("main .head p")).to_have_text("2026-01-05 起")
    expect(page.locator("#from")).to_have_value("2026-01-05")
    assert recorder.complaints == []
