"""Putting a record elsewhere on a board or in a calendar, by program."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from dacheng.metadata.problem import Refused, problem
from dacheng.runtime.services.place_record import plan_place
from dacheng.runtime.web.api.bodies import Body
from dacheng.runtime.web.api.operation import NUMBER, TEXT, Operation, shape
from dacheng.runtime.web.api.read import answer
from dacheng.runtime.web.api.requests import entity_ref, entity_tag, expected_version, record_id
from dacheng.runtime.web.api.write import STALE
from dacheng.runtime.web.routing import SIGNED_IN, host_of, work_of
from dacheng.runtime.web.saving import save

PLACE: Final = Body(
    {"field": {"type": "string", "maxLength": 40}, "value": {"type": "string", "maxLength": 60}},
    ("field", "value"),
)


async def place(request: Request) -> Response:
    """Put a record at another value of a choice or a day, from the version `If-Match` names; a workflow's field
    moves by the step that leads there."""
    body = await PLACE.read(request)
    work, ref = work_of(request), entity_ref(request)
    identity, version = record_id(request), expected_version(request)
    asked = await host_of(request).db.read(
        lambda reader: plan_place(reader, work, ref, identity, body["field"], body["value"], version),
        bounded=True,
    )
    try:
        outcome = await save(request, asked)
    except Refused as refused:
        if version is not None and any(each.code in STALE for each in refused.problems):
            raise Refused([problem("web.precondition_failed"), *refused.problems]) from refused
        raise
    response = answer({"id": outcome.id, "version": outcome.version})
    response.headers["etag"] = entity_tag(outcome.version)
    return response


OPERATIONS: Final = (
    Operation(
        "POST",
        "/api/v1/apps/{app}/{entity}/{id}/place",
        place,
        "place_record",
        shape(id=TEXT, version=NUMBER),
        SIGNED_IN,
        body=PLACE,
    ),
)
