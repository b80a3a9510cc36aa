"""The administrative divisions of China for the selects of addresses: the same for everybody, kept by browsers."""

from __future__ import annotations

import hashlib
from functools import cache

import orjson
from starlette.requests import Request
from starlette.responses import Response

from dacheng.metadata.field_kinds.regions import regions
from dacheng.runtime.web.routing import PUBLIC, Route


@cache
def _content() -> tuple[bytes, str]:
    body = orjson.dumps({province: dict(cities) for province, cities in regions().items()})
    return body, f'"{hashlib.sha256(body).hexdigest()[:20]}"'


async def show(request: Request) -> Response:
    """Province → city → districts, by name."""
    body, tag = _content()
    headers = {"etag": tag, "cache-control": "public, max-age=86400"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


ROUTES = (Route("/regions", show, PUBLIC),)
