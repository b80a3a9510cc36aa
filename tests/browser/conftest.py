"""A workspace with Sales Management and its sample data, served on this machine for a real browser."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Page

from dacheng.metadata.definition import Package
from dacheng.runtime.host import Host
from dacheng.runtime.services import install_app, marketplace, users
from dacheng.runtime.services.install_app import Candidate
from dacheng.runtime.services.users import NewUser
from dacheng.runtime.settings import Settings
from dacheng.runtime.web.app import build_app
from tests.browser.trade import trade

PASSWORD = "a long pass phrase for tests"
People = Mapping[str, tuple[str, tuple[str, ...]]]  # the name and the roles of each
ADA: People = {"ada": ("Ada", ("core.admin",))}
PEOPLE: People = {
    "admin": ("周敏", ("core.admin",)),
    "manager": ("王强", ("sales_management.sales_manager",)),
    "rep": ("李娜", ("sales_management.sales_rep",)),
}


@dataclass(frozen=True)
class Served:
    """A running server and the ids of the people in it."""

    url: str
    host: Host
    people: dict[str, str]


@contextmanager
def listening(host: Host) -> Iterator[str]:
    """Serve a host from a thread of this process; gives its address."""
    door = socket.socket()
    door.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(build_app(host), log_level="error", loop="asyncio"))
    thread = threading.Thread(target=lambda: server.run(sockets=[door]), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{door.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
    door.close()


@contextmanager
def serving(folder: Path, people: People, package: Package | None = None) -> Iterator[Served]:
    """A new workspace with one app (Sales Management, unless a package is given) and these people, served."""
    host = Host.open(Settings(data=folder), plugins={})
    if "core" not in host.model().catalogue.apps:
        install_app.install_core(host)
    host.refresh()
    sample = package is None
    app = marketplace.offered_package(host, "sales_management") if package is None else Candidate(package)
    install_app.install(host, host.work(), app, sample=sample)
    made = {}
    for who, (name, roles) in people.items():
        host.refresh()
        made[who] = users.add_user(host, host.work(), NewUser(f"{who}@example.com", name, roles, PASSWORD))
    host.refresh()
    with listening(host) as url:
        yield Served(url, host, made)
    host.close()


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for all browser tests of a run; each test signs in with a browser of its own."""
    with serving(tmp_path_factory.mktemp("served"), PEOPLE) as found:
        yield found


@pytest.fixture
def sign_in(served: Served) -> Callable[..., None]:
    """`sign_in(page)` as the administrator, or as `who`."""

    def enter(page: Page, who: str = "admin") -> None:
        page.goto("/sign-in")
        page.fill("[name=email]", f"{who}@example.com")
        page.fill("[name=password]", PASSWORD)
        page.click("main button[type=submit]")
        page.wait_for_url("**/")

    return enter


@pytest.fixture(scope="session")
def trading(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with the app of `trade`, and in it an administrator and a seller."""
    people = {"admin": ("admin", ("core.admin",)), "seller": ("seller", ("trade.seller",))}
    with serving(tmp_path_factory.mktemp("trading"), people, trade()) as found:
        yield found
