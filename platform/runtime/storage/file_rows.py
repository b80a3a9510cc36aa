"""What is known of each uploaded file: one row, never changed; its bytes lie on disk under their hash."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import sqlalchemy as sa

from dacheng.runtime.storage.reader import Prepared, Reader, Transaction
from dacheng.runtime.storage.system_tables import file

_AT_ONCE = 400
_KNOWN = tuple(column for column in file.c if column.name != "used")
_use = Prepared(sa.update(file).where(file.c.id == sa.bindparam("key")).values(used=1))


@dataclass(frozen=True, slots=True)
class FileRow:
    """One file: `hash` is the SHA-256 of its bytes, `type` what they were found to be, `source` where from.

    `thumbnail` is the hash of a small picture of it; `source` is `upload`, `camera`, `microphone`, `drawn`
    or `typed`; `created_at` is milliseconds since 1970 UTC.
    """

    id: str
    hash: str
    name: str
    type: str
    size: int
    width: int | None
    height: int | None
    thumbnail: str | None
    source: str
    created_by: str
    created_at: int


def add(tx: Transaction, row: FileRow) -> None:
    """Note a new file; its bytes are on disk already."""
    tx.execute(sa.insert(file), asdict(row))


def load(reader: Reader, ids: Sequence[str]) -> dict[str, FileRow]:
    """Files by id; unknown ids are left out."""
    found: dict[str, FileRow] = {}
    for start in range(0, len(ids), _AT_ONCE):
        for row in reader.rows(sa.select(*_KNOWN).where(file.c.id.in_(ids[start : start + _AT_ONCE]))):
            found[row[0]] = FileRow(*row)
    return found


def waiting(reader: Reader, actor: str) -> int:
    """How many files of one uploader no record holds yet."""
    own = sa.and_(file.c.created_by == actor, file.c.used == 0)
    return int(reader.scalar(sa.select(sa.func.count()).select_from(file).where(own)))


def sent_since(reader: Reader, actor: str, since_ms: int) -> int:
    """The bytes that one uploader has sent since a moment, held by a record or not."""
    own = sa.and_(file.c.created_by == actor, file.c.created_at >= since_ms)
    return int(reader.scalar(sa.select(sa.func.coalesce(sa.func.sum(file.c.size), 0)).where(own)))


def hashes(reader: Reader) -> dict[str, str]:
    """Hash → id of a file that needs it, thumbnails too."""
    found: dict[str, str] = {}
    for ident, own, thumbnail in reader.rows(sa.select(file.c.id, file.c.hash, file.c.thumbnail)):
        found.update({each: ident for each in (own, thumbnail) if each is not None})
    return found


def mark_used(tx: Transaction, ids: Sequence[str]) -> bool:
    """Note that records hold these from now on, so that no sweep takes them; false when one is not there."""
    return all(tx.execute(_use, {"key": each}) == 1 for each in ids)


def drop_unused(tx: Transaction, before_ms: int) -> int:
    """Forget files uploaded before a moment that no record ever came to hold; answers how many."""
    return tx.execute(sa.delete(file).where(file.c.created_at < before_ms, file.c.used == 0))
