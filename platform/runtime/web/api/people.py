"""People who may sign in, for administrators: listed, added, invited, suspended, given roles; the workspace's address."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from dacheng.metadata.problem import refuse
from dacheng.runtime.services import read_records, sign_in, users
from dacheng.runtime.services.directory import USER
from dacheng.runtime.services.users import Account, NewUser
from dacheng.runtime.settings import save_settings
from dacheng.runtime.storage import accounts
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.web.api.bodies import Body
from dacheng.runtime.web.api.operation import TEXT, TRUTH, Json, Operation, items, list_of, shape
from dacheng.runtime.web.api.read import answer
from dacheng.runtime.web.render import locale_of
from dacheng.runtime.web.routing import host_of, in_thread, work_of

FILLED: Final[Json] = {"type": "string", "minLength": 1, "maxLength": 254}
NEW_PERSON: Final = Body(
    {"email": FILLED, "name": FILLED, "roles": {"type": "array", "items": TEXT, "maxItems": 100}},
    ("email", "name"),
)
ADDRESS: Final = Body({"base_url": {"type": "string", "maxLength": 500}}, ("base_url",))
PERSON_SHAPE: Final = shape(
    id=TEXT, name=TEXT, email=TEXT, active=TRUTH, has_password=TRUTH, roles=list_of(TEXT)
)
LINK_SHAPE: Final = shape(id=TEXT, link=TEXT)


async def list_people(request: Request) -> Response:
    """Everybody who may sign in."""
    return answer({"items": [*(await _people(request)).values()]})


async def show_person(request: Request) -> Response:
    """One account."""
    return answer(await _person(request))


async def add_person(request: Request) -> Response:
    """Add a person; answers their id and the one-time link with which they set their password."""
    body = await NEW_PERSON.read(request)
    new = NewUser(body["email"], body["name"].strip(), tuple(sorted(set(body.get("roles", ())))))
    made = await in_thread(users.add_user, host_of(request), work_of(request), new)
    response = answer({"id": made, "link": await _link(request, made)}, 201)
    response.headers["location"] = f"/api/v1/people/{made}"
    return response


async def invite(request: Request) -> Response:
    """Make a one-time link to set a password, to be handed over by the administrator."""
    person = await _person(request)
    return answer({"id": person["id"], "link": await _link(request, person["id"])})


async def suspend(request: Request) -> Response:
    """Shut a person out: sessions, tokens and open links end."""
    host, work, person = host_of(request), work_of(request), request.path_params["id"]
    return await _done(request, lambda: users.suspend(host, work, person))


async def reinstate(request: Request) -> Response:
    """Let a suspended person in again."""
    host, work, person = host_of(request), work_of(request), request.path_params["id"]
    return await _done(request, lambda: users.reinstate(host, work, person))


async def grant(request: Request) -> Response:
    """Give a role, named `app.role`; the person's sessions end."""
    host, work, person = host_of(request), work_of(request), request.path_params["id"]
    return await _done(request, lambda: users.grant_role(host, work, person, request.path_params["role"]))


async def revoke(request: Request) -> Response:
    """Take a role away; the last administrator keeps theirs. The person's sessions end."""
    host, work, person = host_of(request), work_of(request), request.path_params["id"]
    return await _done(request, lambda: users.revoke_role(host, work, person, request.path_params["role"]))


async def list_roles(request: Request) -> Response:
    """Every role there is, with its name."""
    labels, locale = work_of(request).model.labels, locale_of(request)
    found = [
        {
            "role": ref,
            "name": labels.text(locale, role.app, f"role:{role.id}"),
            "app": role.app,
            "admin": role.admin,
        }
        for ref, role in work_of(request).model.catalogue.roles.items()
    ]
    return answer({"items": found})


async def show_workspace(request: Request) -> Response:
    """The workspace's address for mails, its zone, its apps and plugins."""
    host, work = host_of(request), work_of(request)
    apps = [{"app": each.id, "version": each.version} for each in work.model.catalogue.apps.values()]
    shown = {"base_url": host.settings.base_url, "zone": host.settings.zone, "apps": apps}
    return answer(shown | {"plugins": list(host.plugins.names)})


async def set_address(request: Request) -> Response:
    """Set the address that links in mails start with; an empty one stops mails with links."""
    address = (await ADDRESS.read(request))["base_url"].strip()
    host = host_of(request)
    host.apply_settings(await in_thread(save_settings, host.settings, {"base_url": address}))
    return await show_workspace(request)


async def _done(request: Request, settle: Callable[[], None]) -> Response:
    """Carry it out and answer the account as it is now."""
    await _person(request)
    await in_thread(settle)
    return answer(await _person(request))


async def _person(request: Request) -> dict[str, Any]:
    found = (await _people(request)).get(request.path_params["id"])
    if found is None:
        raise refuse("web.not_found")
    return found


async def _people(request: Request) -> Mapping[str, dict[str, Any]]:
    """id → account, in the order of addresses."""
    work = work_of(request)

    def read(reader: Reader) -> tuple[tuple[Account, ...], Mapping[str, str]]:
        found = users.list_accounts(reader, work)
        return found, read_records.titles(reader, work, USER, [each.user for each in found])

    found, names = await host_of(request).db.read(read)
    return {
        each.user: {
            "id": each.user,
            "name": names.get(each.user) or each.email,
            "email": each.email,
            "active": each.state == accounts.ACTIVE,
            "has_password": each.has_password,
            "roles": sorted(each.roles),
        }
        for each in found
    }


async def _link(request: Request, person: str) -> str:
    host = host_of(request)
    token = await in_thread(sign_in.invite, host, person)
    return f"{host.settings.base_url or str(request.base_url).rstrip('/')}/reset?token={token}"


_ALL = "/api/v1/people"
_ONE = _ALL + "/{id}"
_WORKSPACE = shape(
    base_url=TEXT, zone=TEXT, apps=list_of(shape(app=TEXT, version=TEXT)), plugins=list_of(TEXT)
)
_ROLES = items(shape(role=TEXT, name=TEXT, app=TEXT, admin=TRUTH))
OPERATIONS: Final = (
    Operation("GET", _ALL, list_people, "list_people", items(PERSON_SHAPE)),
    Operation("POST", _ALL, add_person, "add_person", LINK_SHAPE, body=NEW_PERSON, status=201),
    Operation("GET", _ONE, show_person, "show_person", PERSON_SHAPE),
    Operation("POST", _ONE + "/suspend", suspend, "suspend_person", PERSON_SHAPE),
    Operation("POST", _ONE + "/reinstate", reinstate, "reinstate_person", PERSON_SHAPE),
    Operation("POST", _ONE + "/invite", invite, "invite_person", LINK_SHAPE),
    Operation("PUT", _ONE + "/roles/{role}", grant, "grant_role", PERSON_SHAPE),
    Operation("DELETE", _ONE + "/roles/{role}", revoke, "revoke_role", PERSON_SHAPE),
    Operation("GET", "/api/v1/roles", list_roles, "list_roles", _ROLES),
    Operation("GET", "/api/v1/workspace", show_workspace, "show_workspace", _WORKSPACE),
    Operation("PATCH", "/api/v1/workspace", set_address, "set_address", _WORKSPACE, body=ADDRESS),
)
