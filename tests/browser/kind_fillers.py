"""How a person fills in each field kind, and what is held then: a kind without an entry here fails the test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import FilePayload, Locator, expect

from tests.support.pictures import picture


@dataclass(frozen=True)
class Filled:
    """How a person fills a kind in, what the API answers then, and what the list's filter is asked for it.

    `value` is compared with the answer unless it is a function, which judges it; `asked` is typed or chosen
    beside the filter's first operator, and empty where the first operator needs nothing.
    """

    fill: Callable[[Locator], object]
    value: Any
    asked: str = ""


def typed(text: str, asked: str | None = None, value: Any = None) -> Filled:
    """Text put into the one input; `asked` of the filter and `value` held, where they differ."""

    def fill(box: Locator) -> None:
        control = box.locator("input:not([type=hidden]):not([hidden]), textarea").first
        control.fill(text)
        control.press("Tab")

    return Filled(fill, text if value is None else value, text if asked is None else asked)


def uploaded(name: str, content: bytes, kind: str) -> Filled:
    """A file chosen from the disk."""

    def fill(box: Locator) -> None:
        box.locator("input[type=file]").first.set_input_files(
            FilePayload(name=name, mimeType=kind, buffer=content)
        )
        expect(box.locator(".files-item")).to_have_count(1)
        expect(box.locator("[data-value]")).not_to_have_value("")

    return Filled(fill, lambda held: [(each["name"], each["type"]) for each in held] == [(name, kind)])


def picked(title: str, *, several: bool = False) -> Filled:
    """A record found by its title."""

    def fill(box: Locator) -> None:
        box.get_by_role("combobox").first.fill(title)
        box.get_by_role("option", name=title).click()

    return Filled(fill, lambda held: len(held) == (1 if several else 36), title)


def _address(box: Locator) -> None:
    box.locator("[name$='.province']").select_option("浙江省")
    box.locator("[name$='.city']").select_option("杭州市")
    box.locator("[name$='.street']").fill("文三路1号")


def _check_in(box: Locator) -> None:
    box.locator("[data-measure]").click()
    expect(box.locator("input")).not_to_have_value("")


def _lines(box: Locator) -> None:
    box.locator("[name='v_lines.0.goods']").fill("笔记本")
    box.locator("[name='v_lines.0.pieces']").fill("31")


def _rich(box: Locator) -> None:
    box.locator("[contenteditable]").click()
    box.page.keyboard.type("第一段")


def _tags(box: Locator) -> None:
    for tag in ("重点", "展会"):
        box.locator("input:not([hidden])").first.fill(tag)
        box.page.keyboard.press("Enter")


def _address_is(held: Any) -> bool:
    return bool(held["text"] == "浙江省杭州市文三路1号")


FILLED: Mapping[str, Filled] = {
    "address": Filled(_address, _address_is, "文三路"),
    "boolean": Filled(lambda box: box.locator("[value=true]").check(force=True), True, "true"),
    "checkin": Filled(_check_in, lambda held: (held["lat"], held["lng"]) == (31.25, 121.5), "2026-01-01"),
    "choice": Filled(lambda box: box.locator("select").select_option("a"), "a", "a"),
    "date": typed("2026/1/5", value="2026-01-05"),
    "datetime": typed("2026年1月5日 下午3点20分", "2026-01-05", "2026-01-05T07:20:00.000Z"),
    "decimal": typed("12.50"),
    "department": picked("North"),
    "duration": typed("1小时30分", value=5400),
    "email": typed("kunde@example.com"),
    "file": uploaded("报价, 终版.csv", "a,b\n客户,2\n".encode(), "text/csv"),
    "geolocation": typed(
        "31.230416, 121.473701", "", {"lat": 31.230416, "lng": 121.473701, "accuracy": None}
    ),
    "image": uploaded("a.png", picture("PNG"), "image/png"),
    "integer": typed("1,054", value=1054),
    "json": typed('{"a": [1, 2.5]}', "2.5", {"a": [1, 2.5]}),
    "lines": Filled(
        _lines, lambda held: [(each["goods"], each["pieces"]) for each in held] == [("笔记本", 31)]
    ),
    "link": picked("North"),
    "links": picked("South", several=True),
    "long_text": typed("第一段\n第二段", "第二段"),
    "money": typed("1,054.00", value={"amount": "1054.00", "currency": "CNY"}),
    "multi_choice": Filled(lambda box: box.locator("[value=c]").check(force=True), ["c"], "c"),
    "percent": typed("12.5", value=lambda held: float(held) == 0.125),
    "phone": typed("138 0013 8000", value="+8613800138000"),
    "photo": uploaded("b.jpg", picture("JPEG"), "image/jpeg"),
    "rating": Filled(lambda box: box.locator("[value='4']").check(force=True), 4, "4"),
    "rich_text": Filled(_rich, "<p>第一段</p>", "第一段"),
    "scan": typed("6901234567892"),
    "signature": uploaded("signature.png", picture("PNG"), "image/png"),
    "tags": Filled(_tags, ["重点", "展会"], "重点"),
    "text": typed("=1+1 <b>"),
    "time": typed("8点05分", value="08:05"),
    "url": typed("https://example.com/a?b=1&c=2"),
    "user": picked("Ada"),
    "voice": uploaded("b.mp3", b"ID3 sound", "audio/mpeg"),
}
DOUBLE = {"x-expression": {"*": [{"var": "v_integer"}, 2]}, "x-result": "integer"}
COMPUTED: Mapping[str, tuple[Mapping[str, Any], str]] = {
    "autonumber": ({"x-pattern": "SO-{0000}"}, "SO-"),
    "formula": (DOUBLE, "2108"),
    "lookup": ({"x-path": "v_user.email"}, "ada@example.com"),
    "rollup": ({"x-of": "v_lines", "x-aggregate": "sum", "x-field": "pieces"}, "31"),
}
