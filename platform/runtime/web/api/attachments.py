"""Files attached to a record, by program."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from dacheng.metadata.expression.moments import format_instant
from dacheng.metadata.problem import refuse
from dacheng.runtime.services import attachments
from dacheng.runtime.services.attachments import Attachment
from dacheng.runtime.web.api.files import FILE_SHAPE, PARTS, PER_MINUTE
from dacheng.runtime.web.api.operation import MOMENT, TEXT, Operation, items, shape
from dacheng.runtime.web.api.read import answer
from dacheng.runtime.web.api.requests import entity_ref, record_id
from dacheng.runtime.web.routing import SIGNED_IN, host_of, work_of
from dacheng.runtime.web.uploads import attach, described, multipart

ATTACHMENT: Final = shape(id=TEXT, file=FILE_SHAPE, author=TEXT, at=MOMENT)


async def list_attachments(request: Request) -> Response:
    """Files attached to a record, the latest first; the bytes of each are at `/files/{id}`."""
    work, ref, ident = work_of(request), entity_ref(request), record_id(request)
    found = await host_of(request).db.read(lambda reader: attachments.read(reader, work, ref, ident))
    return answer({"items": [attachment_json(each) for each in found]})


async def add_attachment(request: Request) -> Response:
    """Attach one file: a multipart form with the part `file`, and `source` for where it is from."""
    async with multipart(request, most_files=1, most_fields=1) as (texts, sent):
        given = dict(texts)
        if [name for name, _ in sent] != ["file"] or not given.keys() <= {"source"}:
            raise refuse("file.one_expected")
        source = given.get("source") or "upload"
        made = await attach(request, entity_ref(request), record_id(request), sent[0][1], source)
    return answer(attachment_json(made), 201)


async def remove_attachment(request: Request) -> Response:
    """Take an attachment off; it can be restored."""
    work, ref, ident = work_of(request), entity_ref(request), record_id(request)
    attachment = str(request.path_params["attachment"])
    await host_of(request).db.write(lambda tx: attachments.remove(tx, work, ref, ident, attachment))
    return Response(status_code=204)


async def restore_attachment(request: Request) -> Response:
    """Put an attachment back that was taken off."""
    work, ref, ident = work_of(request), entity_ref(request), record_id(request)
    attachment = str(request.path_params["attachment"])
    made = await host_of(request).db.write(lambda tx: attachments.restore(tx, work, ref, ident, attachment))
    return answer(attachment_json(made))


def attachment_json(each: Attachment) -> dict[str, Any]:
    """An attachment as the API tells of it."""
    return {
        "id": each.id,
        "file": described(each.file),
        "author": each.author,
        "at": format_instant(each.at),
    }


_ALL: Final = "/api/v1/apps/{app}/{entity}/{id}/attachments"
_ONE: Final = _ALL + "/{attachment}"
OPERATIONS: Final = (
    Operation("GET", _ALL, list_attachments, "list_attachments", items(ATTACHMENT), SIGNED_IN),
    Operation(
        "POST", _ALL, add_attachment, "add_attachment", ATTACHMENT, SIGNED_IN, status=201, parts=PARTS,
        per_minute=PER_MINUTE,
    ),
    Operation("DELETE", _ONE, remove_attachment, "remove_attachment", {}, SIGNED_IN, status=204),
    Operation("POST", _ONE + "/restore", restore_attachment, "restore_attachment", ATTACHMENT, SIGNED_IN),
)  # fmt: skip
