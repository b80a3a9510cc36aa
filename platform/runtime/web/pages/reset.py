"""A forgotten password: ask for a mail with a link, then set a new one with it."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dacheng.metadata.problem import Refused, refuse
from dacheng.runtime.services import sign_in
from dacheng.runtime.web.errors import status_of
from dacheng.runtime.web.form_body import NOTHING_WRONG, Wrong, demand_filled, read_form, wrong_with
from dacheng.runtime.web.page import Page
from dacheng.runtime.web.render import flash, locale_of, render
from dacheng.runtime.web.routing import PUBLIC, Route, host_of
from dacheng.runtime.web.security import client_address, drop_session
from dacheng.runtime.web.words import words


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetPage(Page):
    """Without a token the card asks for an address, with one for a new password; `sent` says a mail may come."""

    token: str = ""
    email: str = ""
    sent: bool = False
    wrong: Wrong = NOTHING_WRONG


async def show(request: Request) -> Response:
    """The card for whoever came by the link, or for whoever wants one."""
    return _card(request, token=request.query_params.get("token", "")[:200])


async def ask_or_set(request: Request) -> Response:
    """With a token set the password, without one ask for a mail: nobody learns whether the account exists."""
    form = await read_form(request, "email", "token", "password", "again")
    if form["token"]:
        return await _set(request, form)
    host, locale = host_of(request), locale_of(request)
    try:
        demand_filled(form, "email")
        await sign_in.request_reset(host, form["email"], address=client_address(request.scope), locale=locale)
    except Refused as refused:
        return _card(request, email=form["email"], refused=refused)
    return _card(request, email=form["email"], sent=True)


async def _set(request: Request, form: dict[str, str]) -> Response:
    host = host_of(request)
    try:
        demand_filled(form, "password")
        if form["password"] != form["again"]:
            raise refuse("web.passwords_differ", "/again")
        await sign_in.finish_reset(host, form["token"], form["password"])
    except Refused as refused:
        return _card(request, token=form["token"], refused=refused)
    response = RedirectResponse("/sign-in", 303)
    drop_session(response, host.settings)
    flash(response, "account.password_set")
    return response


def _card(
    request: Request, *, token: str = "", email: str = "", sent: bool = False, refused: Refused | None = None
) -> Response:
    locale = locale_of(request)
    problems = refused.problems if refused else ()
    page = ResetPage(
        title=words(locale)("account.new_password" if token else "account.forgotten"),
        token=token,
        email=email[:254],
        sent=sent,
        wrong=wrong_with(problems, locale, ("email", "password", "again")),
    )
    return render(request, "reset.html", page, status=status_of(problems) if refused else 200)


ROUTES = (
    Route("/reset", show, PUBLIC),
    Route("/reset", ask_or_set, PUBLIC, ("POST",), per_minute=30),
)
