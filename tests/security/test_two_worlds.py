"""T04–T06: what a role may not see leaves no trace in any answer that role can get."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.runtime.services.workspace import Workspace
from tests.security.two_worlds import Request, answer, requests, world

# What may differ by design: a unique value that is taken is refused whoever holds it; a figure that a role
# declassifies shows what it derives from. Neither is a read, and none of the requests below is one of them.


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def worlds(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Workspace, Workspace]]:
    """Two shops on the same back end, apart only in what Clara may not see; the tests only read."""
    urls = [_new_database(request, tmp_path_factory) for _ in range(2)]
    first, second = (world(url, secret) for secret, url in enumerate(urls, 1))
    yield first, second
    for shop in (first, second):
        shop.db.close()


def _new_database(request: pytest.FixtureRequest, folders: pytest.TempPathFactory) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{folders.mktemp('world') / 'dacheng.db'}"
    url: str = request.getfixturevalue("postgres_server").new_database()
    return url


def test_two_worlds_answer_alike(worlds: tuple[Workspace, Workspace]) -> None:
    first, second = worlds
    everything = list(requests(first))
    assert len(everything) > 2_000
    asked = everything if first.db.dialect == "sqlite" else everything[::3]
    different = [each.name for each in asked if answer(first, each) != answer(second, each)]
    assert different == []


def test_the_worlds_do_differ_for_who_may_see(worlds: tuple[Workspace, Workspace]) -> None:
    first, second = worlds
    names = {each.name for each in _differing(first, second, "kim", ("get ", "all ", "measure ", "history "))}
    assert {"all shop.buyer", "all shop.order", "measure shop.paid_total None"} <= names
    assert any(name.startswith("history shop.buyer") for name in names)


def test_what_was_asked_by_an_administrator_first_changes_nothing(
    worlds: tuple[Workspace, Workspace],
) -> None:
    """T05: nothing kept for one role's question answers another's."""
    first, second = worlds
    asked = list(requests(first))[::9]
    for each in asked:
        answer(first, each, "kim")
    assert [each.name for each in asked if answer(first, each) != answer(second, each)] == []


def _differing(first: Workspace, second: Workspace, who: str, kinds: tuple[str, ...]) -> list[Request]:
    asked = [each for each in requests(first, who) if each.name.startswith(kinds)]
    return [each for each in asked if answer(first, each, who) != answer(second, each, who)]
