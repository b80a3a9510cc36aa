"""One look at a page in a real browser: what is wrong with it, in words; nothing when it is as promised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from playwright.sync_api import Page, Response

from tests.browser.places import Markup
from tests.support.browser import DESKTOP, PHONE, Chromium, Recorder, axe_violations

NARROWEST = 320
FITS = "document.documentElement.scrollWidth <= innerWidth"


class Mode(NamedTuple):
    """How somebody looks at pages."""

    size: tuple[int, int]
    scheme: Literal["light", "dark"]
    locale: str

    @property
    def id(self) -> str:
        """Its name in a test's name."""
        return f"{'phone' if self.size == PHONE else 'desktop'}-{self.scheme}-{self.locale}"


SCHEMES: Sequence[Literal["light", "dark"]] = ("light", "dark")
MODES = [
    Mode(size, scheme, locale)
    for size in (DESKTOP, PHONE)
    for scheme in SCHEMES
    for locale in ("zh-CN", "en")
]


def falls_to(place: int, mode: int) -> bool:
    """Whether a sample looks at this place in this mode: each place in one mode and in its opposite in all three."""
    return mode in (place % len(MODES), len(MODES) - 1 - place % len(MODES))


@dataclass
class Looker:
    """One browser window that is led from page to page."""

    page: Page
    recorder: Recorder
    mode: Mode
    document: Response | None = None

    def __post_init__(self) -> None:
        self.page.on("response", self._keep)

    def faults(self) -> list[str]:
        """Everything wrong with the page now shown; what it said is forgotten after."""
        page, wrong = self.page, [*self.recorder.complaints]
        self.recorder.complaints.clear()
        wrong += self.recorder.policy_violations(page)
        if page.locator("html").get_attribute("lang") != self.mode.locale:
            wrong.append("another language")
        wrong += [f"{rule['id']}: {' | '.join(rule['nodes'][:3])}" for rule in axe_violations(page)]
        if self.document is not None:
            wrong += Markup(self.document.text()).forbidden
        return wrong + self._sideways()

    def _sideways(self) -> list[str]:
        wide = [] if self.page.evaluate(FITS) else [f"scrolls sideways at {self.mode.size[0]}"]
        if self.mode.size == PHONE:
            self.page.set_viewport_size({"width": NARROWEST, "height": PHONE[1]})
            wide += [] if self.page.evaluate(FITS) else [f"scrolls sideways at {NARROWEST}"]
            self.page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
        return wide

    def _keep(self, response: Response) -> None:
        if response.request.resource_type == "document" and not 300 <= response.status < 400:
            self.document = response


def look_in(chromium: Chromium, url: str, mode: Mode, cookie: tuple[str, str] = ("", "")) -> Looker:
    """A window in this mode; with a session's cookie somebody is signed in."""
    page, recorder = chromium.open(url, size=mode.size, scheme=mode.scheme, locale=mode.locale)
    if cookie[0]:
        page.context.add_cookies([{"name": cookie[0], "value": cookie[1], "url": url}])
    return Looker(page, recorder, mode)
