"""People put on a record and taken off it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dacheng.runtime.services import collaborators, read_records
from dacheng.runtime.services.directory import USER
from dacheng.runtime.web.form_body import demand_filled, read_form
from dacheng.runtime.web.pages.record_timeline import RECORD, record_of
from dacheng.runtime.web.render import flash
from dacheng.runtime.web.routing import SIGNED_IN, Route, host_of, work_of


async def add_member(request: Request) -> Response:
    """Add somebody, or change their right."""
    form = await read_form(request, "user", "right")
    demand_filled(form, "user", "right")
    work, (ref, ident), host = work_of(request), record_of(request), host_of(request)
    await host.db.write(lambda tx: collaborators.give(tx, work, ref, ident, form["user"], form["right"]))
    names = await host.db.read(
        lambda reader: read_records.titles(reader, work, USER, [form["user"]]), bounded=True
    )
    response = RedirectResponse(_address(ref, ident), 303)
    flash(response, "team.added", name=names.get(form["user"], ""))
    return response


async def remove_member(request: Request) -> Response:
    """Take somebody off; who took themselves off may not see the record any more and comes to the list."""
    form = await read_form(request, "user")
    work, (ref, ident), host = work_of(request), record_of(request), host_of(request)
    await host.db.write(lambda tx: collaborators.take(tx, work, ref, ident, form["user"]))
    own = form["user"] == work.context.actor.id
    address = _address(ref, ident)
    response = RedirectResponse(address.rsplit("/", 1)[0] if own else address, 303)
    flash(response, "team.removed")
    return response


def _address(ref: str, ident: str) -> str:
    return f"/apps/{ref.replace('.', '/')}/{ident}"


ROUTES = (
    Route(RECORD + "/collaborators", add_member, SIGNED_IN, ("POST",)),
    Route(RECORD + "/collaborators/remove", remove_member, SIGNED_IN, ("POST",)),
)
