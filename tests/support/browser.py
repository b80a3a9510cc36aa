"""A real Chromium for tests: Debian's browser driven by Playwright, with axe and a recorder."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright

AXE = Path(__file__).resolve().parent.parent / ".vendor" / "axe.min.js"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
DESKTOP, PHONE = (1440, 900), (390, 844)
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WATCH_POLICY = """
window.__policyViolations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.__policyViolations.push(`${event.effectiveDirective}: ${event.blockedURI}`);
});
"""
RUN_AXE = """async (tags) => {
  const found = await axe.run(document, {runOnly: {type: "tag", values: tags}});
  return found.violations.map((rule) => ({
    id: rule.id, impact: rule.impact, help: rule.help,
    nodes: rule.nodes.map((node) => `${node.target.join(" ")}: ${node.failureSummary}`),
  }));
}"""


@dataclass
class Recorder:
    """Everything a page complained of: console, uncaught errors, failed requests, CSP."""

    complaints: list[str] = field(default_factory=list)
    expected_status: set[int] = field(default_factory=set)

    def watch(self, page: Page) -> None:
        """Write down what this page says from now on."""
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))

    def policy_violations(self, page: Page) -> list[str]:
        """Content-Security-Policy violations of the document now shown."""
        found = page.evaluate("window.__policyViolations ?? []")
        return [str(violation) for violation in found]

    def assert_clean(self, page: Page) -> None:
        """Fail unless the console is empty and the policy was kept."""
        assert self.complaints == []
        assert self.policy_violations(page) == []

    def _console(self, message: ConsoleMessage) -> None:
        expected = any(f"status of {status} " in message.text for status in self.expected_status)
        if not expected:
            self.complaints.append(f"console {message.type}: {message.text}")


@dataclass(frozen=True)
class Chromium:
    """A running browser; each `open` is a context of its own (no shared cookies)."""

    browser: Browser
    contexts: list[BrowserContext]

    def open(
        self,
        base_url: str,
        *,
        size: tuple[int, int] = DESKTOP,
        scheme: Literal["light", "dark"] = "light",
        locale: str = "zh-CN",
        javascript: bool = True,
    ) -> tuple[Page, Recorder]:
        """A fresh page and its recorder; `size` is CSS pixels, a phone also gets touch."""
        context = self.browser.new_context(
            base_url=base_url,
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,
            locale=locale,
            timezone_id="Asia/Shanghai",
            has_touch=size == PHONE,
            is_mobile=size == PHONE,
            java_script_enabled=javascript,
            reduced_motion="reduce",
        )
        self.contexts.append(context)
        if javascript:
            context.add_init_script(WATCH_POLICY)
        context.set_default_timeout(15_000)
        page, recorder = context.new_page(), Recorder()
        recorder.watch(page)
        return page, recorder

    def close_contexts(self) -> None:
        """Close every context opened so far; the browser stays."""
        while self.contexts:
            self.contexts.pop().close()


def chromium_path() -> str | None:
    """The system's Chromium, or None: then browser tests are skipped, and say so."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


def launch(playwright: Playwright) -> Browser:
    """Start Debian's Chromium, headless and quiet on the network."""
    return playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)


def axe_violations(page: Page) -> list[dict[str, Any]]:
    """Accessibility violations (WCAG 2.2 AA and best practice) of the page as it now stands.

    The script enters through the debugger, which the Content-Security-Policy does not bind.
    """
    page.evaluate(_axe_source())
    found: list[dict[str, Any]] = page.evaluate(RUN_AXE, AXE_TAGS)
    return found


@cache
def _axe_source() -> str:
    return AXE.read_text("utf-8")
