"""Addresses found by their shape answer as if each had been tried in turn."""

from __future__ import annotations

import asyncio

import pytest
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from dacheng.runtime.web.addresses import Addresses

DECLARED = (
    ("/api/v1/apps", "GET"),
    ("/api/v1/apps/{app}/{entity}", "GET"),
    ("/api/v1/apps/{app}/{entity}", "POST"),
    ("/", "GET"),
    ("/apps/{app}/{entity}/new", "GET"),
    ("/apps/{app}/{entity}/{id}", "GET"),
    ("/{page}", "GET"),
    ("/{page}", "POST"),
    ("/static/{path:path}", "GET"),
)


class _Named:
    """An endpoint that is known by its number."""

    def __init__(self, number: int) -> None:
        self.number = number

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["answered"] = self.number


def _routes() -> list[Route]:
    return [Route(path, _Named(number), methods=[method]) for number, (path, method) in enumerate(DECLARED)]


def _in_turn(scope: Scope) -> tuple[Match, int | None]:
    partial = None
    for route in _routes():
        match, child = route.matches(scope)
        if match is Match.FULL:
            return match, child["endpoint"].number
        if match is Match.PARTIAL and partial is None:
            partial = match, child["endpoint"].number
    return partial or (Match.NONE, None)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT"])
@pytest.mark.parametrize(
    "path",
    ["/", "", "//", "/x", "/static", "/static/", "/static/a", "/static/a/b/c/d/e/f/g", "/apps/a/b/new", "/apps/a/b/1",
     "/apps/a/b", "/apps/a/b/1/", "/api/v1/apps", "/api/v1/apps/a/b", "/api/v1/apps/a/b/c/d/e/f/g/h", "/apps", "/nowhere/at/all"],
)  # fmt: skip
def test_the_same_route_is_found_as_by_trying_each(path: str, method: str) -> None:
    scope = {"type": "http", "path": path, "method": method, "root_path": ""}
    match, child = Addresses(_routes()).matches(scope)
    assert (match, child["endpoint"].number if child else None) == _in_turn(scope)


def test_the_route_that_was_found_answers() -> None:
    addresses = Addresses(_routes())
    scope: Scope = {"type": "http", "path": "/apps/a/b/new", "method": "GET", "root_path": ""}
    scope.update(addresses.matches(scope)[1])

    async def nothing(*_: object) -> None:
        raise AssertionError

    asyncio.run(addresses.handle(scope, nothing, nothing))  # type: ignore[arg-type]
    assert scope["answered"] == 4
    assert scope["path_params"] == {"app": "a", "entity": "b"}
