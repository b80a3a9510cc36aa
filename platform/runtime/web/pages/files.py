"""Files given out: to who may read a record that holds them, as a download, and never as a page of this site."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from dacheng.metadata.field_kinds.file_types import ENDINGS, UNKNOWN, WEBP
from dacheng.runtime.services import files
from dacheng.runtime.storage.file_rows import FileRow
from dacheng.runtime.web.api.files import file_id
from dacheng.runtime.web.download import disposition
from dacheng.runtime.web.routing import SIGNED_IN, Route, host_of, work_of

NO_PAGE: Final = "sandbox; default-src 'none'"  # joins the policy that every answer carries; both hold


async def show_file(request: Request) -> Response:
    """The file itself; a picture that the product wrote may stand in a page, unless `?download=1` asks otherwise."""
    row = await _row(request)
    inline = files.is_picture(row) and not request.query_params.get("download")
    return _answer(request, row, files.content(host_of(request), row), row.type, inline=inline)


async def show_thumbnail(request: Request) -> Response:
    """The small picture of a picture."""
    row = await _row(request)
    return _answer(request, row, files.thumbnail(host_of(request), row), WEBP, inline=True)


async def _row(request: Request) -> FileRow:
    work, ident = work_of(request), file_id(request)
    return await host_of(request).db.read(lambda reader: files.may_read(reader, work, ident))


def _answer(request: Request, row: FileRow, path: Path, kind: str, *, inline: bool) -> Response:
    """The bytes; a browser may keep them, but asks each time whether it still may show them."""
    tag = f'"{path.parent.name}{path.name[:30]}"'
    headers = {
        "cache-control": "private, no-cache",
        "etag": tag,
        "content-security-policy": NO_PAGE,
        "content-disposition": disposition(row.name, "inline" if inline else "attachment"),
    }
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return FileResponse(path, headers=headers, media_type=kind if kind in ENDINGS else UNKNOWN)


ROUTES = (
    Route("/files/{id}", show_file, SIGNED_IN),
    Route("/files/{id}/thumbnail", show_thumbnail, SIGNED_IN),
)
