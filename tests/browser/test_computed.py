"""Formulas and lookups in the browser: kept up with what is typed, and the same as what is saved."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from dacheng.runtime.services import write_record
from dacheng.runtime.services.write_record import Write
from tests.browser.conftest import Served
from tests.support.browser import PHONE, Chromium

pytestmark = pytest.mark.browser
OPPORTUNITY = "/apps/sales_management/opportunity"
SignIn = Callable[..., None]


def made(served: Served, entity: str, **values: object) -> str:
    host = served.host
    host.refresh()
    write = Write("create", f"sales_management.{entity}", None, values=values, rules=False)
    return write_record.write_now(host.db, host.work(), write).id


def test_a_formula_follows_what_is_typed_and_a_lookup_the_record_that_is_chosen(
    served: Served, chromium: Chromium, sign_in: SignIn
) -> None:
    one = made(served, "account", name="公式甲公司", sector="finance")
    other = made(served, "account", name="公式乙公司", sector="retail")
    record = made(
        served,
        "opportunity",
        name="公式商机",
        account=one,
        amount={"amount": "1000", "currency": "CNY"},
        probability=30,
    )
    page, recorder = chromium.open(served.url, size=PHONE)
    sign_in(page)
    page.goto(f"{OPPORTUNITY}/{record}/edit")
    weighted = page.locator("[data-computed=weighted_amount]")
    sector = page.locator("[data-computed=account_sector]")
    expect(weighted).to_have_text("¥300.00")
    before = sector.inner_text()
    assert before != ""
    page.fill("#f-amount", "12345.67")
    expect(weighted).to_have_text("¥3,703.70")
    page.locator("[name='amount.currency']").select_option("USD")
    expect(weighted).to_have_text("$3,703.70")
    page.fill("#f-amount", "")
    expect(weighted).to_have_text("")
    page.fill("#f-amount", "-5.5")
    expect(weighted).to_have_text("−$1.65")
    page.fill("#f-amount", "12345.67")
    page.locator("select[name=account]").evaluate(
        "(select, id) => { select.add(new Option('', id)); select.value = id;"
        " select.dispatchEvent(new Event('change', { bubbles: true })); }",
        other,
    )
    expect(sector).to_have_text("零售")
    page.click("[data-save]")
    page.wait_for_selector(".record-head")
    facts = page.locator("dd").all_inner_texts()
    assert "$3,703.70" in facts
    assert before not in facts
    recorder.assert_clean(page)


def sorted_by(page: Page, key: str) -> list[str]:
    page.goto(f"{OPPORTUNITY}?q=加权&sort={key}")
    return [text.strip() for text in page.locator("tbody tr a.row-link, tbody tr a").all_inner_texts()]


def test_a_list_is_put_in_the_order_of_a_formula(served: Served, chromium: Chromium, sign_in: SignIn) -> None:
    for name, chance in (("加权一", 20), ("加权二", 90), ("加权三", 50)):
        made(
            served,
            "opportunity",
            name=name,
            amount={"amount": "100", "currency": "CNY"},
            probability=chance,
        )
    page, recorder = chromium.open(served.url)
    sign_in(page)
    names = [text for text in sorted_by(page, "-weighted_amount") if text.startswith("加权")]
    assert names == ["加权二", "加权三", "加权一"]
    recorder.assert_clean(page)
