"""Records read by the API: pages, single records, things to choose from, history; all through the query gate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from dacheng.metadata.definition import Field
from dacheng.metadata.expression import DATE, INSTANT, NUMBER
from dacheng.metadata.kinds import Json
from dacheng.metadata.problem import refuse
from dacheng.runtime.services import gate, link_candidates, read_records
from dacheng.runtime.services.gate import OutColumn, Query
from dacheng.runtime.services.links import plain
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.read_records import ListPage
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.web.api.requests import (
    entity_ref,
    entity_tag,
    json_parameter,
    names,
    parameters,
    record_id,
    truth,
    whole_number,
)
from dacheng.runtime.web.api.rows import Shape, shape_of
from dacheng.runtime.web.routing import host_of, work_of
from dacheng.runtime.web.view.prepared import Prepared

DEFAULT_LIMIT: Final = 50
COUNTED_AT_MOST: Final = 100_000
PICKED: Final = 20
LIST_PARAMETERS: Final = frozenset({"filter", "sort", "limit", "cursor", "fields", "q", "count", "deleted"})
_shapes: Prepared[Shape] = Prepared(512)


async def list_records(request: Request) -> Response:
    """One page: `{"items": […], "next": cursor or null}`, with `count` when asked for.

    A readable field's id is a parameter too and asks for records with just that value.
    """
    work, ref = work_of(request), entity_ref(request)
    policy = work.entity(ref)
    params = parameters(request, _accepted(policy))
    asked = _query(policy, params)
    counted = truth(params, "count")

    def read(reader: Reader) -> tuple[ListPage, int | None]:
        page = read_records.list_page(reader, work, asked)
        return page, read_records.count(reader, work, asked, COUNTED_AT_MOST) if counted else None

    found, count = await host_of(request).db.read(read, kind=(asked.kind(work), counted))
    body: dict[str, Any] = {"items": _items(work, asked, found), "next": found.next}
    if count is not None:
        body["count"] = count
    return answer(body)


async def get_record(request: Request) -> Response:
    """One record with its lines; `ETag` is its version."""
    parameters(request, frozenset())
    work, ref, identity = work_of(request), entity_ref(request), record_id(request)
    found = await host_of(request).db.read(
        lambda reader: read_records.get(reader, work, ref, identity), bounded=True
    )
    tag = entity_tag(found.version)
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={"etag": tag})
    response = answer(found.json())
    response.headers["etag"] = tag
    return response


async def pick(request: Request) -> Response:
    """Records to choose from: `{"items": [{"id", "title"}]}` by title, narrowed by `q`; for a link named as `for`
    (`app.entity.field`) also by what goes with the record's values in `with`."""
    work, ref = work_of(request), entity_ref(request)
    work.entity(ref)
    params = parameters(request, frozenset({"q", "limit", "for", "with"}))
    given = json_parameter(params, "with")
    texts = {name: str(each or "") for name, each in given.items()} if isinstance(given, Mapping) else {}
    wanted = link_candidates.filter_for(work, ref, params.get("for", ""), texts)
    limit = whole_number(params, "limit", PICKED, gate.MAX_LIMIT)
    found = await host_of(request).db.read(
        lambda reader: read_records.pick_list(reader, work, ref, params.get("q", ""), limit, wanted)
    )
    return answer({"items": [{"id": each, "title": title} for each, title in found]})


def answer(body: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(body), status, media_type="application/json")


def _accepted(policy: EntityPolicy) -> frozenset[str]:
    return LIST_PARAMETERS | policy.readable.keys()


def _query(policy: EntityPolicy, params: Mapping[str, str]) -> Query:
    parts = [
        _holding(policy.readable[name], text) for name, text in params.items() if name not in LIST_PARAMETERS
    ]
    given = json_parameter(params, "filter")
    if given is not None:
        parts.append(given)
    return Query(
        entity=policy.entity.ref,
        fields=names(params, "fields"),
        filter=None if not parts else parts[0] if len(parts) == 1 else {"and": parts},
        sort=names(params, "sort"),
        search=params.get("q", ""),
        limit=whole_number(params, "limit", DEFAULT_LIMIT, gate.MAX_LIMIT),
        cursor=params.get("cursor") or None,
        deleted=truth(params, "deleted"),
    )


def _holding(field: Field, text: str) -> Json:
    """The condition that a field has just this value, or holds it among others."""
    value = {"var": field.id}
    if not field.is_listed:
        return {"==": [value, literal(field, text)]}
    found = field.codec.operand(field.codec.parse_text(text))
    return {"and": [{"in": [each, value]} for each in found]} if found else {"!": {"is_set": value}}


def literal(field: Field, text: str) -> Json:
    """A field's value as a filter writes it; text that is no value of the field is refused."""
    if not field.codec.columns:
        raise refuse("web.unknown_parameter", name=field.id)
    if not text:
        return None
    value = field.codec.parse_text(text)
    kind = field.codec.type
    if kind == DATE:
        return {"date": field.codec.json(value)}
    if kind == INSTANT:
        return {"instant": plain(field.codec.operand(value))}
    if kind == NUMBER:
        return field.codec.operand(value)
    return getattr(value, "amount", value)


def _items(work: Work, asked: Query, found: ListPage) -> list[dict[str, Any]]:
    if not found.page.raw:
        return []
    key = (work.policy.hash, asked.entity, asked.fields)
    return _shapes.get(key, lambda: _shape(found.columns))(found.page.raw)


def _shape(columns: tuple[OutColumn, ...]) -> Shape:
    return shape_of(columns)
