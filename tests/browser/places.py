"""Every place a person reaches by links alone, found over plain HTTP; one of a kind where only ids differ."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx2

from tests.browser.conftest import PASSWORD, Served

IDENTITY = re.compile(r"^(?:[0-9a-f]{32}|[0-9a-f-]{36})$")
TELLING = frozenset({"view", "by", "deleted", "tab", "app", "kind", "state"})
OWN = {"sec-fetch-site": "same-origin"}


class Markup(HTMLParser):
    """The links of a page, and what its policy forbids to be in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forbidden: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep links to pages; note styles and handlers written into the markup."""
        given = dict(attrs)
        self.forbidden += [f"<{tag} {name}>" for name in given if name == "style" or name.startswith("on")]
        if tag == "style" or (
            tag == "script" and "src" not in given and "json" not in (given.get("type") or "")
        ):
            self.forbidden.append(f"<{tag}>")
        target = given.get("href")
        if tag == "a" and target and "download" not in given:
            self.links.append(target)


@dataclass
class Visitor:
    """A person with a session, over plain HTTP."""

    client: httpx2.Client
    cookie: tuple[str, str] = ("", "")
    dead: list[str] = field(default_factory=list)

    def places(self, start: str = "/") -> list[str]:
        """One address for each kind of place that links lead to, from `start` on."""
        found = {kind_of(start): start}
        ahead = deque([start])
        while ahead:
            here = ahead.popleft()
            answer = self.client.get(here, follow_redirects=True)
            if answer.status_code != 200:
                self.dead.append(f"{here} → {answer.status_code}")
                continue
            for there in _onward(here, answer.text):
                if kind_of(there) not in found:
                    found[kind_of(there)] = there
                    ahead.append(there)
        return [*found.values()]


def kind_of(address: str) -> str:
    """An address without ids and without the values of parameters that only narrow down."""
    parts = urlsplit(address)
    path = "/".join("{id}" if IDENTITY.match(part) else part for part in parts.path.split("/"))
    query = sorted(
        f"{name}={value}" if name in TELLING else name
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    )
    return f"{path}?{'&'.join(query)}" if query else path


def _onward(here: str, text: str) -> Iterator[str]:
    """Links that stay in the product and lead to pages; what is narrowed down already is not narrowed further."""
    narrowed = "?" in here
    for link in Markup(text).links:
        there = urljoin(here, link).partition("#")[0]
        parts = urlsplit(there)
        if parts.netloc or parts.scheme or parts.path.endswith(".csv") or (narrowed and parts.query):
            continue
        yield there


@contextmanager
def visitor(served: Served, who: str) -> Iterator[Visitor]:
    """Somebody signed in."""
    with httpx2.Client(base_url=served.url, headers=OWN, timeout=30) as client:
        form = {"email": f"{who}@example.com", "password": PASSWORD, "next": "/"}
        answer = client.post("/sign-in", data=form)
        assert answer.status_code == 303, answer.text
        yield Visitor(client, next(iter(client.cookies.items())))
