"""Files in a request: multipart alone, read only when the Content-Type says so, within budgets of size and count."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from starlette.datastructures import UploadFile
from starlette.requests import Request

from dacheng.metadata.problem import refuse
from dacheng.runtime.services import attachments, files
from dacheng.runtime.services.attachments import Attachment
from dacheng.runtime.services.files import Upload
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.file_rows import FileRow
from dacheng.runtime.web.routing import host_of, in_thread, work_of

MULTIPART: Final = "multipart/form-data"
MOST_FIELDS: Final = 6_000  # five hundred lines of a dozen inputs, as without files
LONGEST_FIELD: Final = 1_048_576  # bytes: rich texts, and what a form held when it was opened


def is_multipart(request: Request) -> bool:
    """Whether the request says that its body is a multipart form."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == MULTIPART


@asynccontextmanager
async def multipart(
    request: Request, *, most_files: int, most_fields: int = MOST_FIELDS
) -> AsyncIterator[tuple[list[tuple[str, str]], list[tuple[str, UploadFile]]]]:
    """The text fields and the files of a multipart form, in order; any other body is refused unread.

    Large files lie in the system's temporary folder until the block ends.
    """
    if not is_multipart(request):
        found = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        raise refuse("web.media_type", found=found, wanted=MULTIPART)
    try:
        form = await request.form(max_files=most_files, max_fields=most_fields, max_part_size=LONGEST_FIELD)
    except OSError as error:
        raise refuse("file.no_room") from error
    try:
        texts = [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
        if any("\x00" in name or "\x00" in value for name, value in texts):
            raise refuse("web.not_understood")
        yield texts, [(n, each) for n, each in form.multi_items() if isinstance(each, UploadFile)]
    finally:
        await form.close()


async def take_in(request: Request, sent: UploadFile, source: str, work: Work | None = None) -> FileRow:
    """Keep one uploaded file for whoever sends it; `work` is the frame of another, such as a form's link."""
    upload = Upload(sent.file, sent.filename or "", source)
    return await in_thread(files.take_in, host_of(request), work or work_of(request), upload)


async def attach(request: Request, ref: str, ident: str, sent: UploadFile, source: str) -> Attachment:
    """Keep one uploaded file and put it at a record; whoever may not change that record sends nothing in."""
    host, work = host_of(request), work_of(request)
    await host.db.read(lambda reader: attachments.demand_may_change(reader, work, ref, ident))
    row = await take_in(request, sent, source)
    return await host.db.write(lambda tx: attachments.attach(tx, work, ref, ident, row))


def described(row: FileRow) -> Mapping[str, object]:
    """A file as the API tells of it; what a record of it holds is the same but for where it is from."""
    return {
        "id": row.id,
        "name": row.name,
        "type": row.type,
        "size": row.size,
        "source": row.source,
        "width": row.width,
        "height": row.height,
    }
