"""Every page in a real browser: accessible, quiet, within the policy, on desk and phone, light and dark, zh and en."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Served
from tests.support.browser import DESKTOP, PHONE, Chromium

pytestmark = pytest.mark.browser
OPPORTUNITY = "/apps/sales_management/opportunity"
PAGES = (
    "/",
    OPPORTUNITY,
    f"{OPPORTUNITY}?build=amount",
    f"{OPPORTUNITY}?q=nothing-is-called-this",
    f"{OPPORTUNITY}/new",
    "record",
    "edit",
    "/apps/sales_management/account",
    "/apps/sales_management/dashboards/overview",
    "/search?q=a",
    "/apps/core/user",
)
Axe = Callable[[Page], list[dict[str, Any]]]


def first_record(page: Page) -> str:
    """The address of the first record of the list."""
    page.goto(OPPORTUNITY)
    found = page.locator("td.main a").first.get_attribute("href")
    assert found is not None
    return found


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_every_page_is_accessible_and_quiet(
    served: Served,
    chromium: Chromium,
    sign_in: Callable[..., None],
    axe: Axe,
    size: tuple[int, int],
    scheme: Literal["light", "dark"],
    locale: str,
) -> None:
    page, recorder = chromium.open(served.url, size=size, scheme=scheme, locale=locale)
    sign_in(page)
    record = first_record(page)
    for path in PAGES:
        page.goto({"record": record, "edit": f"{record}/edit"}.get(path, path))
        page.wait_for_load_state()
        assert page.locator("html").get_attribute("lang") == locale
        assert axe(page) == [], path
        recorder.assert_clean(page)


@pytest.mark.parametrize("width", [320, 768, 1024, 1920])
def test_no_page_scrolls_sideways(
    served: Served, chromium: Chromium, sign_in: Callable[..., None], width: int
) -> None:
    page, _ = chromium.open(served.url, size=(width, 800))
    sign_in(page)
    record = first_record(page)
    for path in PAGES:
        page.goto({"record": record, "edit": f"{record}/edit"}.get(path, path))
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (path, width)


def test_no_link_of_the_shell_is_dead(
    served: Served, chromium: Chromium, sign_in: Callable[..., None]
) -> None:
    page, _ = chromium.open(served.url)
    sign_in(page)
    places = page.eval_on_selector_all(".side a", "links => links.map((link) => link.getAttribute('href'))")
    assert len(places) > 5
    for place in places:
        answer = page.goto(place)
        assert answer is not None
        assert answer.status == 200, place
