"""Around every request: an id, the fixed headers, one log line, and no changes on behalf of other sites."""

from __future__ import annotations

import json
import logging
import secrets
import time
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dacheng.metadata.problem import problem
from dacheng.runtime.settings import Settings
from dacheng.runtime.web import errors
from dacheng.runtime.web.security import (
    SAFE_METHODS,
    client_address,
    fixed_headers,
    from_own_pages,
    shortened_address,
)

access_log = logging.getLogger("dacheng.access")
LONGEST_LOGGED_PATH = 500
POLICY = b"content-security-policy"
_ABOUT_FRAMES = (POLICY, b"x-frame-options")  # left to an answer whose own policy says who may frame it
PERMISSIONS = (
    b"permissions-policy"  # the one header that a page may say in its own way: which devices it uses
)


class Envelope:
    """Gives each request an id, each answer the fixed headers and the log one line; the outermost layer."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._headers = list(fixed_headers(settings))
        self._framed = [pair for pair in self._headers if pair[0] not in _ABOUT_FRAMES]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; an answer that another layer marked keeps its own cache header."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        identity = secrets.token_hex(8)
        scope["dacheng.request"] = identity
        scope.setdefault("state", {})
        status = 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = {name for name, _ in message["headers"]}
                framed = any(
                    name == POLICY and b"frame-ancestors" in text for name, text in message["headers"]
                )
                kept = self._framed if framed else self._headers
                fixed = [each for each in kept if each[0] != PERMISSIONS or each[0] not in own]
                headers = [*message["headers"], *fixed, (b"x-request-id", identity.encode())]
                if b"cache-control" not in own:
                    headers.append((b"cache-control", b"private, no-store"))
                message["headers"] = headers
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        finally:
            if access_log.isEnabledFor(logging.INFO):
                access_log.info(log_line(scope, status, time.perf_counter() - started))


class OwnPagesOnly:
    """Refuses requests that may change something when another site's page made them."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass safe methods and own pages on, answer 403 to the rest."""
        changing = scope["type"] == "http" and scope["method"] not in SAFE_METHODS
        if changing and not from_own_pages(scope, self._settings):
            response = errors.error_answer(Request(scope, receive), [problem("web.other_site")])
            await response(scope, receive, send)
            return
        await self._app(scope, receive, send)


def log_line(scope: Scope, status: int, seconds: float) -> str:
    """One request as one line of JSON: no query string, a shortened address, nothing but printable ASCII."""
    work = scope["state"].get("work")
    entry = {
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "event": "request",
        "id": scope.get("dacheng.request", ""),
        "method": scope["method"],
        "path": scope["path"][:LONGEST_LOGGED_PATH],
        "status": status,
        "ms": round(seconds * 1000, 2),
        "actor": work.context.actor.id if work is not None else "",
        "address": shortened_address(client_address(scope)),
    }
    return one_line(entry)


def one_line(entry: dict[str, object]) -> str:
    """A log entry as JSON in which every control character is escaped, whatever was put in."""
    return json.dumps(entry, ensure_ascii=True, default=str).replace("\x7f", "\\u007f")
