"""Controls of single kinds in a real browser: typed, saved and shown again; conditions see what they hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Dialog, Page, expect

from tests.browser.conftest import ADA, PASSWORD, serving
from tests.contracts.field_kinds.house import labelled, manifest
from tests.support.browser import DESKTOP, PHONE, Chromium

pytestmark = pytest.mark.browser
PROPERTIES: dict[str, Any] = {
    "name": {"x-kind": "text", "x-required": True},
    "active": {"x-kind": "boolean", "x-required": True},
    "agreed": {"x-kind": "boolean"},
    "share": {"x-kind": "percent"},
    "opens": {"x-kind": "time"},
    "effort": {"x-kind": "duration"},
    "stars": {"x-kind": "rating"},
    "phone": {"x-kind": "phone"},
    "mail": {"x-kind": "email"},
    "site": {"x-kind": "url"},
    "notes": {"x-kind": "long_text"},
    "story": {"x-kind": "rich_text"},
    "payload": {"x-kind": "json"},
    "day": {"x-kind": "date"},
    "met": {"x-kind": "datetime"},
}
VISIT: dict[str, Any] = {
    "name": {"x-kind": "text", "x-order": 1, "x-required": True, "x-search": True},
    "there": {"x-kind": "checkin", "x-order": 2},
    "others": {"x-kind": "links", "x-to": "visit", "x-order": 3, "x-limit": 2},
    "area": {"x-kind": "choice", "x-order": 4, "x-options": {key: {} for key in ("east", "west")}},
    "town": {
        "x-kind": "choice",
        "x-order": 5,
        "x-depends-on": "area",
        "x-options": {"hill": {"under": ["east"]}, "lake": {"under": ["west"]}, "sea": {}},
    },
    "near": {
        "x-kind": "link",
        "x-to": "visit",
        "x-order": 6,
        "x-candidates": {"==": [{"var": "area"}, {"var": "$record.area"}]},
    },
}
CONDITIONS: dict[str, Any] = {
    "opens": {"==": [{"var": "active"}, True]},
    "phone": {"==": [{"var": "agreed"}, True]},
    "mail": {">=": [{"var": "share"}, {"number": "0.125"}]},
    "site": {">": [{"var": "effort"}, {"duration": "PT1H"}]},
    "notes": {">": [{"var": "stars"}, 3]},
}
SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server whose one form has every scalar kind, some of them shown by conditions on the others."""
    ordered = {name: {**spec, "x-order": at} for at, (name, spec) in enumerate(PROPERTIES.items())}
    fields = {
        name: {"order": at, **({"visible": CONDITIONS[name]} if name in CONDITIONS else {})}
        for at, name in enumerate(ordered)
    }
    package = labelled(
        {
            "app.json": manifest("counter", "thing"),
            "entities/thing.json": {
                "id": "thing",
                "type": "object",
                "x-title": "name",
                "properties": ordered,
            },
            "entities/visit.json": {"id": "visit", "type": "object", "x-title": "name", "properties": VISIT},
            "forms/thing.json": {
                "id": "thing",
                "entity": "thing",
                "default": True,
                "sections": {"all": {"order": 1, "columns": 2, "fields": fields}},
            },
        }
    )
    with serving(tmp_path_factory.mktemp("counter"), ADA, package) as served:
        yield served.url


CANARY = "https://canary.example"
PAYLOADS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    f"<img src={CANARY}/i.png>",
    "<svg onload=alert(1)><circle r=9></svg>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<a href='javascript:alert(1)'>go</a>",
    "<a href='jAvAsCrIpT:alert(1)'>go</a>",
    "<a href='&#106;avascript:alert(1)'>go</a>",
    "<a href=' java\tscript:alert(1)'>go</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>go</a>",
    "<a href='vbscript:msgbox(1)'>go</a>",
    "<iframe src='javascript:alert(1)'></iframe>",
    f"<iframe src='{CANARY}'></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data='javascript:alert(1)'></object>",
    f"<embed src='{CANARY}'>",
    f"<link rel=stylesheet href='{CANARY}/x.css'>",
    f"<style>@import '{CANARY}/x.css';</style>",
    f"<p style='background:url({CANARY}/b.png)'>x</p>",
    f"<base href='{CANARY}/'>",
    f"<meta http-equiv=refresh content='0;url={CANARY}'>",
    f"<form action='{CANARY}'><button>x</button></form>",
    f"<video poster='{CANARY}/p.png' src='{CANARY}/v.mp4' autoplay></video>",
    f"<audio src='{CANARY}/a.mp3' autoplay onerror=alert(1)></audio>",
    "<details open ontoggle=alert(1)>x</details>",
    "<body onload=alert(1)>x",
    "<input autofocus onfocus=alert(1)>",
    "<p x-data='{}' x-init='alert(1)' x-on:mouseenter='alert(1)'>alpine</p>",
    "<p @click='alert(1)' :title='alert(1)' x-html='1'>alpine</p>",
    "<div ajax-href x-target='main'>x</div>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<template><img src=x onerror=alert(1)></template>",
    "<textarea></textarea><img src=x onerror=alert(1)>",
    "</textarea><img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<![CDATA[<img src=x onerror=alert(1)>]]>",
    "<p><a href='https://ok.example' onclick=alert(1) style='position:fixed;inset:0'>cover</a></p>",
    "{{constructor.constructor('alert(1)')()}}",
    "${alert(1)}",
)


def enter(page: Page) -> None:
    page.goto("/sign-in")
    page.fill("[name=email]", "ada@example.com")
    page.fill("[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url("**/")


def shown(page: Page) -> set[str]:
    return {name for name in CONDITIONS if page.locator(f'[data-field="{name}"]').is_visible()}


@pytest.mark.parametrize(("size", "locale"), [(DESKTOP, "zh-CN"), (PHONE, "en")])
def test_scalar_kinds_are_typed_saved_and_shown_again(
    counter: str,
    chromium: Chromium,
    axe: Callable[[Page], list[dict[str, Any]]],
    size: tuple[int, int],
    locale: str,
) -> None:
    page, recorder = chromium.open(counter, size=size, locale=locale)
    enter(page)
    page.goto("/apps/counter/thing/new")
    assert shown(page) == set()
    page.fill("[name=name]", "成都锦程")
    page.focus("[name=active][type=checkbox]")
    page.keyboard.press("Space")
    assert shown(page) == {"opens"}
    page.focus("[name=agreed]:checked")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert page.locator("[name=agreed]:checked").get_attribute("value") == "true"
    page.fill("[name=share]", "12.4")
    assert shown(page) == {"opens", "phone"}
    page.fill("[name=share]", "１２．５％")
    page.fill("[name=effort]", "1小时" if locale == "zh-CN" else "60m")
    assert shown(page) == {"opens", "phone", "mail"}
    page.fill("[name=effort]", "1小时30分" if locale == "zh-CN" else "1h 30m")
    page.focus("[name=stars][value='1']")
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert page.locator("[name=stars]:checked").get_attribute("value") == "4"
    assert shown(page) == set(CONDITIONS)
    page.fill("[name=opens]", "08:30")
    page.fill("[name=phone]", "138-0013-8000")
    page.fill("[name=mail]", "Ada@Example.com")
    page.fill("[name=site]", "example.com/a?b=1&c=2")
    page.fill("[name=notes]", "第一段\n\n<img src=x onerror=alert(1)>")
    page.fill("[name=payload]", '{"b": [1, 2.5], "a": "<script>alert(1)</script>"}')
    assert axe(page) == []
    page.click("[data-save]")
    page.wait_for_url("**/apps/counter/thing/*-*")
    facts = page.locator("main").inner_text()
    told = ("是", "1 小时 30 分") if locale == "zh-CN" else ("Yes", "1h 30m")
    for text in (*told, "12.5%", "08:30", "138 0013 8000", "ada@example.com", "<img src=x", "<script>alert"):
        assert text in facts, text
    assert axe(page) == []
    page.goto(page.url.split("?")[0] + "/edit")
    assert page.input_value("[name=share]") == "12.5"
    assert page.input_value("[name=phone]") == "138 0013 8000"
    assert page.input_value("[name=effort]") == told[1]
    assert page.is_checked("[name=active][type=checkbox]")
    assert page.locator("[name=stars]:checked").get_attribute("value") == "4"
    page.goto("/apps/counter/thing")
    assert axe(page) == []
    recorder.assert_clean(page)


def test_a_draft_brings_back_switches_and_stars(counter: str, chromium: Chromium) -> None:
    page, _ = chromium.open(counter)
    enter(page)
    page.goto("/apps/counter/thing/new")
    page.fill("[name=name]", "draft")
    page.check("[name=active][type=checkbox]")
    page.check("[name=stars][value='2']", force=True)
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto("/apps/counter/thing")
    page.goto("/apps/counter/thing/new")
    assert page.is_checked("[name=active][type=checkbox]")
    assert page.locator("[name=stars]:checked").get_attribute("value") == "2"


def test_scalar_kinds_are_filled_in_without_scripts(counter: str, chromium: Chromium) -> None:
    page, _ = chromium.open(counter, javascript=False)
    enter(page)
    page.goto("/apps/counter/thing/new")
    page.fill("[name=name]", "plain")
    page.check("[name=active][type=checkbox]")
    page.fill("[name=effort]", "90")
    page.check("[name=stars][value='5']", force=True)
    page.click("[data-save]")
    page.wait_for_url("**/apps/counter/thing/*-*")
    assert "★★★★★" in page.locator("main").inner_text()


def test_t22_nothing_written_into_a_field_runs_or_calls_out(counter: str, chromium: Chromium) -> None:
    page, recorder = chromium.open(counter)
    called: list[str] = []
    page.on("request", lambda request: called.extend([request.url] if CANARY in request.url else []))

    def refuse(dialog: Dialog) -> None:
        called.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    page.on("dialog", refuse)
    enter(page)
    for payload in PAYLOADS:
        ident = page.evaluate(
            """async (text) => {
              const values = {name: text, active: true, agreed: true, stars: 5, notes: text, story: `<p>story</p>${text}`, payload: {text}};
              const answer = await fetch("/api/v1/apps/counter/thing", {method: "POST", headers: {"content-type": "application/json"}, body: JSON.stringify(values)});
              return (await answer.json()).id;
            }""",
            payload,
        )
        page.goto(f"/apps/counter/thing/{ident}")
        assert "story" in page.locator(".rich").inner_text()
        page.goto(f"/apps/counter/thing/{ident}/edit")
        assert "story" in page.locator("#f-story-rich").inner_text()
    page.goto("/apps/counter/thing")
    assert called == []
    recorder.assert_clean(page)


def test_rich_text_is_written_with_the_toolbar_and_pasted_harmless(
    counter: str, chromium: Chromium, axe: Callable[[Page], list[dict[str, Any]]]
) -> None:
    page, recorder = chromium.open(counter)
    enter(page)
    page.goto("/apps/counter/thing/new")
    page.fill("[name=name]", "rich")
    page.click("#f-story-rich")
    page.keyboard.type("plain ")
    page.click("[data-rich=bold]")
    page.keyboard.type("strong")
    page.click("[data-rich=bold]")
    page.keyboard.press("Enter")
    page.click("[data-rich=bullets]")
    page.keyboard.type("first")
    page.keyboard.press("Enter")
    page.keyboard.type("second")
    page.evaluate(
        """() => {
          const data = new DataTransfer();
          data.setData("text/html", "<p onclick='alert(1)'>pasted<script>alert(1)</script><img src=x></p>");
          document.querySelector("#f-story-rich").dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}));
        }"""
    )
    assert axe(page) == []
    page.click("[data-save]")
    page.wait_for_url("**/apps/counter/thing/*-*")
    shown = page.locator(".rich").inner_html()
    assert "<b>strong</b>" in shown
    assert shown.count("<li>") == 2
    assert "pasted" in shown
    assert "<img" not in shown
    assert "onclick" not in shown
    recorder.assert_clean(page)


def test_rich_text_is_written_as_paragraphs_without_scripts(counter: str, chromium: Chromium) -> None:
    page, _ = chromium.open(counter, javascript=False)
    enter(page)
    page.goto("/apps/counter/thing/new")
    page.fill("[name=name]", "plain")
    page.fill("[name=story]", "first\n\nsecond <3")
    page.click("[data-save]")
    page.wait_for_url("**/apps/counter/thing/*-*")
    assert page.locator(".rich p").all_inner_texts() == ["first", "second <3"]


@pytest.mark.parametrize(("size", "locale"), [(DESKTOP, "zh-CN"), (PHONE, "en")])
def test_a_visit_is_checked_in_linked_and_narrowed(
    counter: str,
    chromium: Chromium,
    axe: Callable[[Page], list[dict[str, Any]]],
    size: tuple[int, int],
    locale: str,
) -> None:
    page, recorder = chromium.open(counter, size=size, locale=locale)
    page.context.grant_permissions(["geolocation"])
    page.context.set_geolocation({"latitude": 31.230416, "longitude": 121.473701, "accuracy": 12})
    enter(page)
    first = f"First {locale}"
    page.goto("/apps/counter/visit/new")
    page.fill("[name=name]", first)
    page.check("[name=area][value=east]", force=True)
    page.click("[data-save]")
    page.wait_for_url("**/visit/*-*")
    page.goto("/apps/counter/visit/new")
    page.fill("[name=name]", f"Second {locale}")
    assert page.locator("[name=there]").is_hidden()  # a position cannot be typed
    page.click("[data-measure]")
    page.get_by_text("31.23042, 121.47370").wait_for()
    page.fill("[data-field=others] [role=combobox]", first)
    page.click("[data-field=others] [role=option]")
    assert page.locator("[data-field=others] .tag-chips .tag").count() == 1
    page.check("[name=area][value=east]", force=True)
    assert page.locator("[name=town][value=lake]").is_hidden()
    page.check("[name=town][value=hill]", force=True)
    page.fill("[data-field=near] [role=combobox]", first)
    page.click(f"[data-field=near] [role=option]:text-is('{first}')")
    assert page.locator("[name=near]").input_value() != ""
    page.check("[name=area][value=west]", force=True)
    page.locator("[data-field=near] [data-cleared]").wait_for()
    assert page.locator("[name=near]").input_value() == ""
    assert page.locator("[name=town][value=hill]").is_checked() is False
    assert page.locator("[data-field=town] [data-cleared]").is_visible()
    assert axe(page) == []
    page.click("[data-save]")
    page.wait_for_url("**/visit/*-*")
    facts = page.locator("main").inner_text()
    assert "31.23042, 121.47370" in facts
    assert first in facts
    page.goto(f"{page.url.split('?')[0]}/edit")
    assert page.locator("[data-changes-said]").inner_text() == ""
    page.click("[data-field=others] .tag-chips button")
    page.click("[data-save]")
    page.wait_for_url("**/visit/*-*")
    assert first not in page.locator(".facts, dl").first.inner_text()
    recorder.assert_clean(page)


def test_days_are_typed_as_people_write_them(counter: str, chromium: Chromium) -> None:
    page, recorder = chromium.open(counter)
    enter(page)
    now = datetime(2026, 11, 26, 4, 30, tzinfo=SHANGHAI)
    today = now.date()
    page.clock.set_fixed_time(now)
    page.goto("/apps/counter/thing/new")

    def typed(field: str, text: str) -> str:
        page.fill(f"[name={field}]", text)
        page.focus("[name=name]")
        return page.input_value(f"[name={field}]")

    for text, day in {
        "2026/1/5": date(2026, 1, 5),
        "２０２６年１月５日": date(2026, 1, 5),
        "11-25": date(today.year, 11, 25),
        "3月8日": date(today.year, 3, 8),
        "25 Nov 2027": date(2027, 11, 25),
        "今天": today,
        "tomorrow": today + timedelta(1),
        "+3": today + timedelta(3),
        "-2w": today - timedelta(14),
    }.items():
        assert typed("day", text) == day.isoformat(), text
    assert typed("met", "明天 下午3点半") == f"{today + timedelta(1)} 15:30"
    assert typed("met", "2026-11-25 805") == "2026-11-25 08:05"
    assert typed("day", "2026-02-30") == "2026-02-30"
    expect(page.locator("[data-field=day] .error")).to_contain_text("请输入日期")
    page.fill("[name=name]", "typed days")
    page.check("[name=active][type=checkbox]")
    assert typed("opens", "930") == "09:30"
    page.fill("[name=day]", "+0")
    page.keyboard.press("Control+s")
    page.wait_for_url("**/apps/counter/thing/*-*")
    facts = page.locator("main").inner_text()
    assert all(text in facts for text in (today.isoformat(), "2026-11-25 08:05", "09:30"))
    recorder.assert_clean(page)


@pytest.mark.parametrize(("size", "locale"), [(DESKTOP, "zh-CN"), (PHONE, "en")])
def test_a_day_is_chosen_from_the_calendar_with_the_keyboard_or_a_tap(
    counter: str,
    chromium: Chromium,
    axe: Callable[[Page], list[dict[str, Any]]],
    size: tuple[int, int],
    locale: str,
) -> None:
    page, recorder = chromium.open(counter, size=size, locale=locale)
    enter(page)
    page.goto("/apps/counter/thing/new")
    page.fill("[name=day]", "2026-11-25")
    page.keyboard.press("ArrowDown")
    calendar = page.locator("dialog.day-picker")
    expect(calendar.locator("h2")).to_have_text("2026年11月" if locale == "zh-CN" else "November 2026")
    assert calendar.locator("th").first.get_attribute("abbr") == ("星期一" if locale == "zh-CN" else "Monday")
    focused = page.locator("dialog.day-picker td:focus")
    for key, day in (
        ("ArrowRight", "2026-11-26"),
        ("ArrowDown", "2026-12-03"),
        ("Home", "2026-11-30"),
        ("End", "2026-12-06"),
        ("PageDown", "2027-01-06"),
        ("ArrowUp", "2026-12-30"),
        ("ArrowLeft", "2026-12-29"),
        ("Shift+PageDown", "2027-12-29"),
        ("PageUp", "2027-11-29"),
    ):
        page.keyboard.press(key)
        expect(focused).to_have_attribute("data-day", day)
    assert axe(page) == []
    page.keyboard.press("Escape")
    expect(calendar).to_have_count(0)
    expect(page.locator("[name=day]")).to_be_focused()
    assert page.input_value("[name=day]") == "2026-11-25"
    page.locator("[data-field=day] [data-calendar]").click()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert page.input_value("[name=day]") == "2026-11-26"
    page.locator("[data-field=met] [data-calendar]").click()
    calendar.locator("[data-day]").nth(10).click()
    calendar.locator("input").fill("16:20")
    assert axe(page) == []
    page.keyboard.press("Enter")
    assert page.input_value("[name=met]").endswith(" 16:20")
    assert axe(page) == []
    recorder.assert_clean(page)


def test_days_and_times_are_written_without_scripts(counter: str, chromium: Chromium) -> None:
    page, _ = chromium.open(counter, javascript=False)
    enter(page)
    page.goto("/apps/counter/thing/new")
    expect(page.locator("[data-calendar]").first).to_be_hidden()
    page.fill("[name=name]", "plain days")
    page.check("[name=active][type=checkbox]")
    page.fill("[name=day]", "2026/1/5")
    page.fill("[name=met]", "2026年1月5日 下午3点20分")
    page.click("[data-save]")
    page.wait_for_url("**/apps/counter/thing/*-*")
    facts = page.locator("main").inner_text()
    assert "2026-01-05" in facts
    assert "2026-01-05 15:20" in facts
