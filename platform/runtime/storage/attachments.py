"""Which files are attached to which records; one taken off stays noted, so that it can be put back and told of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import sqlalchemy as sa

from dacheng.runtime.storage import file_rows
from dacheng.runtime.storage.reader import Prepared, Reader, Row, Transaction
from dacheng.runtime.storage.system_tables import attachment

_AT_ONCE = 400
_b = sa.bindparam
_COLUMNS = (
    attachment.c.id, attachment.c.entity, attachment.c.record, attachment.c.file, attachment.c.added_by,
    attachment.c.added_at, attachment.c.removed_by, attachment.c.removed_at,
)  # fmt: skip
_HERE = sa.and_(attachment.c.record == _b("record"), attachment.c.entity == _b("entity"))
_BEFORE, _LIMIT = _b("before", type_=sa.BigInteger()), _b("limit", type_=sa.BigInteger())
_ONE = Prepared(sa.select(*_COLUMNS).where(attachment.c.id == _b("id")))
_LIVING = Prepared(
    sa.select(*_COLUMNS)
    .where(_HERE, attachment.c.removed_at.is_(None))
    .order_by(attachment.c.added_at.desc(), attachment.c.id.desc())
)
_ADDED = Prepared(
    sa.select(*_COLUMNS)
    .where(_HERE, attachment.c.added_at < _BEFORE)
    .order_by(attachment.c.added_at.desc(), attachment.c.id.desc())
    .limit(_LIMIT)
)
_REMOVED = Prepared(
    sa.select(*_COLUMNS)
    .where(_HERE, attachment.c.removed_at < _BEFORE)
    .order_by(attachment.c.removed_at.desc(), attachment.c.id.desc())
    .limit(_LIMIT)
)
_FORGET = Prepared(sa.delete(attachment).where(_HERE))


@dataclass(frozen=True, slots=True)
class AttachmentRow:
    """One file at one record; moments are ms since 1970 UTC, those of the removal None while it is there."""

    id: str
    entity: str
    record: str
    file: str
    added_by: str
    added_at: int
    removed_by: str | None = None
    removed_at: int | None = None


def put(tx: Transaction, row: AttachmentRow) -> bool:
    """Attach a file; false when the file itself is not there."""
    if not file_rows.mark_used(tx, [row.file]):
        return False
    tx.execute(sa.insert(attachment), asdict(row))
    return True


def mark(tx: Transaction, ident: str, removed_by: str | None, removed_at: int | None) -> None:
    """Note who took an attachment off and when; None puts it back."""
    changed = {"removed_by": removed_by, "removed_at": removed_at}
    tx.execute(sa.update(attachment).where(attachment.c.id == ident).values(changed))


def move(tx: Transaction, entity: str, ident: str, before: str, after: str) -> bool:
    """Put an attachment from one record to another; false when it is not at the first any more."""
    here = sa.and_(attachment.c.id == ident, attachment.c.entity == entity, attachment.c.record == before)
    return tx.execute(sa.update(attachment).where(here).values(record=after)) == 1


def forget(tx: Transaction, entity: str, record: str) -> int:
    """Forget every attachment of a record that leaves for good."""
    return tx.execute(_FORGET, {"entity": entity, "record": record})


def one(reader: Reader, ident: str) -> AttachmentRow | None:
    """An attachment, there or taken off."""
    row = reader.row(_ONE, {"id": ident})
    return None if row is None else AttachmentRow(*row)


def of_record(reader: Reader, entity: str, record: str) -> list[AttachmentRow]:
    """What is attached to a record, the latest first."""
    return _rows(reader.rows(_LIVING, {"entity": entity, "record": record}))


def added(reader: Reader, entity: str, record: str, before: int, limit: int) -> list[AttachmentRow]:
    """What was attached before a moment, the latest first; what was taken off since is among it."""
    return _rows(reader.rows(_ADDED, _asked(entity, record, before, limit)))


def removed(reader: Reader, entity: str, record: str, before: int, limit: int) -> list[AttachmentRow]:
    """What was taken off before a moment and is off still, the latest first."""
    return _rows(reader.rows(_REMOVED, _asked(entity, record, before, limit)))


def holders(reader: Reader, files: Sequence[str]) -> dict[str, list[AttachmentRow]]:
    """Where each of these files is attached now, at records alive or deleted."""
    found: dict[str, list[AttachmentRow]] = {}
    for start in range(0, len(files), _AT_ONCE):
        some = attachment.c.file.in_(files[start : start + _AT_ONCE])
        asked = sa.select(*_COLUMNS).where(some, attachment.c.removed_at.is_(None)).order_by(attachment.c.id)
        for row in _rows(reader.rows(asked)):
            found.setdefault(row.file, []).append(row)
    return found


def _asked(entity: str, record: str, before: int, limit: int) -> dict[str, object]:
    return {"entity": entity, "record": record, "before": before, "limit": limit}


def _rows(rows: Sequence[Row]) -> list[AttachmentRow]:
    return [AttachmentRow(*row) for row in rows]
