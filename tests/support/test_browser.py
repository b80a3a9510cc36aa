from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.support.browser import PHONE, Chromium

pytestmark = pytest.mark.browser
GOOD = """<!doctype html><html lang="zh-CN"><title>客户</title><main><h1>客户</h1></main>"""
BAD = """<!doctype html><html><title>x</title><main><h1>x</h1><img src="data:,x" style="top:0">
<script>1</script></main>"""


class Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = {"/good": GOOD, "/bad": BAD}.get(self.path, "").encode()
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Security-Policy", "default-src 'self'")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        pass


@pytest.fixture
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_clean_page_has_no_complaints(
    chromium: Chromium, axe: Callable[[Page], list[dict[str, Any]]], site: str
) -> None:
    page, recorder = chromium.open(site, size=PHONE, scheme="dark")
    recorder.expected_status.add(404)  # the browser's own request for a favicon
    page.goto("/good")
    assert page.locator("h1").inner_text() == "客户"
    assert axe(page) == []
    recorder.assert_clean(page)


def test_policy_violations_and_accessibility_faults_are_seen(
    chromium: Chromium, axe: Callable[[Page], list[dict[str, Any]]], site: str
) -> None:
    page, recorder = chromium.open(site)
    page.goto("/bad")
    assert {"html-has-lang", "image-alt"} <= {violation["id"] for violation in axe(page)}
    assert len(recorder.policy_violations(page)) >= 2
    with pytest.raises(AssertionError):
        recorder.assert_clean(page)
