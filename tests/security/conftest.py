"""A real workspace over HTTP: Sales Management with its sample data, and people of every kind."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from dacheng.runtime.host import Host
from dacheng.runtime.services import install_app, marketplace, tokens, users
from dacheng.runtime.services.users import NewUser
from dacheng.runtime.settings import Settings
from dacheng.runtime.web.app import build_app

PASSWORD = "a quite long pass phrase"
USE_NOTED = ('INSERT INTO "_session"', 'INSERT INTO "_token"')
OWN = {"sec-fetch-site": "same-origin"}
ROLES = {
    "admin": ("core.admin",),
    "manager": ("sales_management.sales_manager",),
    "rep": ("sales_management.sales_rep",),
    "other": ("sales_management.sales_rep",),
    "member": ("core.member",),
}
API = "/api/v1/apps/sales_management"


@dataclass
class Workspace:
    """One open workspace and a browser or program for each person in it."""

    host: Host
    tokens: dict[str, str]
    ids: dict[str, str]
    _open: list[TestClient] = field(default_factory=list)

    def nobody(self, *, secure: bool = False) -> TestClient:
        """A browser in which nobody is signed in."""
        client = TestClient(
            self.app, base_url="https://testserver" if secure else "http://testserver", follow_redirects=False
        )
        client.__enter__()
        self._open.append(client)
        return client

    def program(self, who: str) -> TestClient:
        """A program with the API token of one of the people."""
        client = self.nobody()
        client.headers["authorization"] = f"Bearer {self.tokens[who]}"
        return client

    def browser(self, who: str) -> TestClient:
        """A browser in which one of the people has signed in."""
        client = self.nobody()
        answer = client.post(
            "/sign-in",
            data={"email": f"{who}@example.com", "password": PASSWORD, "next": "/"},
            headers=OWN,
        )
        assert answer.status_code == 303, answer.text
        client.headers.update(OWN)
        return client

    @property
    def app(self) -> Any:
        """The application, built once."""
        if not hasattr(self, "_app"):
            self._app = build_app(self.host)
        return self._app

    def checksum(self) -> str:
        """A hash of everything the database holds, but for when a session or token was last used."""
        connection = sqlite3.connect(self.host.settings.data / "dacheng.db")
        kept = [line for line in connection.iterdump() if not line.startswith(USE_NOTED)]
        connection.close()
        return hashlib.sha256("\n".join(kept).encode()).hexdigest()

    def some(self, entity: str, who: str = "admin", **wanted: Any) -> dict[str, Any]:
        """A record of Sales Management as one of the people sees it."""
        items = self.program(who).get(f"{API}/{entity}", params={"limit": 200}).json()["items"]
        found: dict[str, Any] = next(
            each for each in items if all(each.get(name) == value for name, value in wanted.items())
        )
        return found

    def close(self) -> None:
        """Close browsers and workspace."""
        for client in self._open:
            client.__exit__(None, None, None)
        self.host.close()


@pytest.fixture(scope="session")
def filled_folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str], dict[str, str]]:
    """The data folder every test starts from, with tokens and ids of the people."""
    folder = tmp_path_factory.mktemp("workspace")
    host = Host.open(Settings(data=folder), plugins={})
    if "core" not in host.model().catalogue.apps:
        install_app.install_core(host)
    install_app.install(host, host.work(), marketplace.offered_package(host, "sales_management"))
    made, secrets = {}, {}
    for who, roles in ROLES.items():
        new = NewUser(f"{who}@example.com", who.title(), roles, PASSWORD)
        host.refresh()
        made[who] = users.add_user(host, host.work(), new)
        host.refresh()
        secrets[who] = tokens.create_token(host, host.work(), made[who], "test")
    host.close()
    return folder, secrets, made


@pytest.fixture
def open_workspace(
    filled_folder: tuple[Path, dict[str, str], dict[str, str]], tmp_path: Path
) -> Iterator[Callable[..., Workspace]]:
    """`open_workspace(base_url=…)`: a copy of the workspace with settings of the test's own."""
    folder, secrets, made = filled_folder
    opened: list[Workspace] = []

    def make(**settings: Any) -> Workspace:
        data = tmp_path / f"data{len(opened)}"
        shutil.copytree(folder, data)
        host = Host.open(Settings(data=data, **settings), plugins={})
        opened.append(Workspace(host, secrets, made))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


@pytest.fixture
def workspace(open_workspace: Callable[..., Workspace]) -> Workspace:
    """The workspace with default settings."""
    return open_workspace()


def codes(answer: Response) -> list[str]:
    """The problem codes of an answer of the API."""
    assert answer.headers["content-type"].startswith("application/problem+json"), answer.text[:200]
    return [each["code"] for each in answer.json()["problems"]]
