"""T16: text that looks like a template stays what was typed, everywhere. T08: no secret is kept or told in plain."""

from __future__ import annotations

import html
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.runtime.workspace import PASSWORD
from tests.security.hidden import DEALS, PAGES, Den, open_den

MADE = "1337"  # what any of these would come to, were it worked out
TEMPLATES = (
    "{{7*191}}", "${7*191}", "<%=7*191%>", "#{7*191}", "{%for x in [7*191]%}{{x}}{%endfor%}", "{{=7*191}}", "[[7*191]]",
    "{{'13'~'37'}}", "{{config}}", "{{self.__init__.__globals__}}", "{{ ''.__class__ }}", "{0.__class__}", "%(name)s",
    "{name}", "{term:deal}", "{count}", "$user.id", "@{7*191}", "*{7*191}", "~{7*191}", "{{constructor.constructor('1')()}}",
)  # fmt: skip


@pytest.fixture(scope="module")
def den(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Den]:
    with open_den(tmp_path_factory.mktemp("den")) as opened:
        yield opened


@pytest.mark.parametrize("text", TEMPLATES)
def test_t16_what_looks_like_a_template_is_echoed_as_it_was_typed(den: Den, text: str) -> None:
    """As title, text, tag, comment, name of a view, of a file, of a form, as a search and as a problem's value."""
    program, page = den.program["ada"], den.browser["ada"]
    one = den.deal("ada", name=text, priv_text=text, priv_tags=[text], stage="open", day="2026-01-05")
    assert program.post(f"{DEALS}/{one}/comments", json={"text": text}).status_code == 201
    view = program.post(f"{DEALS}/views", json={"name": text, "shared": True}).json()["id"]
    offered = {"entity": "den.deal", "title": text, "intro": text, "fields": ["name"], "wait": 0}
    link = program.post("/api/v1/forms", json=offered).json()["link"]
    place = f"{PAGES}/{one}"
    shown = [
        page.get(place).text,
        page.get(f"{place}/edit").text,
        page.get(f"{place}/timeline").text,
        page.get(PAGES, params={"view": view}).text,
        page.get(PAGES, params={"q": text}).text,
        page.get(PAGES, params={"show-as": "board", "show-on": "stage"}).text,
        page.get("/search", params={"q": text}).text,
        den.nobody.get(link).text,
        _mapped(den, text),
    ]
    program.delete(f"{DEALS}/views/{view}")
    for at, each in enumerate(shown):
        assert text in html.unescape(each), at
        plain = re.sub(r"[0-9a-f-]{8,}", "", html.unescape(each)).replace(text, "")
        assert MADE not in plain, at
    told = program.get(f"{DEALS}/{one}").json()
    assert (told["name"], told["priv_text"], told["priv_tags"]) == (text, text, [text])
    assert text in program.get(f"{DEALS}/export.csv").text.replace('""', '"')


def _mapped(den: Den, text: str) -> str:
    """The page of an import whose file, heading and cell are called so."""
    file = {"file": (f"{text}.csv", f'name,"{text}"\n"{text}",x\n'.encode(), "text/csv")}
    sent = den.browser["ada"].post("/import", data={"entity": "den.deal"}, files=file)
    assert sent.status_code == 303, sent.text
    return den.browser["ada"].get(sent.headers["location"]).text


@pytest.mark.parametrize("text", TEMPLATES[:5])
def test_t16_a_label_is_no_template_either(den: Den, text: str) -> None:
    program = den.program["ada"]
    slot = "/api/v1/labels/den/en/texts/field:deal.why"
    set_to = program.put(slot, json={"text": text})
    try:
        if set_to.status_code >= 400:  # a text may be refused, never worked out
            assert set_to.status_code == 422
            return
        for place in (f"{PAGES}/new", "/import/den/deal/template.csv"):
            shown = html.unescape(den.browser["ada"].get(place).text)
            assert text in shown
            assert MADE not in shown.replace(text, "")
    finally:
        program.delete(slot)


def test_t08_no_secret_stands_in_database_files_or_answers(
    den: Den, caplog: pytest.LogCaptureFixture
) -> None:
    """Passwords, session cookies, API tokens and one-time links: kept as hashes, told once, never logged."""
    page = den.nobody
    entered = page.post("/sign-in", data={"email": "ben@example.com", "password": PASSWORD, "next": "/"})
    assert entered.status_code == 303, entered.text
    session = page.cookies["dacheng_session"]
    token = den.program["ben"].post("/api/v1/me/tokens", json={"name": "canary"}).json()["token"]
    ben = f"/api/v1/people/{den.people['ben']}"
    link = den.program["ada"].post(f"{ben}/invite").json()["link"]
    secrets = {
        "password": PASSWORD,
        "session": unquote(session),
        "token": token,
        "link": link.rpartition("=")[2],
    }
    page.cookies.clear()
    assert all(len(each) > 15 for each in secrets.values()), secrets
    held = [("database", _dump(den.host.settings.data)), ("log", caplog.text)]
    held += [
        (str(path), path.read_bytes().decode("utf-8", "replace"))
        for path in den.host.settings.data.rglob("*")
        if path.is_file()
    ]
    asked = (
        "/api/v1/me",
        "/api/v1/me/tokens",
        "/api/v1/me/sessions",
        "/api/v1/people",
        ben,
        f"{DEALS}/{den.deals[0]}/history",
    )
    held += [(each, den.program["ada"].get(each).text) for each in asked]
    held += [
        (each, den.browser["ada"].get(each).text)
        for each in ("/settings", "/settings/people", "/settings/jobs")
    ]
    found = [(where, what) for where, text in held for what, secret in secrets.items() if secret in text]
    assert found == []
    assert len(held) > 10


def _dump(data: Path) -> str:
    connection = sqlite3.connect(data / "dacheng.db")
    text = "\n".join(connection.iterdump())
    connection.close()
    return text
