"""Files by the API: uploaded one at a time, then named by id in the fields of records; told of to who may read them."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from dacheng.metadata.problem import refuse
from dacheng.runtime.services import files
from dacheng.runtime.web.api.operation import NUMBER, TEXT, Json, Operation, shape
from dacheng.runtime.web.api.read import answer
from dacheng.runtime.web.api.requests import RECORD_ID
from dacheng.runtime.web.routing import SIGNED_IN, host_of, work_of
from dacheng.runtime.web.uploads import described, multipart, take_in

PER_MINUTE: Final = 120
MAYBE_NUMBER: Final = {"type": ["integer", "null"]}
FILE_SHAPE: Final = shape(
    id=TEXT,
    name=TEXT,
    type=TEXT,
    size=NUMBER,
    source={"enum": list(files.SOURCES)},
    width=MAYBE_NUMBER,
    height=MAYBE_NUMBER,
)
PARTS: Final[dict[str, Json]] = {
    "file": {"type": "string", "format": "binary"},
    "source": {"enum": list(files.SOURCES)},
}


async def upload(request: Request) -> Response:
    """Take one file in: a multipart form with the part `file`, and `source` for where it is from."""
    async with multipart(request, most_files=1, most_fields=1) as (texts, sent):
        given = dict(texts)
        if [name for name, _ in sent] != ["file"] or not given.keys() <= {"source"}:
            raise refuse("file.one_expected")
        row = await take_in(request, sent[0][1], given.get("source") or "upload")
    response = answer(described(row), 201)
    response.headers["location"] = f"/api/v1/files/{row.id}"
    return response


async def show(request: Request) -> Response:
    """What a file is, for who may read a record and a field that holds it; its bytes are at `/files/{id}`."""
    work, ident = work_of(request), file_id(request)
    return answer(
        described(await host_of(request).db.read(lambda reader: files.may_read(reader, work, ident)))
    )


def file_id(request: Request) -> str:
    """The id in the address; what has not the form of one is no file."""
    ident = str(request.path_params["id"])
    if not RECORD_ID.fullmatch(ident):
        raise refuse("file.missing")
    return ident


OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        "POST",
        "/api/v1/files",
        upload,
        "upload_a_file",
        FILE_SHAPE,
        SIGNED_IN,
        status=201,
        parts=PARTS,
        per_minute=PER_MINUTE,
    ),
    Operation("GET", "/api/v1/files/{id}", show, "show_a_file", FILE_SHAPE, SIGNED_IN),
)
