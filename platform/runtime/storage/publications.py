"""Forms that are published to everybody who has their link, and what each visitor agreed to when sending one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from dacheng.runtime.storage.reader import Prepared, Reader, Transaction
from dacheng.runtime.storage.system_tables import publication, submission


@dataclass(frozen=True, slots=True)
class PublicationRow:
    """One published form; `terms` is JSON, `count` how often it was sent, `version` counts its changes.

    `token` is in its link; `seal` stays here and signs the moment a visitor opened it.
    """

    id: str
    token: str
    seal: str
    entity: str
    terms: Any
    enabled: bool
    count: int
    version: int


@dataclass(frozen=True, slots=True)
class SubmissionRow:
    """One form sent: the record it made, the tracked id, the consent as it was worded, and from where."""

    id: str
    publication: str
    record: str
    tracked: str
    consent: str
    address: str
    at: int


_b = sa.bindparam
_NAMES = ("id", "token", "seal", "entity", "terms", "enabled", "count", "version")
_SENT = ("id", "publication", "record", "tracked", "consent", "address", "at")
_COLUMNS = tuple(publication.c[name] for name in _NAMES)
_ALL = Prepared(sa.select(*_COLUMNS).order_by(publication.c.id))
_BY_ID = Prepared(sa.select(*_COLUMNS).where(publication.c.id == _b("id")))
_BY_TOKEN = Prepared(sa.select(*_COLUMNS).where(publication.c.token == _b("token")))
_ADD = Prepared(publication.insert().values({name: _b(name) for name in (*_NAMES, "changed_at")}).inline())
_CHANGE = Prepared(
    sa.update(publication)
    .where(publication.c.id == _b("the"), publication.c.version == _b("was"))
    .values({name: _b(name) for name in ("terms", "enabled", "version", "changed_at")})
)
_COUNT = Prepared(
    sa.update(publication)
    .where(publication.c.id == _b("the"))
    .values(count=publication.c.count + sa.literal_column("1"))
)
_NOTE = Prepared(submission.insert().values({name: _b(name) for name in _SENT}).inline())
_SUBMISSIONS = Prepared(
    sa.select(*(submission.c[name] for name in _SENT))
    .where(submission.c.publication == _b("publication"))
    .order_by(submission.c.id.desc())
    .limit(_b("limit", type_=sa.BigInteger()))
)


def listed(reader: Reader) -> list[PublicationRow]:
    """Every published form, the oldest first."""
    return [_row(row) for row in reader.rows(_ALL, {})]


def find(reader: Reader, ident: str) -> PublicationRow | None:
    """One by its id."""
    row = reader.row(_BY_ID, {"id": ident})
    return None if row is None else _row(row)


def by_token(reader: Reader, token: str) -> PublicationRow | None:
    """The one that a link leads to."""
    row = reader.row(_BY_TOKEN, {"token": token})
    return None if row is None else _row(row)


def add(tx: Transaction, row: PublicationRow, now: int) -> None:
    """Keep a new one."""
    tx.execute(
        _ADD,
        {
            **_values(row, now),
            "id": row.id,
            "token": row.token,
            "seal": row.seal,
            "entity": row.entity,
            "count": row.count,
        },
    )


def change(tx: Transaction, row: PublicationRow, was: int, now: int) -> bool:
    """Replace one that still has version `was`; says whether it had."""
    return tx.execute(_CHANGE, {**_values(row, now), "the": row.id, "was": was}) == 1


def note(tx: Transaction, sent: SubmissionRow) -> None:
    """Write down a form that was sent, and count it."""
    tx.execute(_COUNT, {"the": sent.publication})
    tx.execute(_NOTE, {name: getattr(sent, name) for name in _SENT})


def submissions(reader: Reader, ident: str, limit: int) -> list[SubmissionRow]:
    """What was sent through one form, the newest first."""
    return [SubmissionRow(*row) for row in reader.rows(_SUBMISSIONS, {"publication": ident, "limit": limit})]


def _values(row: PublicationRow, now: int) -> dict[str, Any]:
    return {
        "terms": orjson.dumps(row.terms).decode(),
        "enabled": int(row.enabled),
        "version": row.version,
        "changed_at": now,
    }


def _row(row: tuple[Any, ...]) -> PublicationRow:
    ident, token, seal, entity, terms, enabled, count, version = row
    return PublicationRow(ident, token, seal, entity, orjson.loads(terms), bool(enabled), count, version)
