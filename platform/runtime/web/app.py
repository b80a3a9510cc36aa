"""The web application of one host: every declared route behind one guard, static files, the outer layers."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partial
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute
from starlette.types import Message, Receive, Scope, Send

from dacheng.metadata.problem import Refused, refuse
from dacheng.plugins.context import Anonymous
from dacheng.runtime.host import Host
from dacheng.runtime.web import errors, pages
from dacheng.runtime.web.addresses import Addresses
from dacheng.runtime.web.api.plugins import plugin_routes
from dacheng.runtime.web.api.routes import API_ROUTES
from dacheng.runtime.web.jobs import JOBS_FOLDER, Jobs
from dacheng.runtime.web.middleware import Envelope, OwnPagesOnly
from dacheng.runtime.web.routing import Route, admit, declared
from dacheng.runtime.web.saving import frame_of
from dacheng.runtime.web.security import Rates, client_address
from dacheng.runtime.web.static_files import STATIC_ROUTES


def build_app(host: Host) -> Starlette:
    """The application serving `host`; a route that declares no permission raises `RouteUndeclared`."""
    table = declared([*API_ROUTES, *plugin_routes(host.plugins), *page_routes(), *STATIC_ROUTES])
    rates = Rates()
    app = Starlette(
        routes=[
            Addresses(
                [
                    StarletteRoute(path, Guarded(methods, host, rates), methods=list(methods))
                    for path, methods in table.items()
                ]
            )
        ],
        middleware=[Middleware(Envelope, host.settings), Middleware(OwnPagesOnly, host.settings)],
        exception_handlers={HTTPException: partial(_routing_refused, host)},
    )
    app.router.redirect_slashes = False  # an address is spelled one way
    app.state.imports = {}
    app.state.jobs = Jobs(host.settings.data / JOBS_FOLDER)
    return app


def page_routes() -> Iterable[Route]:
    """The `ROUTES` of every module in `web/pages`, in order of name."""
    for module in page_modules():
        yield from getattr(module, "ROUTES", ())


def page_modules() -> Iterable[ModuleType]:
    """Every module of `web/pages`."""
    for entry in sorted(iter_modules(pages.__path__), key=lambda entry: entry.name):
        yield import_module(f"{pages.__name__}.{entry.name}")


class Guarded:
    """One address behind the guard: finds out who asks, lets them in or not, limits, answers every error."""

    def __init__(self, methods: Mapping[str, Route], host: Host, rates: Rates) -> None:
        self._methods = methods
        self._host = host
        self._rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; whatever is raised below becomes an answer here."""
        route = self._methods["GET" if scope["method"] == "HEAD" else scope["method"]]
        settings = self._host.settings
        files = route.upload or (route.multipart and _is_multipart(scope))
        largest = settings.max_upload_bytes if files else settings.max_body_bytes
        request = Request(scope, limited(scope, receive, largest))
        response = await self._answer(route, request)
        await response(scope, receive, send)

    async def _answer(self, route: Route, request: Request) -> Response:
        try:
            request.state.host = self._host
            request.state.work = await frame_of(request)
            self._limit(route, request)
            admit(route, request, request.state.work)
            return await route.handler(request)
        except Refused as refused:
            return errors.refusal(request, refused)
        except HTTPException as error:
            return errors.from_status(request, error)
        except Exception as error:  # noqa: BLE001 - the last line: logged with its number, answered without detail
            return errors.unexpected(request, error)

    def _limit(self, route: Route, request: Request) -> None:
        if not route.per_minute:
            return
        actor = request.state.work.context.actor
        who = client_address(request.scope) if isinstance(actor, Anonymous) else actor.id
        if self._rates.over(f"{who} {request.method} {route.path}", route.per_minute, time.monotonic()):
            raise refuse("web.too_often")


def limited(scope: Scope, receive: Receive, largest: int) -> Receive:
    """`receive` that raises `Refused` as soon as the body is, or says it is, over `largest` bytes."""
    declared_length = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    seen = 0

    async def receive_within() -> Message:
        nonlocal seen
        if not declared_length.isdigit() or int(declared_length[:20]) > largest:
            raise refuse("web.too_large", limit=largest)
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > largest:
            raise refuse("web.too_large", limit=largest)
        return message

    return receive_within


def _is_multipart(scope: Scope) -> bool:
    declared: bytes = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
    return declared.partition(b";")[0].strip().lower() == b"multipart/form-data"


async def _routing_refused(host: Host, request: Request, error: Exception) -> Response:
    request.state.host = host
    if not isinstance(error, HTTPException):
        raise error
    try:
        if errors.wants_page(request):  # in the frame of whoever is signed in, if they may come in
            with suppress(Refused):
                request.state.work = await frame_of(request)
        return errors.from_status(request, error)
    except Exception as fault:  # noqa: BLE001 - as for every other address
        return errors.unexpected(request, fault)
