"""A shop of this test's own, on each database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.runtime.storage.open_shop import Shop, open_shop


@pytest.fixture
def shop(database_url: str) -> Iterator[Shop]:
    """An open shop without records."""
    made = open_shop(database_url)
    yield made
    made.db.close()
