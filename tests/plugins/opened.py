"""A workspace with plugins, and a program for each person in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from httpx2 import Response
from starlette.testclient import TestClient

from dacheng.plugins.hookspecs import hookimpl
from dacheng.runtime.host import Host
from dacheng.runtime.services import install_app, marketplace, tokens, users
from dacheng.runtime.services.users import NewUser
from dacheng.runtime.settings import load_settings
from dacheng.runtime.web.app import build_app

PASSWORD = "a quite long pass phrase"
OWN = {"sec-fetch-site": "same-origin"}


@dataclass
class Opened:
    """An open host with its application."""

    host: Host

    def __post_init__(self) -> None:
        self.app = build_app(self.host)
        self.tokens: dict[str, str] = {}

    def install(self, app: str) -> None:
        """Install an app on offer, by plan."""
        install_app.install(self.host, self.host.work(), marketplace.offered_package(self.host, app))

    def person(self, name: str, *roles: str) -> str:
        """A person with roles; answers their id."""
        self.host.refresh()
        new = NewUser(f"{name}@example.com", name, roles, PASSWORD)
        made = users.add_user(self.host, self.host.work(), new)
        self.host.refresh()
        self.tokens[name] = tokens.create_token(self.host, self.host.work(), made, "test")
        return made

    def program(self, name: str = "") -> TestClient:
        """A program with the token of a person; without a name nobody is known."""
        client = TestClient(self.app, raise_server_exceptions=False, follow_redirects=False)
        if name:
            client.headers["authorization"] = f"Bearer {self.tokens[name]}"
        return client

    def browser(self, name: str) -> TestClient:
        """A browser in which a person has signed in."""
        client = self.program()
        given = {"email": f"{name}@example.com", "password": PASSWORD, "next": "/"}
        assert client.post("/sign-in", data=given, headers=OWN).status_code == 303
        client.headers.update(OWN)
        return client


@contextmanager
def opened(folder: Path, plugins: Mapping[str, object], url: str = "") -> Iterator[Opened]:
    """A workspace with these plugins, closed at the end."""
    settings = load_settings({"data": folder, "database": url, "locale": "en"}, {})
    host = Host.open(settings, plugins=plugins)
    try:
        yield Opened(host)
    finally:
        host.close()


def plugin(**hooks: Any) -> object:
    """A plugin made of these functions."""
    return SimpleNamespace(**{name: hookimpl(function) for name, function in hooks.items()})


def codes(answer: Response) -> list[str]:
    """The problem codes of an answer."""
    return [each["code"] for each in answer.json()["problems"]]
