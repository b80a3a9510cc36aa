"""Suggestions for a field of tags, as one types."""

from __future__ import annotations

import orjson
from starlette.requests import Request
from starlette.responses import Response

from dacheng.runtime.services import tags_in_use
from dacheng.runtime.web.routing import SIGNED_IN, Route, host_of, work_of


async def suggest(request: Request) -> Response:
    """Tags in use that the asker may see: `{"items": […]}`, narrowed by `q`."""
    work, params = work_of(request), request.path_params
    ref, name = f"{params['app']}.{params['entity']}", params["field"]
    begun = request.query_params.get("q", "")[:100]
    found = await host_of(request).db.read(lambda reader: tags_in_use.suggest(reader, work, ref, name, begun))
    return Response(orjson.dumps({"items": found}), media_type="application/json")


ROUTES = (Route("/apps/{app}/{entity}/tags/{field}", suggest, SIGNED_IN, per_minute=600),)
