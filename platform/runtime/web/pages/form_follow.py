"""What a form asks for while it is filled in: records a link can lead to, and what follows from what stands in it."""

from __future__ import annotations

import orjson
from starlette.requests import Request
from starlette.responses import Response

from dacheng.metadata.kinds import Json
from dacheng.runtime.services import link_candidates, read_records
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.web.form_body import read_pairs
from dacheng.runtime.web.pages.form_place import Place, entity_of, place_of
from dacheng.runtime.web.routing import SIGNED_IN, Route, host_of, work_of
from dacheng.runtime.web.view import filters
from dacheng.runtime.web.view.form_follow import AUTO, brought, with_defaults
from dacheng.runtime.web.view.form_shown import shown
from dacheng.runtime.web.view.line_follow import with_line_defaults

FOUND = 20


async def pick(request: Request) -> Response:
    """The records a link can lead to, found by words: `{"items": [{"id", "title"}]}`.

    `for` names the link and `with.…` the form's values that narrow it; `id` asks whether one record is among them.
    """
    work, ref = work_of(request), entity_of(request)
    work.entity(ref)
    params = request.query_params
    text = params.get("q", "")[:100]
    given = {name.removeprefix("with."): each for name, each in params.items() if name.startswith("with.")}
    narrowed = link_candidates.filter_for(work, ref, params.get("for", ""), given)
    one = {"==": [{"var": "id"}, params["id"]]} if "id" in params else None
    wanted = filters.joined([each for each in (narrowed, one) if each is not None])
    pairs = await host_of(request).db.read(
        lambda reader: read_records.pick_list(reader, work, ref, text, FOUND, wanted)
    )
    body = orjson.dumps({"items": [{"id": ident, "title": title} for ident, title in pairs]})
    return Response(body, media_type="application/json")


async def follow(request: Request) -> Response:
    """What follows from a form as it stands, nothing saved: `{"record", "computed", "texts", "auto"}`.

    `record` is what its conditions look at, `computed` the HTML of lookups by place, `texts` those of
    defaults that nobody touched, and `auto` what says next time which they were.
    """
    place = place_of(request, "update" if "id" in request.path_params else "create")
    sent = dict(await read_pairs(request))
    found = await host_of(request).db.read(lambda reader: _followed(reader, place, sent))
    return Response(orjson.dumps(found), media_type="application/json")


def _followed(reader: Reader, place: Place, sent: dict[str, str]) -> dict[str, Json]:
    prepared = place.prepared
    texts = with_line_defaults(reader, place.work, place.ref, place.id, prepared, sent)
    if not place.id:
        texts = with_defaults(reader, place.work, place.ref, prepared, texts)
    found = shown(reader, place.work, place.id, prepared, texts)
    subject = found.decided.subject
    moved = {
        name: text
        for name, text in found.texts.items()
        if (name.partition(".")[0] in prepared.defaults or texts.get(name) == text) and sent.get(name) != text
    }
    return {
        "record": found.decided.context["record"],
        "computed": dict(brought(prepared, subject, texts)) if subject is not None else {},
        "texts": moved,
        "auto": texts.get(AUTO, ""),
    }


ROUTES = (
    Route("/apps/{app}/{entity}/pick", pick, SIGNED_IN, per_minute=600),
    Route("/apps/{app}/{entity}/new/follow", follow, SIGNED_IN, ("POST",), per_minute=600),
    Route("/apps/{app}/{entity}/{id}/edit/follow", follow, SIGNED_IN, ("POST",), per_minute=600),
)
