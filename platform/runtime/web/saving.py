"""Saving a record for a request: planned again once when the definitions moved under it."""

from __future__ import annotations

from dataclasses import replace

from starlette.requests import Request

from dacheng.plugins.context import Cause
from dacheng.runtime.services import write_record
from dacheng.runtime.services.sessions import Credentials
from dacheng.runtime.services.work import Work
from dacheng.runtime.services.write_record import Outcome, Write
from dacheng.runtime.web.routing import host_of, work_of
from dacheng.runtime.web.security import asked_locale, bearer, session_cookie


def credentials_of(request: Request) -> Credentials:
    """What the request shows of who is asking: a bearer token, else the session cookie."""
    token = bearer(request)
    if token:
        return Credentials(token=token)
    return Credentials(session=request.cookies.get(session_cookie(host_of(request).settings), ""))


async def frame_of(request: Request) -> Work:
    """The frame for whoever is asking, on the newest definitions."""
    return await host_of(request).work_for(credentials_of(request), locale=asked_locale(request))


async def save(request: Request, asked: Write, cause: Cause | None = None) -> Outcome:
    """Save, or raise `Refused` with every problem; `cause` where it is more than that somebody asked."""
    host = host_of(request)

    async def action(work: Work) -> Outcome:
        frame = work if cause is None else replace(work, context=work.context.because(cause))
        return await write_record.write(host.db, frame, asked)

    async def again() -> Work:
        return await frame_of(request)

    return await host.retrying(work_of(request), action, again)
