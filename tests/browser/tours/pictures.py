"""The README's pictures, taken anew from the demo: `.venv/bin/python -m tests.browser.tours.pictures DATA [SHARE]`.

DATA is the demo's data folder (made when missing, with a SHARE of its firms). Each picture is somebody at work.
"""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from dacheng.runtime.cli import demo
from dacheng.runtime.cli.output import Output
from dacheng.runtime.host import Host
from dacheng.runtime.settings import Settings
from tests.browser.conftest import listening
from tests.support.browser import PHONE, Chromium, launch

FOLDER = Path(__file__).resolve().parents[3] / "docs" / "pictures"
DESK = (1280, 800)
SALES, STORES = "/apps/sales_management", "/apps/store_sales"
LARGEST = 150_000  # bytes
COLOURS = 128  # as many as text, pills and charts need


@dataclass(frozen=True)
class Picture:
    """Who looks at what, how large the window is, and what is clicked before the picture is taken."""

    name: str
    who: str
    at: str
    size: tuple[int, int] = DESK
    clicks: tuple[str, ...] = ()


PICTURES = (
    Picture("dashboard", "gm", f"{SALES}/dashboards/overview"),
    Picture("list", "manager", f"{SALES}/opportunity", (1280, 640)),
    Picture("form", "rep", f"{SALES}/interaction/new"),
    Picture("phone", "rep", f"{SALES}/opportunity?view=my_open", PHONE, ("tbody td.main a",)),
    Picture("today", "rep", "/"),
    Picture("board", "manager", f"{SALES}/opportunity?view=pipeline"),
    Picture("start", "admin", "/start/sales_management/first_month"),
    Picture("words", "admin", "/labels?app=sales_management"),
    Picture("store", "area", f"{STORES}/dashboards/store_overview"),
    Picture("visit", "guide", f"{STORES}/store_visit", PHONE, ("tbody td.main a",)),
)


def take(page: Page, picture: Picture) -> None:
    """Go there, click, wait for the charts, and keep what is seen."""
    page.goto(picture.at)
    for click in picture.clicks:
        page.locator("main").locator(click).first.click()
        page.wait_for_load_state()
    page.wait_for_load_state("networkidle")
    target = FOLDER / f"{picture.name}.png"
    seen = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    seen.quantize(COLOURS, dither=Image.Dither.NONE).save(target, optimize=True)
    if target.stat().st_size > LARGEST:
        raise SystemExit(f"{target.name} has {target.stat().st_size} bytes, more than {LARGEST}")


def main(data: str, share: str = "0.2") -> None:
    """Take every picture."""
    host = Host.open(Settings(data=Path(data)))
    signs = demo.prepare(
        host, Output(as_json=True, locale="zh-CN", out=io.StringIO(), err=sys.stderr), float(share)
    )
    with listening(host) as url, sync_playwright() as playwright:
        chromium = Chromium(launch(playwright), [])
        for picture in PICTURES:
            page, _ = chromium.open(url, size=picture.size)
            page.goto("/sign-in")
            page.fill("[name=email]", f"{picture.who}@demo.example")
            page.fill("[name=password]", signs[f"{picture.who}@demo.example"])
            page.click("main button.btn-primary")
            page.wait_for_load_state()
            take(page, picture)
            chromium.close_contexts()
        chromium.browser.close()
    host.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
