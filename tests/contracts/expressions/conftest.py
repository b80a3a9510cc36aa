"""The databases and the JavaScript engine that the expression contract runs on, opened once a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contracts.expressions import backends
from tests.support.postgres import PostgresServer


@pytest.fixture(scope="module")
def sqlite() -> Iterator[backends.Database]:
    """The test entity in a SQLite database in memory."""
    database = backends.open_database("sqlite://")
    yield database
    database.engine.dispose()


@pytest.fixture(scope="module")
def postgresql(postgres_server: PostgresServer) -> Iterator[backends.Database]:
    """The test entity in a PostgreSQL database."""
    url = postgres_server.new_database()
    database = backends.open_database(url)
    yield database
    database.engine.dispose()
    postgres_server.drop(url)


@pytest.fixture(scope="session")
def engine() -> str:
    """A JavaScript engine; without one the browser's evaluator is not covered here."""
    found = backends.node()
    if found is None:
        pytest.skip("no JavaScript engine on this machine")
    return found
