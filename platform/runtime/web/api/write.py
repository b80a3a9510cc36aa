"""Records changed by the API: create, change, delete, restore, workflow steps; each safe to send again."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from dacheng.metadata.problem import Refused, problem, refuse
from dacheng.plugins.context import Cause
from dacheng.runtime.services.undo import UNDO, plan_undo
from dacheng.runtime.services.write_record import Outcome, Write
from dacheng.runtime.web.api.requests import (
    entity_ref,
    entity_tag,
    expected_version,
    idempotency_key,
    json_object,
    parameters,
    record_id,
    truth,
)
from dacheng.runtime.web.errors import problem_items
from dacheng.runtime.web.render import locale_of
from dacheng.runtime.web.routing import host_of, work_of
from dacheng.runtime.web.saving import save

NO_PARAMETERS: frozenset[str] = frozenset()
STALE = frozenset({"record.conflict", "record.version_moved"})


async def create(request: Request) -> Response:
    """Add a record; answers 201 with its id and version. A repeated `Idempotency-Key` answers the same."""
    parameters(request, NO_PARAMETERS)
    ref = entity_ref(request)
    work_of(request).entity(ref)
    values = await json_object(request)
    outcome = await save(request, Write("create", ref, values=values, key=idempotency_key(request) or None))
    response = _written(request, outcome, 201)
    response.headers["location"] = f"{request.url.path}/{outcome.id}"
    return response


async def change(request: Request) -> Response:
    """Change the fields given, from the version `If-Match` names."""
    parameters(request, NO_PARAMETERS)
    ref, identity, version = entity_ref(request), record_id(request), expected_version(request)
    work_of(request).entity(ref)
    values = await json_object(request)
    key = idempotency_key(request) or None
    return _written(request, await _save(request, Write("update", ref, identity, values, version, key=key)))


async def delete(request: Request) -> Response:
    """Put a record into the recycle bin, from the version `If-Match` names."""
    parameters(request, NO_PARAMETERS)
    ref, identity, version = entity_ref(request), record_id(request), expected_version(request)
    work_of(request).entity(ref)
    await _save(request, Write("delete", ref, identity, expected_version=version))
    return Response(status_code=204)


async def restore(request: Request) -> Response:
    """Take a record out of the recycle bin."""
    parameters(request, NO_PARAMETERS)
    ref, identity = entity_ref(request), record_id(request)
    work_of(request).entity(ref)
    await _demand_empty(request)
    return _written(request, await save(request, Write("restore", ref, identity)))


async def undo(request: Request) -> Response:
    """Take one change of the record's history back, as far as nothing else changed there since; `whole=true`: and all saved with it."""
    whole = truth(parameters(request, frozenset({"whole"})), "whole")
    work, ref, identity = work_of(request), entity_ref(request), record_id(request)
    seq = str(request.path_params["seq"])
    if not (seq.isascii() and seq.isdigit() and len(seq) < 16):
        raise refuse("undo.unknown_change")
    await _demand_empty(request)
    asked = await host_of(request).db.read(
        lambda reader: plan_undo(reader, work, ref, identity, int(seq), whole=whole)
    )
    return _written(request, await save(request, asked, Cause(UNDO, f"undo:{seq}", work.context.actor.id)))


async def move(request: Request) -> Response:
    """Take a step of the record's workflow, with the fields the step needs; `If-Match` may name the version."""
    parameters(request, NO_PARAMETERS)
    ref, identity, version = entity_ref(request), record_id(request), expected_version(request)
    work_of(request).entity(ref)
    values = await _object_if_any(request)
    transition = str(request.path_params["transition"])
    key = idempotency_key(request) or None
    return _written(
        request, await _save(request, Write("update", ref, identity, values, version, transition, key=key))
    )


async def _save(request: Request, asked: Write) -> Outcome:
    """Save; a version that is no longer the one named by `If-Match` is a failed precondition."""
    try:
        return await save(request, asked)
    except Refused as refused:
        if asked.expected_version is not None and any(each.code in STALE for each in refused.problems):
            raise Refused([problem("web.precondition_failed"), *refused.problems]) from refused
        raise


async def _object_if_any(request: Request) -> dict[str, Any]:
    return await json_object(request) if await request.body() else {}


async def _demand_empty(request: Request) -> None:
    if await request.body():
        await json_object(request)


def _written(request: Request, outcome: Outcome, status: int = 200) -> Response:
    body: dict[str, Any] = {"id": outcome.id, "version": outcome.version}
    if outcome.warnings:
        body["warnings"] = problem_items(outcome.warnings, locale_of(request))
    response = Response(orjson.dumps(body), status, media_type="application/json")
    response.headers["etag"] = entity_tag(outcome.version)
    return response
