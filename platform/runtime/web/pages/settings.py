"""A person's own settings: password, open sessions, API tokens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dacheng.metadata.problem import Refused, refuse
from dacheng.runtime.services import sessions, sign_in, tokens
from dacheng.runtime.storage import accounts
from dacheng.runtime.storage.accounts import SessionRow, TokenRow
from dacheng.runtime.storage.reader import Transaction
from dacheng.runtime.web.errors import status_of
from dacheng.runtime.web.form_body import NOTHING_WRONG, Wrong, demand_filled, read_form, wrong_with
from dacheng.runtime.web.page import Link, Page
from dacheng.runtime.web.render import flash, locale_of, render
from dacheng.runtime.web.routing import SIGNED_IN, Route, host_of, in_thread, user_of, work_of
from dacheng.runtime.web.security import keep_session
from dacheng.runtime.web.words import words


@dataclass(frozen=True, slots=True)
class SessionView:
    """One open session as its owner sees it."""

    key: str
    device: str
    address: str
    seen: str
    own: bool


@dataclass(frozen=True, slots=True)
class TokenView:
    """One API token; the token itself cannot be shown again."""

    id: str
    name: str
    made: str
    seen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsPage(Page):
    """What a person may change about their own access; `new_token` is shown this once."""

    tabs: tuple[Link, ...]
    name: str
    record: str
    sessions: tuple[SessionView, ...]
    tokens: tuple[TokenView, ...]
    new_token: str = ""
    wrong: Wrong = NOTHING_WRONG


def tabs(request: Request) -> tuple[Link, ...]:
    """The parts of the settings the person may open."""
    say = words(locale_of(request))
    found = [Link(say("settings.own"), "/settings", "user", "own")]
    if work_of(request).policy.admin:
        found.append(Link(say("settings.people"), "/settings/people", "people", "people"))
        found.append(Link(say("settings.workspace"), "/settings/workspace", "building", "workspace"))
        found.append(Link(say("jobs.title"), "/settings/jobs", "bolt", "jobs"))
    return tuple(found)


def moment(milliseconds: int | None, request: Request) -> str:
    """A moment in the workspace's zone, `2026-01-31 08:00`; empty for none."""
    if milliseconds is None:
        return ""
    zone = work_of(request).context.zone
    return datetime.fromtimestamp(milliseconds / 1000, UTC).astimezone(zone).strftime("%Y-%m-%d %H:%M")


async def show(request: Request) -> Response:
    """The page."""
    return await _page(request)


async def change_password(request: Request) -> Response:
    """Set a new password, proving the old one; other sessions end and this browser gets a new one."""
    form = await read_form(request, "old_password", "password", "again")
    host, work = host_of(request), work_of(request)
    try:
        demand_filled(form, "old_password", "password", "again")
        if form["password"] != form["again"]:
            raise refuse("web.passwords_differ", "/again")
        agent = request.headers.get("user-agent", "")
        session = await sign_in.change_password(
            host, work, form["old_password"], form["password"], agent=agent
        )
    except Refused as refused:
        return await _page(request, refused=refused)
    response = RedirectResponse("/settings", 303)
    keep_session(response, host.settings, session)
    flash(response, "settings.password_changed")
    return response


async def end_session(request: Request) -> Response:
    """End one of one's own sessions, or with an empty key all but this one."""
    form = await read_form(request, "key")
    work = work_of(request)

    def end(tx: Transaction) -> int:
        if not form["key"]:
            return sessions.end_others(tx, work)
        own = {row.hash for row in sessions.list_sessions(tx, work)}
        return accounts.drop_session(tx, form["key"]) if form["key"] in own else 0

    await host_of(request).db.write(end)
    response = RedirectResponse("/settings", 303)
    flash(response, "settings.sessions_ended")
    return response


async def make_token(request: Request) -> Response:
    """Make an API token for oneself and show it once."""
    form = await read_form(request, "name")
    try:
        demand_filled(form, "name")
        value = await in_thread(
            tokens.create_token, host_of(request), work_of(request), user_of(request).id, form["name"].strip()
        )
    except Refused as refused:
        return await _page(request, refused=refused)
    return await _page(request, new_token=value)


async def end_token(request: Request) -> Response:
    """End one of one's own API tokens."""
    form = await read_form(request, "id")
    await in_thread(tokens.revoke_token, host_of(request), work_of(request), user_of(request).id, form["id"])
    response = RedirectResponse("/settings", 303)
    flash(response, "settings.token_ended")
    return response


async def _page(request: Request, *, new_token: str = "", refused: Refused | None = None) -> Response:
    work, user, locale = work_of(request), user_of(request), locale_of(request)
    open_sessions, own_tokens = await host_of(request).db.read(
        lambda reader: (sessions.list_sessions(reader, work), tokens.list_tokens(reader, work, user.id))
    )
    problems = refused.problems if refused else ()
    page = SettingsPage(
        title=words(locale)("shell.settings"),
        current="settings",
        tabs=tabs(request),
        name=user.name,
        record=f"/apps/core/user/{user.id}" if work.policy.entity("core.user") else "",
        sessions=tuple(_session(row, request) for row in open_sessions),
        tokens=tuple(_token(row, request) for row in own_tokens),
        new_token=new_token,
        wrong=wrong_with(problems, locale, ("old_password", "password", "again", "name")),
    )
    return render(request, "settings.html", page, status=status_of(problems) if refused else 200)


def _session(row: SessionRow, request: Request) -> SessionView:
    own = row.hash == user_of(request).session
    return SessionView(row.hash, _device(row.agent), row.address, moment(row.seen_at, request), own)


def _token(row: TokenRow, request: Request) -> TokenView:
    return TokenView(row.id, row.name, moment(row.created_at, request), moment(row.seen_at, request))


def _device(agent: str) -> str:
    """Browser and system in a word each, as far as the browser says so."""
    browsers = (
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Chrome/", "Chrome"),
        ("Firefox/", "Firefox"),
        ("Safari/", "Safari"),
    )
    systems = (
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    )
    found = [next((name for mark, name in marks if mark in agent), "") for marks in (browsers, systems)]
    return " · ".join(part for part in found if part) or agent[:40] or "–"


ROUTES = (
    Route("/settings", show, SIGNED_IN),
    Route("/settings/password", change_password, SIGNED_IN, ("POST",), per_minute=20),
    Route("/settings/sessions/end", end_session, SIGNED_IN, ("POST",)),
    Route("/settings/tokens", make_token, SIGNED_IN, ("POST",)),
    Route("/settings/tokens/end", end_token, SIGNED_IN, ("POST",)),
)
