"""Comments on records: who may read a record reads them, so they lie beside the records and not among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson
import sqlalchemy as sa

from dacheng.runtime.storage.reader import Prepared, Reader, Row, Transaction
from dacheng.runtime.storage.system_tables import comment

_COLUMNS = ("id", "entity", "record", "author", "body", "mentions", "at", "edited_at", "deleted_at")
_b = sa.bindparam
_INSERT = Prepared(comment.insert().values({name: _b(name) for name in _COLUMNS}).inline())
_SELECT = sa.select(*[comment.c[name] for name in _COLUMNS])
_ONE = Prepared(_SELECT.where(comment.c.id == _b("id"), comment.c.deleted_at.is_(None)))
_OF_RECORD = Prepared(
    _SELECT.where(
        comment.c.record == _b("record"),
        comment.c.entity == _b("entity"),
        comment.c.at < _b("before", type_=sa.BigInteger()),
        comment.c.deleted_at.is_(None),
    )
    .order_by(comment.c.at.desc(), comment.c.id.desc())
    .limit(_b("limit", type_=sa.BigInteger()))
)
_FORGET = Prepared(
    sa.delete(comment).where(comment.c.record == _b("record"), comment.c.entity == _b("entity"))
)

_IDS = Prepared(
    sa.select(comment.c.id)
    .where(comment.c.record == _b("record"), comment.c.entity == _b("entity"))
    .order_by(comment.c.at, comment.c.id)
)


@dataclass(frozen=True, slots=True)
class CommentRow:
    """One comment; `mentions` are ids of people, moments are ms since 1970 UTC."""

    id: str
    entity: str
    record: str
    author: str
    body: str
    mentions: tuple[str, ...]
    at: int
    edited_at: int | None = None


def put(tx: Transaction, row: CommentRow) -> None:
    """Add a comment."""
    values = {name: getattr(row, name, None) for name in _COLUMNS}
    tx.execute(_INSERT, {**values, "mentions": _packed(row.mentions)})


def change(tx: Transaction, row: CommentRow) -> None:
    """Store a comment's new text, its mentions and when it was edited."""
    values = {"body": row.body, "mentions": _packed(row.mentions), "edited_at": row.edited_at}
    tx.execute(sa.update(comment).where(comment.c.id == row.id).values(values))


def remove(tx: Transaction, comment_id: str, now: int) -> None:
    """Take a comment out of sight."""
    tx.execute(sa.update(comment).where(comment.c.id == comment_id).values(deleted_at=now))


def ids_of(reader: Reader, entity: str, record: str) -> list[str]:
    """Every comment ever written at a record, those taken away too."""
    return [row[0] for row in reader.rows(_IDS, {"entity": entity, "record": record})]


def move(tx: Transaction, entity: str, ident: str, before: str, after: str) -> bool:
    """Put a comment from one record to another; false when it is not at the first any more."""
    here = sa.and_(comment.c.id == ident, comment.c.entity == entity, comment.c.record == before)
    return tx.execute(sa.update(comment).where(here).values(record=after)) == 1


def forget(tx: Transaction, entity: str, record: str) -> int:
    """Erase every comment of a record that leaves for good."""
    return tx.execute(_FORGET, {"entity": entity, "record": record})


def one(reader: Reader, comment_id: str) -> CommentRow | None:
    """A comment that is still there."""
    row = reader.row(_ONE, {"id": comment_id})
    return None if row is None else _row(row)


def of_record(reader: Reader, entity: str, record: str, before: int, limit: int) -> list[CommentRow]:
    """A record's comments from before a moment (ms), the latest first."""
    asked = {"entity": entity, "record": record, "before": before, "limit": limit}
    return [_row(row) for row in reader.rows(_OF_RECORD, asked)]


def _packed(mentions: Sequence[str]) -> str:
    return orjson.dumps(list(mentions)).decode()


def _row(row: Row) -> CommentRow:
    ident, entity, record, author, body, mentions, at, edited_at, _ = row
    return CommentRow(ident, entity, record, author, body, tuple(orjson.loads(mentions)), at, edited_at)
