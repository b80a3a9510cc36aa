"""The few words a day is told in; each is a click, or some fields filled in, as a person does it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from playwright.sync_api import FilePayload, Locator, expect

from tests.browser.tours.walk import Walk
from tests.support.pictures import picture

Step = Callable[[Walk], None]
FIRST = "\N{WHITE HEAVY CHECK MARK}first"  # whatever stands first among the choices
HERE = "here"  # where one is, from the device
PHOTO = "photo"


def home() -> Step:
    """Back to the first page of the day."""

    def step(walk: Walk) -> None:
        walk.lead(walk.page.locator(".tabbar > a[href='/']" if walk.way.phone else "a.workspace"))

    return step


def place(end: str) -> Step:
    """A place of the navigation: the side bar, or the phone's tabs and what is behind “more”."""

    def step(walk: Walk) -> None:
        side = walk.page.locator(f"aside a.nav[href$='{end}']")
        if not walk.way.phone:
            return walk.lead(side.first)
        tab = walk.page.locator(f".tabbar > a[href$='{end}']")
        if tab.count():
            return walk.lead(tab.first)
        walk.page.locator(".tabbar summary").click()
        return walk.lead(walk.page.locator(f".sheet a[href$='{end}']").first)

    return step


def view(name: str) -> Step:
    """Another view of a list."""
    return goes(f".views a[href*='view={name}']")


def goes(selector: str) -> Step:
    """A link of the page itself: a figure's records, a tile, a related record."""

    def step(walk: Walk) -> None:
        walk.lead(walk.main.locator(selector).locator("visible=true").first)

    return step


def turns(selector: str) -> Step:
    """Something that changes a part of the page."""

    def step(walk: Walk) -> None:
        walk.click(walk.main.locator(selector).locator("visible=true").first)

    return step


def opens(text: str = "") -> Step:
    """A record of the list, board or calendar: the first, or the one with these words."""

    def step(walk: Walk) -> None:
        rows = walk.main.locator("tbody tr td.main a, .board-cards li a, .day-events li a, .items li a")
        if text:
            rows = rows.filter(has_text=told(walk, text))
        walk.lead(rows.locator("visible=true").first)

    return step


def new() -> Step:
    """The form for a new record of this list."""
    return goes("#list-actions a.float")


def adds(entity: str) -> Step:
    """The form for a record that belongs to the one shown."""
    return goes(f"section a.btn[href*='/{entity}/new']")


def edits() -> Step:
    """The form of the record shown."""
    return goes("a.btn[href$='/edit']")


def fills(**values: str) -> Step:
    """Fields of the form, by name; `__` stands for the dots of a line's field."""

    def step(walk: Walk) -> None:
        form = walk.main.locator("form.record-form")
        for name, value in values.items():
            put(walk, form, name.replace("__", "."), told(walk, value))

    return step


def saves() -> Step:
    """Save the form, and be shown the record."""

    def step(walk: Walk) -> None:
        walk.lead(walk.page.locator("[data-save]"))
        expect(walk.main.locator(".record-head")).to_have_count(1)

    return step


def takes(transition: str, **values: str) -> Step:
    """A step of the record's way, with what it asks for."""

    def step(walk: Walk) -> None:
        form = walk.main.locator(f".steps form[action$='/transitions/{transition}']")
        expect(form, f"no step {transition} at {walk.page.url}").to_have_count(1)
        if "step-form" in (form.get_attribute("class") or ""):
            panel = form.locator("xpath=ancestor::details")
            if panel.get_attribute("open") is None:
                panel.locator("summary").click()
            walk.look()
            for name, value in values.items():
                put(walk, form, name, told(walk, value))
        walk.lead(form.locator("button[type=submit]"))
        expect(walk.main.locator(".notice.tone-good")).to_have_count(1)

    return step


def says(text: str) -> Step:
    """A comment on the record."""

    def step(walk: Walk) -> None:
        composer = walk.main.locator(".composer").first
        composer.locator("textarea").fill(told(walk, text))
        walk.click(composer.locator("button[type=submit]"))
        expect(walk.main.locator(".said").first).to_contain_text(told(walk, text))

    return step


def bell() -> Step:
    """What is new, behind the bell."""

    def step(walk: Walk) -> None:
        walk.lead(walk.page.locator("a.bell"))

    return step


def told_first() -> Step:
    """The newest message of the bell, followed to its record."""
    return goes(".inbox .inbox-go")


def sees(text: str) -> Step:
    """These words stand on the page."""

    def step(walk: Walk) -> None:
        expect(walk.main).to_contain_text(told(walk, text))

    return step


def checks_all() -> Step:
    """Every check of an inspection: passed, but for the last, which failed."""

    def step(walk: Walk) -> None:
        def radio(value: str) -> list[Locator]:
            return walk.main.locator(f"[name^='lines.'][name$='.result'][value={value}]").all()

        for one in radio("pass")[:-1]:  # the last line is an empty one
            one.check(force=True)
        radio("fail")[-2].check(force=True)

    return step


def unless(text: str, *steps: Step) -> Step:
    """What is done only where the page does not show these words."""

    def step(walk: Walk) -> None:
        if told(walk, text) not in walk.main.inner_text():
            for each in steps:
                each(walk)

    return step


def told(walk: Walk, text: str) -> str:
    """Words with the mark of this walk in them."""
    return text.replace("{}", walk.mark).replace("{phone}", walk.phone).replace("{today}", today())


def put(walk: Walk, form: Locator, name: str, value: str) -> None:
    """Fill one field in, whatever its control."""
    box = form.locator(f"[data-field='{name}']")
    if value == HERE:
        return _measure(box)
    if value == PHOTO:
        return _photo(box)
    field = form.locator(f"[name='{name}']").first
    kind = field.evaluate("(one) => one.type")
    combo = form.locator(".combo-box", has=form.page.locator(f"[name='{name}']"))
    if combo.get_by_role("combobox").count():
        return _choose(combo, value)
    if kind == "select-one":
        return _select(field, value)
    if kind in ("radio", "checkbox", "hidden"):
        return form.locator(f"[name='{name}'][value='{value}']:not([type=hidden])").check(force=True)
    field.fill(value)
    return field.press("Tab")


def _choose(combo: Locator, value: str) -> None:
    box = combo.get_by_role("combobox").first
    box.click()
    if value != FIRST:
        box.fill(value)
    options = combo.page.locator(".options:visible [role=option]:not([aria-disabled=true])")
    (options.first if value == FIRST else options.filter(has_text=value).first).click()


def _select(field: Locator, value: str) -> None:
    if value == FIRST:
        field.select_option(index=1)
    else:
        field.select_option(value)


def _measure(box: Locator) -> None:
    box.locator("[data-measure]").click()
    expect(box.locator("input")).not_to_have_value("")


def _photo(box: Locator) -> None:
    picked = FilePayload(name="a.jpg", mimeType="image/jpeg", buffer=picture("JPEG"))
    box.locator("[type=file]").first.set_input_files(picked)
    expect(box.locator(".files-item")).to_have_count(1)


def today() -> str:
    """The day it is for people in China."""
    return datetime.now(ZoneInfo("Asia/Shanghai")).date().isoformat()
