"""Files attached to a record: seen by who may read it, added and taken off by who may change it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dacheng.metadata.problem import refuse
from dacheng.plugins.context import User
from dacheng.runtime.services import comments, read_records
from dacheng.runtime.services.directory import USER
from dacheng.runtime.services.save_plan import stamp_of
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage import attachments, change_log, file_rows, versions
from dacheng.runtime.storage.attachments import AttachmentRow
from dacheng.runtime.storage.change_log import Entry
from dacheng.runtime.storage.file_rows import FileRow
from dacheng.runtime.storage.reader import Reader, Transaction

MOST = 500
LOGGED_AS = "_attachment"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file at a record as its reader sees it: names of people they may not know are empty.

    `removed_at` and `remover` are those of its removal; only a timeline shows such.
    """

    id: str
    file: FileRow
    author: str
    at: int
    remover: str = ""
    removed_at: int | None = None


def read(reader: Reader, work: Work, ref: str, record_id: str) -> tuple[Attachment, ...]:
    """What is attached to a record that may be seen, the latest first."""
    comments.demand_visible(reader, work, ref, record_id)
    return shown(reader, work, attachments.of_record(reader, ref, record_id))


def shown(reader: Reader, work: Work, rows: Sequence[AttachmentRow]) -> tuple[Attachment, ...]:
    """Stored attachments as the asker sees them; the record's visibility has been looked at before."""
    people = {each for row in rows for each in (row.added_by, row.removed_by or "") if each}
    names = read_records.titles(reader, work, USER, sorted(people))
    known = file_rows.load(reader, list(dict.fromkeys(row.file for row in rows)))
    return tuple(
        Attachment(
            row.id,
            known[row.file],
            names.get(row.added_by, ""),
            row.added_at,
            names.get(row.removed_by or "", ""),
            row.removed_at,
        )
        for row in rows
        if row.file in known
    )


def demand_may_change(reader: Reader, work: Work, ref: str, record_id: str) -> None:
    """Refuse what does not exist or may not be seen as missing, and what may not be changed as not permitted."""
    comments.demand_visible(reader, work, ref, record_id)
    may = read_records.get(reader, work, ref, record_id).may
    if "update" not in may or not isinstance(work.context.actor, User):
        raise refuse("access.not_permitted")


def attach(tx: Transaction, work: Work, ref: str, record_id: str, file: FileRow) -> Attachment:
    """Put a file that was just taken in at a record."""
    versions.demand(tx, work.model.versions)
    demand_may_change(tx, work, ref, record_id)
    if len(attachments.of_record(tx, ref, record_id)) >= MOST:
        raise refuse("attachment.too_many", limit=MOST)
    stamp = stamp_of(work)
    row = AttachmentRow(work.context.new_id(), ref, record_id, file.id, stamp.actor_id, stamp.now_ms)
    if file.created_by != work.context.actor.id or not attachments.put(tx, row):
        raise refuse("file.unknown")
    _log(tx, work, row, file, "create")
    return shown(tx, work, [row])[0]


def remove(tx: Transaction, work: Work, ref: str, record_id: str, ident: str) -> FileRow:
    """Take an attachment off; it can be put back."""
    row, file = _there(tx, work, ref, record_id, ident, removed=False)
    stamp = stamp_of(work)
    attachments.mark(tx, ident, stamp.actor_id, stamp.now_ms)
    _log(tx, work, row, file, "delete")
    return file


def restore(tx: Transaction, work: Work, ref: str, record_id: str, ident: str) -> Attachment:
    """Put back what was taken off."""
    row, file = _there(tx, work, ref, record_id, ident, removed=True)
    if len(attachments.of_record(tx, ref, record_id)) >= MOST:
        raise refuse("attachment.too_many", limit=MOST)
    attachments.mark(tx, ident, None, None)
    _log(tx, work, row, file, "restore")
    return Attachment(row.id, file, "", row.added_at)


def move_all(tx: Transaction, work: Work, ref: str, before: str, after: str) -> int:
    """Put everything attached to one record to another; under the cause of `work`, by which it is found again."""
    rows = attachments.of_record(tx, ref, before)
    for row in rows:
        attachments.move(tx, ref, row.id, before, after)
        change_log.append(
            tx, [Entry(LOGGED_AS, row.id, "update", {"record": [before, after]}, after)], stamp_of(work)
        )
    return len(rows)


def move_back(tx: Transaction, work: Work, ref: str, moved: Sequence[change_log.ChangeRow]) -> int:
    """Take moves back, given as the log has them; what stands elsewhere by now stays there."""
    count = 0
    for each in moved:
        before, after = each.changes["record"]
        if attachments.move(tx, ref, each.record, after, before):
            entry = Entry(LOGGED_AS, each.record, "update", {"record": [after, before]}, before)
            change_log.append(tx, [entry], stamp_of(work))
            count += 1
    return count


def _there(
    tx: Transaction, work: Work, ref: str, record_id: str, ident: str, *, removed: bool
) -> tuple[AttachmentRow, FileRow]:
    """The attachment, when it stands at this record (or was taken off it) and the record may be changed."""
    versions.demand(tx, work.model.versions)
    demand_may_change(tx, work, ref, record_id)
    row = attachments.one(tx, ident)
    file = file_rows.load(tx, [row.file]).get(row.file) if row is not None else None
    if row is None or file is None or (row.entity, row.record) != (ref, record_id):
        raise refuse("attachment.missing")
    if (row.removed_at is not None) != removed:
        raise refuse("attachment.missing")
    return row, file


def _log(tx: Transaction, work: Work, row: AttachmentRow, file: FileRow, action: str) -> None:
    names: dict[str, list[str | None]] = {
        "name": [file.name, None] if action == "delete" else [None, file.name]
    }
    change_log.append(tx, [Entry(LOGGED_AS, row.id, action, names, row.record)], stamp_of(work))
