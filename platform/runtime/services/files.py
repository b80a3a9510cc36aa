"""Files: taken in, held by records, given out. What a person may not read in a record they cannot read as a file.

For whoever builds on it:

- `take_in(site, work, Upload(content, name, source))` keeps an uploaded file and answers its `FileRow`; the
  uploader alone may read it until a record holds it. Give its id to a field of kind file, image, photo,
  signature or voice, with an ordinary write; the write checks and completes it (`check`). Or attach it to a
  record: `attachments.attach`.
- `may_read(reader, work, id)` answers the `FileRow` or refuses with `file.missing`, alike for what does not
  exist and for what is hidden. `content(site, row)` and `thumbnail(site, row)` are the paths of its bytes.
- `FileRow.type` is what the bytes were found to be; `is_picture(row)` says whether it may be shown in place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from dacheng.metadata.definition import Field
from dacheng.metadata.field_kinds.file import NAME_LENGTH, FileRef, FilesCodec
from dacheng.metadata.field_kinds.file_types import ENDINGS, RASTER, UNKNOWN
from dacheng.metadata.problem import Problem, problem, refuse
from dacheng.runtime.services import checkins, pictures, read_records
from dacheng.runtime.services.sessions import milliseconds
from dacheng.runtime.services.site import Site
from dacheng.runtime.services.sniffing import sniff
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage import attachments, file_rows, references
from dacheng.runtime.storage.attachments import AttachmentRow
from dacheng.runtime.storage.file_rows import FileRow
from dacheng.runtime.storage.file_store import FileStore
from dacheng.runtime.storage.reader import Reader

SOURCES: Final = ("upload", "camera", "microphone", "drawn", "typed")
MOST_WAITING: Final = 500  # of one person: uploaded, in no record yet
_BAD_IN_NAMES = re.compile(r"[\x00-\x1f\x7f<>\"/\\|?*:\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it came: its bytes (a stream that can be rewound), the name its sender gave it, where it is from."""

    content: IO[bytes]
    name: str
    source: str = "upload"


def take_in(site: Site, work: Work, upload: Upload) -> FileRow:
    """Keep a file: find out what it is, write pictures anew, store the bytes, then note the file."""
    if upload.source not in SOURCES:
        raise refuse("web.bad_parameter", name="source")
    name = clean_name(upload.name)
    if site.db.read_now(lambda reader: file_rows.waiting(reader, work.context.actor.id)) >= MOST_WAITING:
        raise refuse("file.too_many_waiting", limit=MOST_WAITING)
    upload.content.seek(0)
    if not upload.content.read(1):
        raise refuse("file.empty")
    kind, store = sniff(upload.content, name), FileStore(site.settings.data)
    content, picture = upload.content, None
    if kind in pictures.FORMATS:
        picture = pictures.rewritten(content, kind, name)
        content, kind = picture.content, picture.type
    small = store.put(picture.thumbnail)[0] if picture is not None else None
    digest, size = store.put(content)
    row = FileRow(
        id=work.context.new_id(),
        hash=digest,
        name=_named(name, kind),
        type=kind,
        size=size,
        width=picture.width if picture is not None else None,
        height=picture.height if picture is not None else None,
        thumbnail=small,
        source=upload.source,
        created_by=work.context.actor.id,
        created_at=milliseconds(work.context.now),
    )
    site.db.write_now(lambda tx: file_rows.add(tx, row))
    return row


def clean_name(given: str) -> str:
    """The last step of a name, without signs that lead elsewhere, hide its ending or break a header."""
    last = re.split(r"[/\\]", given)[-1]
    plain = _BAD_IN_NAMES.sub("_", last).strip(" .")
    if len(plain) <= NAME_LENGTH:
        return plain or "file"
    stem, dot, ending = plain.rpartition(".")
    return (
        f"{stem[: NAME_LENGTH - 1 - len(ending)]}.{ending}"
        if dot and len(ending) < 10
        else plain[:NAME_LENGTH]
    )


def _named(name: str, kind: str) -> str:
    """The name with the ending of what the file is; a picture that became another kind gets a new one."""
    ending = ENDINGS.get(kind, "")
    if (
        not ending
        or kind not in RASTER
        or name.lower().endswith((ending, ".jpeg") if ending == ".jpg" else ending)
    ):
        return name
    stem = name.rpartition(".")[0] or name
    return f"{stem[: NAME_LENGTH - len(ending)]}{ending}"


# ---------------------------------------------------------------- read
def may_read(reader: Reader, work: Work, file_id: str) -> FileRow:
    """The file, for who may read a record and a field that holds it; `file.missing` to everybody else."""
    return readable(reader, work, [file_id]).get(file_id) or _nothing()


def readable(reader: Reader, work: Work, ids: Sequence[str]) -> dict[str, FileRow]:
    """Those of these files that the asker may read: as whoever sees a record that holds it, or its uploader."""
    rows = file_rows.load(reader, list(dict.fromkeys(ids)))
    own = work.context.actor.id
    others = [ident for ident, row in rows.items() if row.created_by != own]
    held = references.holders(reader, others)
    attached = attachments.holders(reader, others)
    return {
        ident: row
        for ident, row in rows.items()
        if row.created_by == own
        or _seen(reader, work, held.get(ident, ()))
        or _attached(reader, work, attached.get(ident, ()))
    }


def _seen(reader: Reader, work: Work, holders: Sequence[references.Holder]) -> bool:
    """Whether one of the records that hold it may be read, in that field."""
    asked: dict[str, list[str]] = {}
    for each in holders:
        policy = work.policy.entity(each.entity)
        if policy is not None and each.field in policy.readable:
            asked.setdefault(each.entity, []).append(each.record)
    return any(read_records.visible(reader, work, ref, ids) for ref, ids in asked.items())


def _attached(reader: Reader, work: Work, rows: Sequence[AttachmentRow]) -> bool:
    """Whether one of the records that it is attached to may be read."""
    asked: dict[str, list[str]] = {}
    for each in rows:
        if work.policy.entity(each.entity) is not None:
            asked.setdefault(each.entity, []).append(each.record)
    return any(read_records.visible(reader, work, ref, ids) for ref, ids in asked.items())


def _nothing() -> FileRow:
    raise refuse("file.missing")


def content(site: Site, row: FileRow) -> Path:
    """Where its bytes are; a content that is gone is `file.lost`."""
    return _there(site, row, row.hash)


def thumbnail(site: Site, row: FileRow) -> Path:
    """Where its small picture is; only pictures have one."""
    return _there(site, row, row.thumbnail or "")


def _there(site: Site, row: FileRow, digest: str) -> Path:
    path = FileStore(site.settings.data).path(digest)
    if not path.is_file():
        raise refuse("file.lost", id=row.id)
    return path


def is_picture(row: FileRow) -> bool:
    """Whether the product wrote its pixels itself, so that a browser may show it in place."""
    return row.type in RASTER and row.thumbnail is not None


# ---------------------------------------------------------------- write
def check(
    reader: Reader,
    work: Work,
    fields: Mapping[str, Field],
    values: dict[str, Any],
    before: Mapping[str, Any],
    pointer: str = "",
) -> list[Problem]:
    """Problems of files newly put into a record; names, types and sizes in `values` become what they really are.

    A file may be put where its uploader, or whoever may read it elsewhere, puts it, and back where it was; the field
    says of which types and size it must be, and whether it must come from the camera.
    """
    problems: list[Problem] = []
    for name, each in fields.items():
        sent: tuple[FileRef, ...] = values.get(name) or ()
        if not sent:
            continue
        held = {one.id for one in before.get(name) or ()}
        rows = file_rows.load(reader, [one.id for one in sent])
        new = [one.id for one in sent if one.id not in held]
        again = work.context.cause.kind in checkins.AGAIN  # the values are the log's, not the asker's
        mine = file_rows.load(reader, new) if again else readable(reader, work, new)
        for index, one in enumerate(sent):
            row = rows.get(one.id) if one.id in held else mine.get(one.id)
            found = (
                problem("file.unknown") if row is None else _unfit(each, row) if one.id not in held else None
            )
            if found is not None:
                problems.append(
                    found.at(f"{pointer}/{name}" if len(sent) == 1 else f"{pointer}/{name}/{index}")
                )
        values[name] = tuple(_ref(rows[one.id]) for one in sent if one.id in rows)
    return problems


def _unfit(field: Field, row: FileRow) -> Problem | None:
    codec = field.codec
    assert isinstance(codec, FilesCodec)
    if codec.accepts and row.type not in codec.accepts:
        return problem("file.wrong_type", name=row.name)
    if row.size > codec.largest:
        return problem("file.too_large", name=row.name, limit=codec.largest)
    if codec.source and row.source != codec.source:
        return problem("file.not_from_camera")
    return None


def _ref(row: FileRow) -> FileRef:
    return FileRef(row.id, row.name, row.type or UNKNOWN, row.size)
