"""Fixtures for every test: databases (SQLite and PostgreSQL), a real browser, accessibility."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Page, sync_playwright

from tests.support import postgres, run_folder
from tests.support.browser import Chromium, axe_violations, chromium_path, launch

settings.register_profile(
    "sample", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60
)
settings.register_profile("soak", settings.get_profile("sample"), max_examples=20_000)
settings.load_profile("soak" if os.environ.get("DACHENG_SOAK") else "sample")


def pytest_configure(config: pytest.Config) -> None:
    """The run's controlling process names the folder that its workers share; rubbish is swept seldom in all of them."""
    gc.set_threshold(50_000, 20, 50)  # every test that opens a workspace makes 100,000 objects that stay
    if not hasattr(config, "workerinput"):
        run_folder.reserve()


def pytest_unconfigure(config: pytest.Config) -> None:
    """The controlling process tidies up when all workers are done."""
    if not hasattr(config, "workerinput"):
        postgres.stop_server()
        run_folder.remove()


@pytest.fixture(scope="session")
def postgres_server() -> postgres.PostgresServer:
    """The run's PostgreSQL server, started on first use."""
    return postgres.running_server()


@pytest.fixture
def postgres_url(postgres_server: postgres.PostgresServer) -> Iterator[str]:
    """The URL of an empty PostgreSQL database of this test's own."""
    url = postgres_server.new_database()
    yield url
    postgres_server.drop(url)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of a SQLite file of this test's own, not yet created."""
    return f"sqlite:///{tmp_path / 'dacheng.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database of this test's own; the test runs once on each back end."""
    name = {"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param]
    url: str = request.getfixturevalue(name)
    return url


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    """One Chromium a module: Playwright's loop must not outlive it into tests of asyncio."""
    if chromium_path() is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        running = launch(playwright)
        yield Chromium(running, [])
        running.close()


@pytest.fixture
def chromium(browser: Chromium) -> Iterator[Chromium]:
    """A browser whose pages, cookies and storage end with the test: `chromium.open(url)`."""
    yield browser
    browser.close_contexts()


@pytest.fixture
def axe() -> Callable[[Page], list[dict[str, Any]]]:
    """`axe(page)` gives the accessibility violations of the page as it now stands."""
    return axe_violations
