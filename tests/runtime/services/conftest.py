"""A workspace of each test's own, on both databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.runtime.services.workspace import Workspace, open_workspace


@pytest.fixture
def shop(database_url: str) -> Iterator[Workspace]:
    """The shop on SQLite and on PostgreSQL."""
    made = open_workspace(database_url)
    yield made
    made.db.close()


@pytest.fixture
def small_shop(sqlite_url: str) -> Iterator[Workspace]:
    """The shop on SQLite alone, for what no database decides."""
    made = open_workspace(sqlite_url)
    yield made
    made.db.close()
