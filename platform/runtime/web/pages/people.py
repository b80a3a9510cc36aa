"""Users and roles for administrators: everybody who may sign in, what they may do, and adding, suspending, inviting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dacheng.metadata.problem import Refused, refuse
from dacheng.runtime.services import sign_in, users
from dacheng.runtime.services.users import Account, NewUser
from dacheng.runtime.storage import accounts
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.web.errors import status_of
from dacheng.runtime.web.form_body import (
    NOTHING_WRONG,
    Wrong,
    demand_filled,
    read_form,
    read_pairs,
    wrong_with,
)
from dacheng.runtime.web.page import Link, Page
from dacheng.runtime.web.pages.names import names_of
from dacheng.runtime.web.pages.settings import tabs
from dacheng.runtime.web.render import flash, locale_of, render
from dacheng.runtime.web.routing import BUILDER, Route, host_of, in_thread, user_of, work_of
from dacheng.runtime.web.words import words

FIELDS = ("name", "email")


@dataclass(frozen=True, slots=True)
class RoleView:
    """One role: its reference, name and app, and whether the person at hand holds it."""

    ref: str
    label: str
    app: str
    held: bool = False


@dataclass(frozen=True, slots=True)
class PersonView:
    """One account as the list shows it."""

    id: str
    name: str
    email: str
    active: bool
    has_password: bool
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PeoplePage(Page):
    """Everybody who may sign in."""

    tabs: tuple[Link, ...]
    people: tuple[PersonView, ...]
    departments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonPage(Page):
    """One account, or the form for a new one when `person` is None; `link` is a one-time link shown this once."""

    tabs: tuple[Link, ...]
    roles: tuple[RoleView, ...]
    person: PersonView | None = None
    own: bool = False
    link: str = ""
    name: str = ""
    email: str = ""
    wrong: Wrong = NOTHING_WRONG


async def show_people(request: Request) -> Response:
    """The list."""
    work = work_of(request)

    def read(reader: Reader) -> tuple[tuple[Account, ...], Mapping[str, str]]:
        found = users.list_accounts(reader, work)
        return found, names_of(reader, work, [each.user for each in found])

    found, names = await host_of(request).db.read(read)
    page = PeoplePage(
        title=words(locale_of(request))("settings.people"),
        current="settings",
        crumbs=(_settings_link(request),),
        back="/settings",
        tabs=tabs(request),
        people=tuple(_person(request, each, names) for each in found),
        departments="/apps/core/department" if work.policy.entity("core.department") else "",
    )
    return render(request, "people.html", page)


async def show_new(request: Request) -> Response:
    """The form for a new person."""
    return _form(request, {}, frozenset())


async def add(request: Request) -> Response:
    """Add a person and show the one-time link with which they set their password."""
    form, roles = await _posted(request)
    try:
        demand_filled(form, *FIELDS)
        new = NewUser(form["email"], form["name"].strip(), tuple(sorted(roles)))
        made = await in_thread(users.add_user, host_of(request), work_of(request), new)
    except Refused as refused:
        return _form(request, form, roles, refused)
    return await _one(request, made, link=await _invite(request, made))


async def show_one(request: Request) -> Response:
    """One account."""
    return await _one(request, request.path_params["id"])


async def set_roles(request: Request) -> Response:
    """Give and take roles until the person holds exactly those ticked."""
    wanted = {value for name, value in await read_pairs(request) if name == "role"}
    person = request.path_params["id"]
    host, work = host_of(request), work_of(request)
    account = await _account(request, person)

    def settle() -> None:
        for role in sorted(wanted - set(account.roles)):
            users.grant_role(host, work, person, role)
        for role in sorted(set(account.roles) - wanted):
            users.revoke_role(host, work, person, role)

    return await _done(request, settle, "settings.roles_set")


async def suspend(request: Request) -> Response:
    """Shut a person out."""
    return await _act(request, users.suspend, "settings.suspended")


async def reinstate(request: Request) -> Response:
    """Let a person in again."""
    return await _act(request, users.reinstate, "settings.reinstated")


async def invite(request: Request) -> Response:
    """Make a one-time link to set a password, to be handed over by the administrator."""
    await read_form(request)
    person = request.path_params["id"]
    await _account(request, person)
    return await _one(request, person, link=await _invite(request, person))


async def _act(request: Request, service: Callable[..., None], words_key: str) -> Response:
    await read_form(request)
    person = request.path_params["id"]
    host, work = host_of(request), work_of(request)
    return await _done(request, lambda: service(host, work, person), words_key)


async def _done(request: Request, settle: Callable[[], None], words_key: str) -> Response:
    person = request.path_params["id"]
    try:
        await in_thread(settle)
    except Refused as refused:
        return await _one(request, person, refused=refused)
    response = RedirectResponse(f"/settings/people/{person}", 303)
    flash(response, words_key)
    return response


async def _invite(request: Request, person: str) -> str:
    host = host_of(request)
    token = await in_thread(sign_in.invite, host, person)
    return f"{host.settings.base_url or str(request.base_url).rstrip('/')}/reset?token={token}"


async def _posted(request: Request) -> tuple[dict[str, str], frozenset[str]]:
    pairs = await read_pairs(request)
    form = {name: value for name, value in pairs if name in FIELDS}
    return {name: form.get(name, "") for name in FIELDS}, frozenset(v for n, v in pairs if n == "role")


async def _account(request: Request, person: str) -> Account:
    work = work_of(request)
    found = await host_of(request).db.read(lambda reader: users.list_accounts(reader, work))
    account = next((each for each in found if each.user == person), None)
    if account is None:
        raise refuse("web.not_found")
    return account


async def _one(request: Request, person: str, *, link: str = "", refused: Refused | None = None) -> Response:
    work, locale = work_of(request), locale_of(request)
    account = await _account(request, person)
    names = await host_of(request).db.read(lambda reader: names_of(reader, work, [person]))
    view = _person(request, account, names)
    problems = refused.problems if refused else ()
    page = PersonPage(
        title=view.name,
        current="settings",
        crumbs=(_settings_link(request), Link(words(locale)("settings.people"), "/settings/people")),
        back="/settings/people",
        tabs=tabs(request),
        roles=_roles(request, frozenset(account.roles)),
        person=view,
        own=person == user_of(request).id,
        link=link,
        wrong=wrong_with(problems, locale, ()),
    )
    return render(request, "person.html", page, status=status_of(problems) if refused else 200)


def _form(
    request: Request, form: Mapping[str, str], roles: frozenset[str], refused: Refused | None = None
) -> Response:
    locale = locale_of(request)
    problems = refused.problems if refused else ()
    page = PersonPage(
        title=words(locale)("settings.add_person"),
        current="settings",
        crumbs=(_settings_link(request), Link(words(locale)("settings.people"), "/settings/people")),
        back="/settings/people",
        tabs=tabs(request),
        roles=_roles(request, roles),
        name=form.get("name", ""),
        email=form.get("email", ""),
        wrong=wrong_with(problems, locale, FIELDS),
    )
    return render(request, "person.html", page, status=status_of(problems) if refused else 200)


def _roles(request: Request, held: frozenset[str]) -> tuple[RoleView, ...]:
    work, locale = work_of(request), locale_of(request)
    labels = work.model.labels
    return tuple(
        RoleView(
            ref,
            labels.text(locale, role.app, f"role:{role.id}"),
            labels.text(locale, role.app, "app"),
            ref in held,
        )
        for ref, role in work.model.catalogue.roles.items()
    )


def _person(request: Request, account: Account, names: Mapping[str, str]) -> PersonView:
    labels = {view.ref: view.label for view in _roles(request, frozenset())}
    return PersonView(
        account.user,
        names.get(account.user) or account.email,
        account.email,
        account.state == accounts.ACTIVE,
        account.has_password,
        tuple(labels.get(ref, ref) for ref in account.roles),
    )


def _settings_link(request: Request) -> Link:
    return Link(words(locale_of(request))("shell.settings"), "/settings")


ROUTES = (
    Route("/settings/people", show_people, BUILDER),
    Route("/settings/people/new", show_new, BUILDER),
    Route("/settings/people/new", add, BUILDER, ("POST",)),
    Route("/settings/people/{id}", show_one, BUILDER),
    Route("/settings/people/{id}/roles", set_roles, BUILDER, ("POST",)),
    Route("/settings/people/{id}/suspend", suspend, BUILDER, ("POST",)),
    Route("/settings/people/{id}/reinstate", reinstate, BUILDER, ("POST",)),
    Route("/settings/people/{id}/invite", invite, BUILDER, ("POST",)),
)
