"""One's own access: password, open sessions, API tokens; nobody else's is within reach here."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from dacheng.metadata.expression.moments import format_instant
from dacheng.metadata.problem import refuse
from dacheng.runtime.services import sessions, sign_in, tokens
from dacheng.runtime.storage import accounts
from dacheng.runtime.storage.accounts import SessionRow, TokenRow
from dacheng.runtime.storage.reader import Transaction
from dacheng.runtime.web.api.bodies import Body
from dacheng.runtime.web.api.operation import (
    MOMENT,
    NUMBER,
    TEXT,
    TRUTH,
    Json,
    Operation,
    items,
    shape,
)
from dacheng.runtime.web.api.read import answer
from dacheng.runtime.web.routing import SIGNED_IN, host_of, in_thread, user_of, work_of
from dacheng.runtime.web.security import bearer, keep_session

TOKEN_BODY: Final = Body({"name": {"type": "string", "minLength": 1, "maxLength": 120}}, ("name",))
SECRET: Final[Json] = {"type": "string", "maxLength": 1000}
PASSWORD_BODY: Final = Body({"old_password": SECRET, "password": SECRET}, ("old_password", "password"))
TOKEN_SHAPE: Final = shape(id=TEXT, name=TEXT, created_at=MOMENT, used_at=MOMENT)
SESSION_SHAPE: Final = shape(key=TEXT, agent=TEXT, address=TEXT, created_at=MOMENT, used_at=MOMENT, own=TRUTH)


async def list_tokens(request: Request) -> Response:
    """One's own API tokens: names and moments; the tokens themselves cannot be shown again."""
    work, user = work_of(request), user_of(request)
    found = await host_of(request).db.read(lambda reader: tokens.list_tokens(reader, work, user.id))
    return answer({"items": [_token(each) for each in found]})


async def make_token(request: Request) -> Response:
    """Make an API token for oneself; this answer is the only place that ever shows it."""
    name = (await TOKEN_BODY.read(request))["name"].strip()
    if not name:
        raise refuse("web.form_incomplete", "/name")
    host, work, user = host_of(request), work_of(request), user_of(request)
    value = await in_thread(tokens.create_token, host, work, user.id, name)
    return answer({"token": value}, 201)


async def end_token(request: Request) -> Response:
    """End one of one's own API tokens."""
    host, work, user = host_of(request), work_of(request), user_of(request)
    await in_thread(tokens.revoke_token, host, work, user.id, request.path_params["id"])
    return Response(status_code=204)


async def list_sessions(request: Request) -> Response:
    """One's own open sessions."""
    work, user = work_of(request), user_of(request)
    found = await host_of(request).db.read(lambda reader: sessions.list_sessions(reader, work))
    return answer({"items": [_session(each, user.session or "") for each in found]})


async def end_session(request: Request) -> Response:
    """End one of one's own sessions; any other key leads nowhere."""
    work, key = work_of(request), request.path_params["key"]

    def end(tx: Transaction) -> int:
        own = {row.hash for row in sessions.list_sessions(tx, work)}
        return accounts.drop_session(tx, key) if key in own else 0

    if not await host_of(request).db.write(end):
        raise refuse("web.not_found")
    return Response(status_code=204)


async def end_sessions(request: Request) -> Response:
    """End every session of one's own but the one this request came with."""
    work = work_of(request)
    ended = await host_of(request).db.write(lambda tx: sessions.end_others(tx, work))
    return answer({"ended": ended})


async def change_password(request: Request) -> Response:
    """Set a new password, proving the old one; every session ends, a browser gets a new one."""
    body = await PASSWORD_BODY.read(request)
    host, agent = host_of(request), request.headers.get("user-agent", "")
    session = await sign_in.change_password(
        host, work_of(request), body["old_password"], body["password"], agent=agent
    )
    response = Response(status_code=204)
    if bearer(request):
        await sign_in.sign_out(host, session)
    else:
        keep_session(response, host.settings, session)
    return response


def _token(row: TokenRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "created_at": _moment(row.created_at),
        "used_at": _moment(row.seen_at),
    }


def _session(row: SessionRow, own: str) -> dict[str, Any]:
    return {
        "key": row.hash,
        "agent": row.agent,
        "address": row.address,
        "created_at": _moment(row.created_at),
        "used_at": _moment(row.seen_at),
        "own": row.hash == own,
    }


def _moment(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else format_instant(milliseconds)


_TOKENS, _SESSIONS = "/api/v1/me/tokens", "/api/v1/me/sessions"
OPERATIONS: Final = (
    Operation("GET", _TOKENS, list_tokens, "list_tokens", items(TOKEN_SHAPE), SIGNED_IN),
    Operation(
        "POST", _TOKENS, make_token, "make_token", shape(token=TEXT), SIGNED_IN, body=TOKEN_BODY, status=201
    ),
    Operation("DELETE", _TOKENS + "/{id}", end_token, "end_token", {}, SIGNED_IN, status=204),
    Operation("GET", _SESSIONS, list_sessions, "list_sessions", items(SESSION_SHAPE), SIGNED_IN),
    Operation("DELETE", _SESSIONS, end_sessions, "end_sessions", shape(ended=NUMBER), SIGNED_IN),
    Operation("DELETE", _SESSIONS + "/{key}", end_session, "end_session", {}, SIGNED_IN, status=204),
    Operation(
        "POST",
        "/api/v1/me/password",
        change_password,
        "change_password",
        {},
        SIGNED_IN,
        body=PASSWORD_BODY,
        status=204,
        per_minute=20,
    ),
)
