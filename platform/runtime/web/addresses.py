"""Addresses looked up by their shape, so that finding one does not mean trying them all."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

Shape = tuple[int, str, str]  # how many segments; the first and the last where addresses are spelled so


class Addresses(BaseRoute):
    """Many routes as one: the same answers, in the same order, as trying each of them in turn."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = tuple(routes)
        self._firsts = frozenset(_segments(route.path)[0] for route in routes)
        self._lasts = frozenset(_segments(route.path)[-1] for route in routes)
        self._longest = max(len(_segments(route.path)) for route in routes)
        self._found: dict[Shape, tuple[Route, ...]] = {}

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """The first route that takes address and method, else the first that takes the address."""
        partial: tuple[Match, Scope] | None = None
        for route in self._candidates(scope):
            match, found = route.matches(scope)
            if match is Match.FULL:
                return match, {**found, "route": route}
            if match is Match.PARTIAL and partial is None:
                partial = match, {**found, "route": route}
        return partial or (Match.NONE, {})

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the route that was found answer."""
        await scope["route"].handle(scope, receive, send)

    def _candidates(self, scope: Scope) -> tuple[Route, ...]:
        if scope.get("root_path"):
            return self._routes
        segments = _segments(scope["path"])
        shape = (
            min(len(segments), self._longest + 1),
            segments[0] if segments[0] in self._firsts else "",
            segments[-1] if segments[-1] in self._lasts else "",
        )
        found = self._found.get(shape)
        if found is None:
            fitting = (route for route in self._routes if _fits(_segments(route.path), shape))
            found = self._found[shape] = tuple(fitting)
        return found


def _fits(segments: Sequence[str], shape: Shape) -> bool:
    count, first, last = shape
    many = any(":path}" in segment for segment in segments)
    return (
        (len(segments) <= count if many else len(segments) == count)
        and ("{" in segments[0] or segments[0] == first)
        and ("{" in segments[-1] or segments[-1] == last)
    )


def _segments(path: str) -> list[str]:
    return path.split("/")[1:] or [""]
