"""Forms in tabs and in steps: led by keyboard, checked step by step, errors found again, whole without scripts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ADA, PASSWORD, serving
from tests.contracts.field_kinds.house import labelled, manifest
from tests.support.browser import DESKTOP, PHONE, Chromium, axe_violations

pytestmark = pytest.mark.browser
SECTIONS: dict[str, Any] = {
    "who": {"order": 1, "columns": 3, "fields": {"name": {"order": 1}, "firm": {"order": 2}}},
    "firms": {
        "order": 2,
        "columns": 2,
        "visible": {"==": [{"var": "firm"}, True]},
        "fields": {"tax": {"order": 1, "required": True}},
    },
    "more": {"order": 3, "columns": 1, "fields": {"city": {"order": 1}}},
}
PROPERTIES: dict[str, Any] = {
    "name": {"x-kind": "text", "x-required": True, "x-order": 1},
    "firm": {"x-kind": "boolean", "x-required": True, "x-order": 2},
    "tax": {"x-kind": "text", "x-order": 3},
    "city": {"x-kind": "text", "x-required": True, "x-order": 4},
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with the same form once in tabs, once in steps."""
    files: dict[str, Any] = {"app.json": manifest("layouts", "tabbed", "stepped")}
    for name, layout in (("tabbed", "tabs"), ("stepped", "steps")):
        files[f"entities/{name}.json"] = {
            "id": name,
            "type": "object",
            "x-title": "name",
            "properties": PROPERTIES,
        }
        files[f"forms/{name}.json"] = {
            "id": name,
            "entity": name,
            "default": True,
            "layout": layout,
            "sections": SECTIONS,
        }
    with serving(tmp_path_factory.mktemp("layouts"), ADA, labelled(files)) as served:
        yield served.url


def enter(page: Page, place: str) -> None:
    page.goto("/sign-in")
    page.fill("[name=email]", "ada@example.com")
    page.fill("[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url("**/")
    page.goto(place)


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_tabs_are_led_by_keyboard_and_errors_lead_into_their_tab(
    desk: str, chromium: Chromium, size: tuple[int, int]
) -> None:
    page, recorder = chromium.open(desk, size=size)
    enter(page, "/apps/layouts/tabbed/new")
    tabs = page.locator("[role=tab]:visible")
    expect(tabs).to_have_count(2)
    assert axe_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.fill("#f-name", "张伟")
    page.locator("[data-field=firm] [type=checkbox]").check(force=True)
    expect(tabs).to_have_count(3)
    page.locator("[data-save]").click()
    expect(page.locator("#f-tax")).to_be_focused()
    expect(tabs.nth(2)).to_have_class("part is-wrong")
    tabs.nth(1).focus()
    page.keyboard.press("ArrowRight")
    expect(tabs.nth(2)).to_have_attribute("aria-selected", "true")
    page.fill("#f-city", "杭州")
    page.locator("[data-wrong-said] a").first.click()
    page.fill("#f-tax", "913301")
    page.locator("[data-save]").click()
    page.wait_for_selector(".record-head")
    recorder.assert_clean(page)


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_step_is_left_only_when_what_it_asks_for_is_there(
    desk: str, chromium: Chromium, size: tuple[int, int]
) -> None:
    page, recorder = chromium.open(desk, size=size)
    enter(page, "/apps/layouts/stepped/new")
    forward = page.locator(".save .btn-primary:visible")
    expect(page.locator(".step-said")).to_have_text("第 1 步，共 2 步")
    forward.click()
    expect(page.locator("#f-name")).to_be_focused()
    expect(page.locator("#f-city")).to_be_hidden()
    page.fill("#f-name", "李娜")
    page.keyboard.press("Enter")
    expect(page.locator("#f-city")).to_be_focused()
    expect(page.locator(".step-said")).to_have_text("第 2 步，共 2 步")
    assert axe_violations(page) == []
    page.locator(".save .btn", has_text="上一步").click()
    expect(page.locator("#f-name")).to_be_visible()
    forward.click()
    page.fill("#f-city", "杭州")
    forward.click()
    page.wait_for_selector(".record-head")
    recorder.assert_clean(page)


def test_without_scripts_steps_are_one_long_form_and_a_hidden_section_asks_for_nothing(
    desk: str, chromium: Chromium
) -> None:
    page, _ = chromium.open(desk, javascript=False)
    enter(page, "/apps/layouts/stepped/new")
    page.fill("#f-name", "王强")
    page.fill("#f-city", "上海")
    page.click("[data-save]")
    page.wait_for_selector(".record-head")
    expect(page.locator("main")).to_contain_text("王强")
    expect(page.locator("main")).to_contain_text("上海")
