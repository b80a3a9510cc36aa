"""T22: what people write is text wherever it is shown: nothing of it runs, asks another host or breaks the policy."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import pytest
from playwright.sync_api import Dialog, Page

from tests.browser.conftest import listening
from tests.runtime.workspace import PASSWORD
from tests.security.hidden import DEALS, PAGES, Den, open_den
from tests.support.browser import Chromium, Recorder

pytestmark = pytest.mark.browser
LONG = bool(os.environ.get("DACHENG_SOAK"))
FAR = "http://canary.invalid"
RUN = "alert(window.__ran=1)"
PAYLOADS = (
    f"<script>{RUN}</script>", f"<img src=x onerror='{RUN}'>", f"\"><svg onload='{RUN}'>", f"'><body onload={RUN}>",
    f'<iframe src="javascript:{RUN}"></iframe>', f"<a href=\"javascript:{RUN}\" autofocus onfocus='{RUN}'>x</a>",
    f"</textarea><script>{RUN}</script>", f"</title><script>{RUN}</script>", f"</script><script>{RUN}</script>",
    f"<script src={FAR}/x.js></script>", f"<img src={FAR}/x.png>", f"<link rel=stylesheet href={FAR}/x.css>",
    f"<style>@import '{FAR}/x.css'</style>", f"<style>*{{background:url({FAR}/x)}}</style>", f"<base href={FAR}/>",
    f"<meta http-equiv=refresh content='0;url={FAR}'>", f"<form action={FAR}><input autofocus></form>",
    f"<object data={FAR}/x></object>", f"<embed src={FAR}/x>", f"<video><source onerror='{RUN}'></video>",
    f"<details open ontoggle='{RUN}'>", f"<input autofocus onfocus='{RUN}'>", f"<select autofocus onfocus='{RUN}'>",
    f"<marquee onstart='{RUN}'>", f"<math><mtext><script>{RUN}</script></mtext></math>",
    f"<svg><animate onbegin='{RUN}' attributeName=x dur=1s>", f"<svg><a xlink:href='javascript:{RUN}'><text>x</text></a>",
    f"<template><script>{RUN}</script></template>", f"<noscript><p title=\"</noscript><img src=x onerror='{RUN}'>\">",
    f'<div x-data x-init="{RUN}">', "<div x-data=\"{a:1}\" @click=\"a\" x-html=\"'<b>'\">", f'<p x-text="{RUN}">',
    "{{constructor.constructor('window.__ran=1')()}}", f"<div data-again onclick='{RUN}'>", f"javascript:{RUN}",
    f"data:text/html,<script>{RUN}</script>", f"[x](javascript:{RUN})", f"![x]({FAR}/x.png)", f"`<script>{RUN}</script>`",
    f"\u003cscript\u003e{RUN}\u003c/script\u003e", f"&lt;script&gt;{RUN}&lt;/script&gt;", f"&#60;script&#62;{RUN}&#60;/script&#62;",
    f"%3Cscript%3E{RUN}%3C/script%3E", f"\\x3cscript\\x3e{RUN}", f"\\u003cscript\\u003e{RUN}", f"＜script＞{RUN}＜/script＞",
    f"<scr\x00ipt>{RUN}</scr\x00ipt>".replace("\x00", "\u200b"), f"<ScRiPt>{RUN}</sCrIpT>", f"<script\n>{RUN}</script\n>",
    f"<<script>{RUN}//<</script>", f"<img src='x' oNeRrOr={RUN}>", f"<img/src=x/onerror={RUN}>", f"<svg/onload={RUN}>",
    f"'-{RUN}-'", f'";{RUN};//', f"</script>{RUN}", f"-->{RUN}<!--", f"]]>{RUN}", f"\u2028{RUN}\u2029", f"\u202e{RUN}",
)  # fmt: skip


@dataclass
class Place:
    """A workspace full of payloads, its address, and a record for each of them."""

    den: Den
    url: str
    records: dict[str, str]
    paths: list[str]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Each payload as title, text, tag and comment of a record; some as the name of a view and as a form's words."""
    with open_den(tmp_path_factory.mktemp("den")) as den, listening(den.host) as url:
        records = {}
        for text in PAYLOADS:
            one = den.deal(
                "ada",
                name=text,
                priv_text=text,
                priv_tags=[text[:40].replace(";", ",").replace("\u2028", "")],
                stage="open",
                day="2026-01-05",
            )
            word = {"text": text, "mentions": [den.people["ben"]]}
            assert den.program["ada"].post(f"{DEALS}/{one}/comments", json=word).status_code == 201
            records[text] = one
        paths = [path for text in PAYLOADS[:10] for path in _told(den, text)]
        yield Place(den, url, records, paths)


def _told(den: Den, text: str) -> Iterator[str]:
    """A view of everybody's called so, a published form whose words it is, a file with such headings and cells."""
    program, page = den.program["ada"], den.browser["ada"]
    view = program.post(f"{DEALS}/views", json={"name": text[:60], "shared": True})
    assert view.status_code == 201, view.text
    yield f"{PAGES}?view={view.json()['id']}"
    words = dict.fromkeys(("title", "intro", "consent"), text)
    form = program.post("/api/v1/forms", json={"entity": "den.deal", "fields": ["name"], **words})
    assert form.status_code == 201, form.text
    yield form.json()["link"]
    cell = text.replace('"', '""')
    file = {"file": (f"{text}.csv", f'name,"{cell}"\n"{cell}","{cell}"\n'.encode(), "text/csv")}
    sent = page.post("/import", data={"entity": "den.deal"}, files=file)
    assert sent.status_code == 303, sent.text
    yield sent.headers["location"]


def entered(place: Place, chromium: Chromium, who: str) -> tuple[Page, Recorder, list[str]]:
    """A browser of one of the people; every host but ours that it asks, and every dialog, is written down."""
    page, recorder = chromium.open(place.url, locale="en")
    asked: list[str] = []
    own = urlsplit(place.url).netloc

    def note(address: str) -> None:
        if urlsplit(address).scheme in ("http", "https", "ws") and urlsplit(address).netloc != own:
            asked.append(address)

    def opened(dialog: Dialog) -> None:
        asked.append(f"dialog {dialog.message}")
        dialog.dismiss()

    page.on("dialog", opened)
    page.on("request", lambda request: note(request.url))
    page.goto("/sign-in")
    page.fill("[name=email]", f"{who}@example.com")
    page.fill("[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url("**/")
    return page, recorder, asked


def test_t22_what_people_wrote_runs_nowhere(place: Place, chromium: Chromium) -> None:
    """Lists, boards, calendars, groups, records, forms, timeline, search, comparison, views, published forms, imports, bell."""
    page, recorder, asked = entered(place, chromium, "ada")
    some = list(place.records.items())[:: 1 if LONG else 12]
    first = place.records[PAYLOADS[0]]
    paths = [
        PAGES, f"{PAGES}?sort=-name", f"{PAGES}?show-as=board&show-on=stage", f"{PAGES}?group-by=stage",
        f"{PAGES}?show-as=calendar&show-on=day&show-at=2026-01-01", f"{PAGES}?group-by=priv_tags", f"{PAGES}/filter",
        f"{PAGES}/{first}/merge", "/recycle-bin", "/", *place.paths,
    ]  # fmt: skip
    for text, one in some:
        other = f"{PAGES}/{first}/merge?with={one}"
        filtered = (
            quote(f'{{"==":[{{"var":"name"}},"{text}"]}}') if '"' not in text and "\\" not in text else ""
        )
        paths += [
            f"{PAGES}/{one}",
            f"{PAGES}/{one}/edit",
            f"{PAGES}/{one}/timeline",
            f"/search?q={quote(text)}",
        ]
        paths += [f"{PAGES}?q={quote(text)}", other, f"{PAGES}?name={quote(text)}"]
        paths += [f"{PAGES}?filter={filtered}"] if filtered else []
    shown = 0
    for path in paths:
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        page.wait_for_load_state()
        assert page.evaluate("window.__ran") is None, path
        assert recorder.policy_violations(page) == [], path
        assert recorder.complaints == [], path
        assert asked == [], path
        shown += any(text in page.inner_text("body") for text in PAYLOADS[:3])
    assert shown > 5, "what was written is there to be read"


def test_t22_who_was_told_reads_it_as_text_too(place: Place, chromium: Chromium) -> None:
    page, recorder, asked = entered(place, chromium, "ben")
    for path in ("/notifications", "/", PAGES):
        page.goto(path)
        page.wait_for_load_state()
        assert page.evaluate("window.__ran") is None
        recorder.assert_clean(page)
    assert asked == []
