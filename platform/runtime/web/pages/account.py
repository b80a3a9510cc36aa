"""Signing in and out, and the two things a browser remembers for a person: language and appearance."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dacheng.metadata.problem import Refused
from dacheng.plugins.context import User
from dacheng.runtime.services import setup, sign_in
from dacheng.runtime.web.errors import status_of
from dacheng.runtime.web.form_body import NOTHING_WRONG, Wrong, demand_filled, read_form, wrong_with
from dacheng.runtime.web.page import LOCALE_COOKIE, THEME_COOKIE, THEMES, Page
from dacheng.runtime.web.render import locale_of, render
from dacheng.runtime.web.routing import PUBLIC, Route, host_of, in_thread, work_of
from dacheng.runtime.web.security import client_address, drop_session, keep_session, own_path, session_cookie
from dacheng.runtime.web.words import LOCALES, words

YEAR = 365 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInPage(Page):
    """The sign-in card; `next` is the page to go to afterwards, `email` what was typed before."""

    next: str
    email: str = ""
    wrong: Wrong = NOTHING_WRONG


async def show_sign_in(request: Request) -> Response:
    """The card; whoever is signed in goes on, and a new workspace is set up first."""
    after = own_path(request.query_params.get("next"))
    if isinstance(work_of(request).context.actor, User):
        return RedirectResponse(after, 303)
    if await in_thread(setup.is_open, host_of(request)):
        return RedirectResponse("/setup", 303)
    return _card(request, after)


async def do_sign_in(request: Request) -> Response:
    """Open a session, or show the card again with one sentence for every reason."""
    form = await read_form(request, "email", "password", "next")
    host, after = host_of(request), own_path(form["next"])
    try:
        demand_filled(form, "email", "password")
        entered = await sign_in.sign_in(
            host,
            form["email"],
            form["password"],
            address=client_address(request.scope),
            agent=request.headers.get("user-agent", ""),
            old_session=request.cookies.get(session_cookie(host.settings), ""),
        )
    except Refused as refused:
        return _card(request, after, form["email"], refused)
    response = RedirectResponse(after, 303)
    keep_session(response, host.settings, entered.session)
    return response


async def do_sign_out(request: Request) -> Response:
    """End the session on the server and in the browser; a second time is no error."""
    host = host_of(request)
    await sign_in.sign_out(host, request.cookies.get(session_cookie(host.settings), ""))
    response = RedirectResponse("/sign-in", 303)
    drop_session(response, host.settings)
    response.headers["clear-site-data"] = '"storage"'
    return response


async def keep_preferences(request: Request) -> Response:
    """Remember language or appearance in this browser; what is not offered is ignored."""
    form = await read_form(request, "next", "locale", "theme")
    secure = host_of(request).settings.https
    response = RedirectResponse(own_path(form["next"]), 303)
    for name, value, offered in (
        (LOCALE_COOKIE, form["locale"], LOCALES),
        (THEME_COOKIE, form["theme"], THEMES),
    ):
        if value in offered:
            response.set_cookie(name, value, max_age=YEAR, secure=secure, httponly=True, samesite="lax")
    return response


def _card(request: Request, after: str, email: str = "", refused: Refused | None = None) -> Response:
    locale = locale_of(request)
    problems = refused.problems if refused else ()
    page = SignInPage(
        title=words(locale)("account.sign_in"),
        next=after,
        email=email[:254],
        wrong=wrong_with(problems, locale, ("email", "password")),
    )
    return render(request, "sign_in.html", page, status=status_of(problems) if refused else 200)


ROUTES = (
    Route("/sign-in", show_sign_in, PUBLIC),
    Route("/sign-in", do_sign_in, PUBLIC, ("POST",)),
    Route("/sign-out", do_sign_out, PUBLIC, ("POST",)),
    Route("/preferences", keep_preferences, PUBLIC, ("POST",)),
)
