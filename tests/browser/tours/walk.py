"""One person's window on the demo firm, and what has to hold of every page that they come to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from playwright.sync_api import Locator, Page

from tests.support.browser import DESKTOP, PHONE, Chromium, Recorder, axe_violations

LOOK = """() => {
  const wrong = [...(window.__policyViolations ?? [])];
  const seen = (one) => one.checkVisibility();
  const said = (one) => one.textContent.trim();
  if (document.documentElement.scrollWidth > innerWidth) wrong.push("scrolls sideways");
  const main = document.querySelector("main");
  if (!main || said(main).length < 10) wrong.push("an empty page");
  for (const one of main?.querySelectorAll(".empty, .empty-hint") ?? [])
    if (![...one.querySelectorAll("p")].some(said)) wrong.push(`empty without a hint: ${said(one)}`);
  for (const body of main?.querySelectorAll("tbody") ?? [])
    if (!body.rows.length) wrong.push("a table without rows and without a hint");
  for (const board of main?.querySelectorAll(".board, .calendar") ?? [])
    if (!board.querySelector("li") && !main.querySelector(".none-here"))
      wrong.push("an empty board or calendar without a hint");
  for (const card of main?.querySelectorAll(".card-body") ?? [])
    if (!said(card) && !card.querySelector("input, progress, svg, img, canvas")) wrong.push("an empty card");
  for (const step of main?.querySelectorAll(".steps button[disabled]") ?? [])
    if (!said(document.getElementById(step.getAttribute("aria-describedby")) ?? step))
      wrong.push(`no reason given: ${said(step)}`);
  for (const one of document.querySelectorAll(".btn, .pill, .tag, .tabbar span, h1, h2, label > span"))
    if (seen(one) && !one.matches(".clip, .clip *, .sr") && one.scrollWidth > one.clientWidth + 1 &&
        getComputedStyle(one).display !== "inline") wrong.push(`cut off: ${said(one)}`);
  return wrong;
}"""


@dataclass(frozen=True)
class Way:
    """How somebody works that day: at a desk or on a phone, in which light and language."""

    phone: bool
    scheme: Literal["light", "dark"]
    locale: str

    @property
    def id(self) -> str:
        """Its name in a test's name."""
        return f"{'phone' if self.phone else 'desktop'}-{self.scheme}-{self.locale}"


@dataclass
class Walk:
    """Somebody's window; `mark` tells what they make from what others made."""

    page: Page
    recorder: Recorder
    way: Way
    mark: str
    kept: dict[str, str] = field(default_factory=dict)
    faults: dict[str, list[str]] = field(default_factory=dict)

    @property
    def phone(self) -> str:
        """A mobile number of this walk's own."""
        return f"139{sum(ord(sign) * 31**at for at, sign in enumerate(self.mark)) % 10**8:08d}"

    @property
    def main(self) -> Locator:
        """The page without its frame."""
        return self.page.locator("main")

    def look(self, *, axe: bool = False) -> None:
        """Note what is wrong with the page now shown."""
        wrong = [*self.recorder.complaints, *self.page.evaluate(LOOK)]
        self.recorder.complaints.clear()
        if axe:
            wrong += [f"{rule['id']}: {' | '.join(rule['nodes'][:3])}" for rule in axe_violations(self.page)]
        if wrong:
            self.faults.setdefault(self.page.url, []).extend(wrong)

    def lead(self, link: Locator) -> None:
        """Click what leads to another page, and look at that."""
        with self.page.expect_navigation(wait_until="load"):
            link.click()
        self.look()

    def click(self, link: Locator) -> None:
        """Click what may change only a part of the page, wait for it, and look."""
        link.click()
        self.page.wait_for_load_state("networkidle")
        self.look()


def sets_out(chromium: Chromium, url: str, way: Way, who: tuple[str, str], mark: str) -> Walk:
    """Sign in with an address and a password: the only page of the day that is typed."""
    page, recorder = chromium.open(
        url, size=PHONE if way.phone else DESKTOP, scheme=way.scheme, locale=way.locale
    )
    page.context.grant_permissions(["geolocation"])
    page.context.set_geolocation({"latitude": 31.2304, "longitude": 121.4737, "accuracy": 20})
    page.goto("/sign-in")
    page.fill("[name=email]", who[0])
    page.fill("[name=password]", who[1])
    walk = Walk(page, recorder, way, mark)
    walk.lead(page.locator("main button.btn-primary"))
    return walk
