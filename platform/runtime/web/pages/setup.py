"""The first administrator of a new workspace, made once with the token printed at the start."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dacheng.metadata.problem import Refused, refuse
from dacheng.runtime.services import setup, sign_in
from dacheng.runtime.web.errors import status_of
from dacheng.runtime.web.form_body import NOTHING_WRONG, Wrong, demand_filled, read_form, wrong_with
from dacheng.runtime.web.page import Page
from dacheng.runtime.web.render import locale_of, render
from dacheng.runtime.web.routing import PUBLIC, Route, host_of, in_thread
from dacheng.runtime.web.security import client_address, keep_session
from dacheng.runtime.web.words import words

FIELDS = ("token", "name", "email", "password")


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupPage(Page):
    """The set-up card with what was typed before; a password is never shown again."""

    name: str = ""
    email: str = ""
    token: str = ""
    wrong: Wrong = NOTHING_WRONG


async def show(request: Request) -> Response:
    """The card while there is no administrator; afterwards there is nothing at this address."""
    await _demand_open(request)
    return _card(request, {})


async def make(request: Request) -> Response:
    """Make the administrator and sign them in."""
    await _demand_open(request)
    form = await read_form(request, *FIELDS)
    host, address = host_of(request), client_address(request.scope)
    try:
        demand_filled(form, *FIELDS)
        await in_thread(
            setup.first_admin,
            host,
            form["token"].strip(),
            email=form["email"],
            name=form["name"],
            password=form["password"],
            address=address,
        )
    except Refused as refused:
        return _card(request, form, refused)
    agent = request.headers.get("user-agent", "")
    entered = await sign_in.sign_in(host, form["email"], form["password"], address=address, agent=agent)
    response = RedirectResponse("/marketplace", 303)
    keep_session(response, host.settings, entered.session)
    return response


async def _demand_open(request: Request) -> None:
    if not await in_thread(setup.is_open, host_of(request)):
        raise refuse("web.not_found")


def _card(request: Request, form: dict[str, str], refused: Refused | None = None) -> Response:
    locale = locale_of(request)
    problems = refused.problems if refused else ()
    page = SetupPage(
        title=words(locale)("account.setup"),
        name=form.get("name", "")[:200],
        email=form.get("email", "")[:254],
        token=form.get("token", "")[:200],
        wrong=wrong_with(problems, locale, FIELDS),
    )
    return render(request, "setup.html", page, status=status_of(problems) if refused else 200)


ROUTES = (
    Route("/setup", show, PUBLIC),
    Route("/setup", make, PUBLIC, ("POST",), per_minute=30),
)
