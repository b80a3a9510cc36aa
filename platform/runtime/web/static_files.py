"""Style sheets, scripts and icons from the installed package: a fixed table of names, read once."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from types import MappingProxyType

from starlette.requests import Request
from starlette.responses import Response

from dacheng.metadata.problem import refuse
from dacheng.runtime.web.routing import PUBLIC, Route

SMALLEST_PACKED = 1000
TYPES = {".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml", ".css": "text/css; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file as it is sent: bytes, the same packed (empty where it gains nothing), type and hash."""

    content: bytes
    packed: bytes
    media_type: str
    tag: str


@cache
def files() -> Mapping[str, Traversable]:
    """Every static file by its path below `static/`; no other name can be asked for."""
    found: dict[str, Traversable] = {}
    _collect(resources.files("dacheng.runtime.web").joinpath("static"), "", found)
    return MappingProxyType(found)


@cache
def static_file(path: str) -> StaticFile:
    """The file of a known path, read and packed at first use."""
    content = files()[path].read_bytes()
    suffix = path[path.rfind(".") :]
    media_type = TYPES.get(suffix) or mimetypes.guess_type(path)[0] or "application/octet-stream"
    packable = len(content) >= SMALLEST_PACKED and suffix in (".js", ".css", ".svg", ".json")
    packed = gzip.compress(content, 6, mtime=0) if packable else b""
    return StaticFile(content, packed, media_type, f'"{hashlib.sha256(content).hexdigest()[:20]}"')


async def serve(request: Request) -> Response:
    """One static file; with its version in the address it is kept for a year, else asked for again."""
    return _answer(request, request.path_params["path"])


async def serve_icon(request: Request) -> Response:
    """The icon at the address that browsers ask for by themselves, as on pages that name none."""
    return _answer(request, "favicon.svg")


def _answer(request: Request, path: str) -> Response:
    if path not in files():
        raise refuse("web.not_found")
    file = static_file(path)
    lasting = "public, max-age=31536000, immutable" if request.query_params.get("v") else "no-cache"
    headers = {"etag": file.tag, "cache-control": lasting, "vary": "accept-encoding"}
    if request.headers.get("if-none-match") == file.tag:
        return Response(status_code=304, headers=headers)
    if file.packed and "gzip" in request.headers.get("accept-encoding", ""):
        headers["content-encoding"] = "gzip"
        return Response(file.packed, media_type=file.media_type, headers=headers)
    return Response(file.content, media_type=file.media_type, headers=headers)


def _collect(folder: Traversable, prefix: str, found: dict[str, Traversable]) -> None:
    for entry in folder.iterdir():
        if entry.is_dir():
            _collect(entry, f"{prefix}{entry.name}/", found)
        elif not entry.name.startswith("."):
            found[prefix + entry.name] = entry


STATIC_ROUTES = (Route("/static/{path:path}", serve, PUBLIC), Route("/favicon.ico", serve_icon, PUBLIC))
