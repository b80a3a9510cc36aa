"""T31: where a `next` may lead."""

import pytest

from dacheng.runtime.web.security import own_path

ELSEWHERE = [
    "//evil.example", "//evil.example/path/", "///evil.example", "////evil.example", "/\\evil.example",
    "\\/evil.example", "\\\\evil.example", "/\\/evil.example", "/%09/evil.example", "/\t/evil.example",
    "/\n/evil.example", "/\r\nLocation: https://evil.example", "\t//evil.example", " //evil.example",
    "https://evil.example", "http:evil.example", "https:/evil.example", "https:evil.example",
    "HTTPS://evil.example", "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "//evil.example@own",
    "/@evil.example", "@evil.example", "own@evil.example", "/..//evil.example", "/apps/..//evil.example",
    "/./evil.example", "/apps/../settings", "/%2f/evil.example", "/%2F%2Fevil.example", "%2f%2fevil.example",
    "/%5cevil.example", "/apps%2f..", "/apps//evil.example", "/evil.example", "/apps?next=//evil.example",
    "/\u2028/evil.example", "/／evil.example", "/\x00/evil.example", "", "evil", "?next=1", "#x", "/apps#//evil",
    "/apps/a;b", "/api/v1/me", "/sign-out", "/static/x.js",
]  # fmt: skip
OWN = [
    "/", "/apps/sales_management/account", "/apps/sales_management/account/new", "/settings",
    "/apps/sales_management/account?view=all&sort=-name,id&q=%E5%AE%A2", "/settings/people", "/marketplace",
    "/apps/a/b?filter=%7B%22%3D%3D%22%3A%5B1%2C1%5D%7D",
]  # fmt: skip


@pytest.mark.parametrize("text", ELSEWHERE)
def test_t31_a_next_that_is_no_own_page_leads_home(text: str) -> None:
    assert own_path(text) == "/"


@pytest.mark.parametrize("text", OWN)
def test_t31_a_next_that_is_an_own_page_is_kept(text: str) -> None:
    assert own_path(text) == text


def test_t31_at_least_forty_spellings_are_tried() -> None:
    assert len(ELSEWHERE) >= 40
