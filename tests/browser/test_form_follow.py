"""Forms follow what stands in them: lookups what is chosen, defaults what they depend on, figures the lines."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from dacheng.runtime.services import write_record
from dacheng.runtime.services.write_record import Write
from tests.browser.conftest import Served
from tests.support.browser import DESKTOP, PHONE, Chromium, axe_violations

pytestmark = pytest.mark.browser
SignIn = Callable[..., None]
NEW = "/apps/trade/deal/new"


def made(served: Served, entity: str, **values: object) -> str:
    served.host.refresh()
    write = Write("create", f"trade.{entity}", None, values=values, rules=False)
    return write_record.write_now(served.host.db, served.host.work(), write).id


def choose(page: Page, field: str, title: str) -> None:
    """Find a record by its title and choose it."""
    box = page.locator(f"[data-combo]:has(select[name='{field}']) [role=combobox]")
    box.fill(title)
    page.locator("[role=option]:visible", has_text=title).click()


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_new_form_follows_what_is_chosen_and_never_what_was_typed_over(
    trading: Served, chromium: Chromium, sign_in: SignIn, size: tuple[int, int]
) -> None:
    mark = f"{size[0]}"
    made(trading, "firm", name=f"东方{mark}", region="华东", credit=45)
    made(trading, "firm", name=f"西岭{mark}", region="西南", credit=60)
    page, recorder = chromium.open(trading.url, size=size)
    sign_in(page)
    page.goto(NEW)
    page.fill("#f-name", f"跟随{mark}")
    region, days, remind = page.locator("[data-computed=firm_region]"), page.locator("#f-days"), "#f-remind"
    choose(page, "firm", f"东方{mark}")
    expect(region).to_have_text("华东")
    expect(days).to_have_value("45")
    expect(page.locator(remind)).to_have_value("43")
    page.locator("[data-field=kind] label", has_text="new").click()
    expect(days).to_have_value("7")
    expect(page.locator(remind)).to_have_value("5")
    days.fill("9")
    expect(page.locator(remind)).to_have_value("7")
    page.locator("[data-field=kind] label", has_text="old").click()
    choose(page, "firm", f"西岭{mark}")
    expect(region).to_have_text("西南")
    expect(days).to_have_value("9")
    assert axe_violations(page) == []
    page.click("[data-save]")
    page.wait_for_selector(".record-head")
    facts = page.locator("dd").all_inner_texts()
    assert {"西南", "9", "7"} <= set(facts)
    recorder.assert_clean(page)


def test_figures_and_formulas_over_them_use_the_lines_on_the_screen(
    trading: Served, chromium: Chromium, sign_in: SignIn
) -> None:
    made(trading, "product", name="显示器", price={"amount": "899.5", "currency": "CNY"})
    page, recorder = chromium.open(trading.url)
    sign_in(page)
    page.goto(NEW)
    total, fee = page.locator("[data-computed=total]"), page.locator("[data-computed=fee]")
    page.fill("#f-name", "明细合计")
    page.fill("#f-rate", "12.5")
    page.fill("[name='parts.0.amount']", "1,000.10")
    choose(page, "parts.0.goods", "显示器")
    expect(page.locator("tr[data-row='0'] [data-column=price] output")).to_have_text("¥899.50")
    page.click("[data-add]")
    page.fill("[name='parts.1.amount']", "199.90")
    expect(total).to_have_text("¥1,200.00")
    expect(fee).to_have_text("¥150.00")
    page.locator("tr[data-row='1'] [data-remove]").click()
    expect(fee).to_have_text("¥125.01")
    page.click("[data-save]")
    page.wait_for_selector(".record-head")
    assert {"¥1,000.10", "¥125.01"} <= set(page.locator("dd").all_inner_texts())
    page.goto(f"{page.url}/edit")
    page.fill("[name='parts.0.amount']", "80")
    expect(total).to_have_text("¥80.00")
    expect(fee).to_have_text("¥10.00")
    recorder.assert_clean(page)


def test_without_network_a_lookup_says_so_and_the_form_goes_on(
    trading: Served, chromium: Chromium, sign_in: SignIn
) -> None:
    firm = made(trading, "firm", name="断线公司", region="华北", credit=20)
    page, _ = chromium.open(trading.url)
    sign_in(page)
    page.goto(f"{NEW}?firm={firm}")
    region = page.locator("[data-computed=firm_region]")
    expect(region).to_have_text("华北")
    expect(page.locator("#f-days")).to_have_value("20")
    page.context.set_offline(True)
    page.locator("[data-field=firm] .clear").click()
    expect(region).to_have_class("in computed later")
    page.context.set_offline(False)
    page.locator("[data-field=kind] label", has_text="new").click()
    expect(region).to_have_text("")
    expect(region).to_have_class("in computed")


def test_without_scripts_the_form_follows_when_a_line_is_added(
    trading: Served, chromium: Chromium, sign_in: SignIn
) -> None:
    firm = made(trading, "firm", name="无脚本公司", region="华南", credit=15)
    page, _ = chromium.open(trading.url, javascript=False)
    sign_in(page)
    page.goto(NEW)
    page.select_option("select[name=firm]", firm)
    page.fill("#f-remind", "3")
    page.fill("[name='parts.0.amount']", "50")
    page.fill("#f-rate", "10")
    page.locator("[name=_add]").click()
    expect(page.locator("[data-computed=firm_region]")).to_have_text("华南")
    expect(page.locator("#f-days")).to_have_value("15")
    expect(page.locator("#f-remind")).to_have_value("3")
    expect(page.locator("[data-computed=fee]")).to_have_text("¥5.00")


def test_a_draft_brings_back_lines_links_files_and_a_signature(
    trading: Served, chromium: Chromium, sign_in: SignIn
) -> None:
    made(trading, "product", name="草稿货品", price={"amount": "3", "currency": "CNY"})
    for number in range(60):  # more than a link offers at first
        made(trading, "firm", name=f"A{number:02}", region="—")
    made(trading, "firm", name="末尾公司", region="东北", credit=8)
    page, _ = chromium.open(trading.url, size=PHONE)
    page.on("dialog", lambda dialog: dialog.accept())
    sign_in(page)
    page.goto(NEW)
    page.fill("#f-name", "全套草稿")
    choose(page, "firm", "末尾公司")
    choose(page, "parts.0.goods", "草稿货品")
    page.fill("[name='parts.0.amount']", "70")
    page.set_input_files(
        "#f-papers", {"name": "合同.txt", "mimeType": "text/plain", "buffer": b"some words here"}
    )
    expect(page.locator("[data-name=papers] .files-item")).to_have_count(1)
    page.locator("[data-sign]").click()
    page.fill("[data-typed]", "李娜")
    page.locator("[data-use]").click()
    expect(page.locator("[data-name=signed] .files-item")).to_have_count(1)
    page.context.set_offline(True)
    page.fill("#f-days", "12")
    page.goto("about:blank")
    page.context.set_offline(False)
    page.goto(NEW)
    expect(page.locator(".notice")).to_contain_text("草稿")
    expect(page.locator("[data-computed=firm_region]")).to_have_text("东北")
    expect(page.locator("#f-days")).to_have_value("12")
    expect(page.locator("[data-computed=total]")).to_have_text("¥70.00")
    expect(page.locator("[data-field=parts] [role=combobox]").first).to_have_value("草稿货品")
    for field in ("papers", "signed"):
        expect(page.locator(f"[data-name={field}] .files-item")).to_have_count(1)
    page.click("[data-save]")
    page.wait_for_selector(".record-head")
    facts = page.locator("dd").all_inner_texts()
    assert {"末尾公司", "东北", "12", "¥70.00"} <= set(facts)
    assert page.evaluate("Object.keys(localStorage).length") == 0


def test_a_draft_of_an_earlier_version_says_so_and_both_sides_are_shown(
    trading: Served, chromium: Chromium, sign_in: SignIn
) -> None:
    deal = made(trading, "deal", name="两人改", days=1, rate="0.1")
    page, _ = chromium.open(trading.url)
    page.on("dialog", lambda dialog: dialog.accept())
    sign_in(page)
    page.goto(f"/apps/trade/deal/{deal}/edit")
    page.fill("#f-days", "5")
    page.goto("about:blank")
    trading.host.refresh()
    theirs = Write("update", "trade.deal", deal, values={"days": 3, "rate": "0.2"}, rules=False)
    write_record.write_now(trading.host.db, trading.host.work(), theirs)
    page.goto(f"/apps/trade/deal/{deal}/edit")
    expect(page.locator(".notice")).to_contain_text("已有新的改动")
    expect(page.locator("#f-days")).to_have_value("5")
    page.click("[data-save]")
    conflict = page.locator(".conflict")
    expect(conflict).to_contain_text("3")
    expect(page.locator("#f-days")).to_have_value("5")
    expect(page.locator("#f-rate")).to_have_value("20")
    page.click("[data-save]")
    page.wait_for_selector(".record-head")
    assert {"5", "20%"} <= set(page.locator("dd").all_inner_texts())


def test_the_first_of_ordered_choices_is_shown_in_its_words_while_choosing_and_filtered_by(
    trading: Served, chromium: Chromium, sign_in: SignIn
) -> None:
    page, recorder = chromium.open(trading.url, size=PHONE)
    sign_in(page)
    page.goto(NEW)
    page.fill("#f-name", "先选后选")
    focus, first = page.locator("[data-field=focus]"), page.locator("[data-computed=first]")
    focus.locator("label", has_text="brand").click()
    focus.locator("label", has_text="price").click()
    expect(first).to_have_text("L option deal focus brand")
    page.click("[data-save]")
    page.wait_for_selector(".record-head")
    expect(page.locator("dd .tag", has_text="L option deal focus brand")).to_have_count(2)
    condition = quote('{"==":[{"var":"first"},"brand"]}')
    page.goto(f"/apps/trade/deal?filter={condition}")
    expect(page.locator("tbody tr", has_text="先选后选")).to_have_count(1)
    recorder.assert_clean(page)
