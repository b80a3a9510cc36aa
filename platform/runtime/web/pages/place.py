"""A card put elsewhere on a board, or a day moved in a calendar: saved at once, or refused with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from dacheng.metadata.problem import Problem, Refused
from dacheng.runtime.services import read_records
from dacheng.runtime.services.place_record import plan_place
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.save_plan import Write
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.web.errors import status_of
from dacheng.runtime.web.form_body import read_form
from dacheng.runtime.web.render import flash
from dacheng.runtime.web.routing import SIGNED_IN, Route, host_of, work_of
from dacheng.runtime.web.saving import save
from dacheng.runtime.web.security import own_path
from dacheng.runtime.web.view.reason import reason_of

GONE = ("record.missing", "query.unknown_entity", "query.unknown_field")
FIELDS = ("field", "value", "version", "state")


async def place(request: Request) -> Response:
    """Put a record at another value of a board's or calendar's field.

    Scripts ask for JSON and get the record's new version, or the reason; without them the list comes back
    and says it. What was asked may stand in the address too, so that a notice can take the step back.
    """
    ref, ident = (
        f"{request.path_params['app']}.{request.path_params['entity']}",
        str(request.path_params["id"]),
    )
    sent = await read_form(request, *FIELDS)
    form = {name: sent[name] or request.query_params.get(name, "") for name in FIELDS}
    work = work_of(request)
    policy = work.entity(ref)
    version = int(form["version"]) if form["version"].isdecimal() and len(form["version"]) < 16 else None

    def plan(reader: Reader) -> tuple[Write, str, str]:
        record = read_records.get(reader, work, ref, ident)
        asked = plan_place(reader, work, ref, ident, form["field"], form["value"], version)
        field = policy.readable[form["field"]]
        before = field.codec.json(record.values.get(field.id))
        title = policy.title
        name = title.codec.text(record.values.get(title.id)) if title is not None else ""
        return asked, "" if before is None else str(before), name

    back = own_path(form["state"]) if form["state"] else f"/apps/{ref.replace('.', '/')}"
    try:
        asked, before, title = await host_of(request).db.read(plan, bounded=True)
        outcome = await save(request, asked)
    except Refused as refused:
        if refused.problems[0].code in GONE:
            raise
        return _refused(
            request, work, policy, refused.problems, f"/apps/{ref.replace('.', '/')}/{ident}", back
        )
    undo = f"/apps/{ref.replace('.', '/')}/{ident}/place?" + urlencode(
        {"field": form["field"], "value": before, "version": outcome.version, "state": back}
    )
    if _wants_json(request):
        return JSONResponse({"version": outcome.version, "undo": undo})
    response = RedirectResponse(back, 303)
    said = _said(work, policy, form["field"], form["value"])
    flash(response, "list.card_moved", undo=undo, title=title, to=said)
    return response


def _said(work: Work, policy: EntityPolicy, name: str, value: str) -> str:
    field = policy.readable[name]
    return work.context.labels.option(work.context.locale, field, value) if field.options and value else value


def _refused(
    request: Request, work: Work, policy: EntityPolicy, problems: Sequence[Problem], record: str, back: str
) -> Response:
    reason = reason_of(work, policy, problems)
    if _wants_json(request):
        return JSONResponse({"reason": reason, "record": record}, status_of(problems))
    response = RedirectResponse(back, 303)
    flash(response, "list.not_moved", tone="risk", reason=reason)
    return response


def _wants_json(request: Request) -> bool:
    return request.headers.get("accept", "").startswith("application/json")


ROUTES = (Route("/apps/{app}/{entity}/{id}/place", place, SIGNED_IN, ("POST",)),)
