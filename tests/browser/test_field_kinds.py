"""Controls of single kinds in a real browser: typed, saved and shown again; conditions see what they hold."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Page

from dacheng.runtime.host import Host
from dacheng.runtime.services import install_app, users
from dacheng.runtime.services.install_app import Candidate
from dacheng.runtime.services.users import NewUser
from dacheng.runtime.settings import Settings
from dacheng.runtime.web.app import build_app
from tests.contracts.field_kinds.house import labelled
from tests.support.browser import DESKTOP, PHONE, Chromium

pytestmark = pytest.mark.browser
PASSWORD = "a long pass phrase for tests"
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
    "payload": {"x-kind": "json"},
}
CONDITIONS: dict[str, Any] = {
    "opens": {"==": [{"var": "active"}, True]},
    "phone": {"==": [{"var": "agreed"}, True]},
    "mail": {">=": [{"var": "share"}, {"number": "0.125"}]},
    "site": {">": [{"var": "effort"}, {"duration": "PT1H"}]},
    "notes": {">": [{"var": "stars"}, 3]},
}


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server whose one form has every scalar kind, some of them shown by conditions on the others."""
    host = Host.open(Settings(data=tmp_path_factory.mktemp("counter")), plugins={})
    if "core" not in host.model().catalogue.apps:
        install_app.install_core(host)
    host.refresh()
    ordered = {name: {**spec, "x-order": at} for at, (name, spec) in enumerate(PROPERTIES.items())}
    fields = {
        name: {"order": at, **({"visible": CONDITIONS[name]} if name in CONDITIONS else {})}
        for at, name in enumerate(ordered)
    }
    package = labelled(
        {
            "app.json": {
                "id": "counter",
                "version": "1.0.0",
                "icon": "file",
                "locales": ["zh-CN", "en"],
                "requires": {"core": "1.0.0"},
                "navigation": {"thing": {"entity": "thing", "icon": "box", "order": 1}},
                "permissions": {},
                "plans": {},
            },
            "entities/thing.json": {
                "id": "thing",
                "type": "object",
                "x-title": "name",
                "properties": ordered,
            },
            "forms/thing.json": {
                "id": "thing",
                "entity": "thing",
                "default": True,
                "sections": {"all": {"order": 1, "columns": 2, "fields": fields}},
            },
        }
    )
    install_app.install(host, host.work(), Candidate(package), sample=False)
    host.refresh()
    users.add_user(host, host.work(), NewUser("ada@example.com", "Ada", ("core.admin",), PASSWORD))
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(build_app(host), log_level="error", loop="asyncio"))
    thread = threading.Thread(target=lambda: server.run(sockets=[listening]), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
    listening.close()
    host.close()


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
