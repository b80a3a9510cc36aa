"""Routes as declarations: path, methods, handler and who may come in; an undeclared route stops the start."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from dacheng.metadata.problem import refuse
from dacheng.plugins.context import Anonymous, User
from dacheng.runtime.services.work import Work

if TYPE_CHECKING:
    from dacheng.runtime.host import Host

_PLAIN_PATH = re.compile(r"/[\w./-]*", re.ASCII).fullmatch  # what no part of an address can be taken for
P = ParamSpec("P")
T = TypeVar("T")
Handler = Callable[[Request], Awaitable[Response]]
Check = Callable[[Request], None]
Permission = str | Check

PUBLIC: Final = "public"
SIGNED_IN: Final = "signed_in"
BUILDER: Final = "builder"
NAMED: Final = frozenset({PUBLIC, SIGNED_IN, BUILDER})
METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})


class RouteUndeclared(Exception):
    """Raised at start for a route that does not say who may use it, or says it twice; names the route."""


@dataclass(frozen=True, slots=True)
class Route:
    """One address. `permission` is `public`, `signed_in`, `builder`, or a check that raises `Refused`.

    A check runs for signed-in people only and looks at the route's own path parameters. `upload` lets the
    body be as large as a file may be, `multipart` only a body of that type; `per_minute` bounds calls per person (or address); 0 is unbounded.
    """

    path: str
    handler: Handler
    permission: Permission | None = None
    methods: tuple[str, ...] = ("GET",)
    upload: bool = False
    multipart: bool = False
    per_minute: int = 0

    @property
    def is_api(self) -> bool:
        """Whether errors are answered as problem documents rather than pages."""
        return self.path.startswith("/api/")


def declared(routes: Iterable[Route]) -> Mapping[str, Mapping[str, Route]]:
    """Path → method → route, fixed segments before parameters; a wrong declaration raises `RouteUndeclared`."""
    table: dict[str, dict[str, Route]] = {}
    for route in routes:
        _demand_declaration(route)
        methods = table.setdefault(route.path, {})
        for method in route.methods:
            if method in methods:
                raise RouteUndeclared(f"{method} {route.path} is declared twice")
            methods[method] = route
    return {path: table[path] for path in sorted(table, key=_specific_first)}


def admit(route: Route, request: Request, work: Work) -> None:
    """Let the request pass, or raise `Refused`: nobody known is unauthenticated, the rest are forbidden."""
    permission = route.permission
    if permission == PUBLIC:
        return
    if isinstance(work.context.actor, Anonymous):
        raise refuse("account.sign_in_needed")
    if permission == BUILDER and not work.policy.admin:
        raise refuse("access.not_permitted")
    if callable(permission):
        permission(request)


def work_of(request: Request) -> Work:
    """The frame of this request, made by the guard before its handler ran."""
    work: Work = request.state.work
    return work


def user_of(request: Request) -> User:
    """The person asking; only behind routes that are not public."""
    actor = work_of(request).context.actor
    if not isinstance(actor, User):
        raise refuse("account.sign_in_needed")
    return actor


def path_of(request: Request) -> str:
    """The path that was asked for."""
    path: str = request.scope["path"]
    return path if request.scope.get("root_path", "") == "" and _PLAIN_PATH(path) else request.url.path


def host_of(request: Request) -> Host:
    """The running workspace this request came to."""
    host: Host = request.state.host
    return host


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a service that waits (for hashing, for the writer) without holding up other requests."""
    return await asyncio.to_thread(function, *args, **kwargs)


def _demand_declaration(route: Route) -> None:
    permission = route.permission
    if not (callable(permission) or permission in NAMED):
        raise RouteUndeclared(f"{'/'.join(route.methods)} {route.path} declares no permission")
    if not route.methods or not set(route.methods) <= METHODS:
        raise RouteUndeclared(f"{route.path} declares unknown methods {route.methods}")


def _specific_first(path: str) -> tuple[bool, tuple[tuple[int, str], ...]]:
    parts = tuple((2 if ":path}" in part else 1 if "{" in part else 0, part) for part in path.split("/"))
    return (not path.startswith("/api/"), parts)
