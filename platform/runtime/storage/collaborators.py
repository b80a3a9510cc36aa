"""Who works on a record besides those its row rules let in; part of those rules as one question by person."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from dacheng.runtime.storage.reader import Prepared, Reader, Transaction
from dacheng.runtime.storage.system_tables import collaborator

READ, WRITE = "read", "write"
_b = sa.bindparam
_HERE = sa.and_(collaborator.c.entity == _b("entity"), collaborator.c.record == _b("record"))
_OF_RECORD = Prepared(
    sa.select(collaborator.c.user, collaborator.c.right, collaborator.c.given_by, collaborator.c.given_at)
    .where(_HERE)
    .order_by(collaborator.c.given_at, collaborator.c.user)
)
_SHARED = Prepared(
    sa.select(collaborator.c.right, collaborator.c.entity).distinct().where(collaborator.c.user == _b("user"))
)
_FORGET = Prepared(sa.delete(collaborator).where(_HERE))


@dataclass(frozen=True, slots=True)
class CollaboratorRow:
    """One person on one record; `right` is read or write."""

    user: str
    right: str
    given_by: str
    given_at: int


def of_record(reader: Reader, entity: str, record: str) -> list[CollaboratorRow]:
    """Everybody on a record, the first first."""
    asked = {"entity": entity, "record": record}
    return [CollaboratorRow(*row) for row in reader.rows(_OF_RECORD, asked)]


def shared_with(reader: Reader, user: str) -> frozenset[str]:
    """`right:entity` for everything that is shared with somebody."""
    return frozenset(f"{right}:{entity}" for right, entity in reader.rows(_SHARED, {"user": user}))


def put(tx: Transaction, entity: str, record: str, row: CollaboratorRow) -> None:
    """Add somebody, or change their right."""
    remove(tx, entity, record, row.user)
    tx.execute(
        collaborator.insert().values(
            entity=entity, record=record, user=row.user, right=row.right, given_by=row.given_by,
            given_at=row.given_at,
        )
    )  # fmt: skip


def remove(tx: Transaction, entity: str, record: str, user: str) -> int:
    """Take somebody off a record; answers 0 when they were not on it."""
    here = sa.and_(
        collaborator.c.entity == entity, collaborator.c.record == record, collaborator.c.user == user
    )
    return tx.execute(sa.delete(collaborator).where(here))


def forget(tx: Transaction, entity: str, record: str) -> int:
    """Take everybody off a record that leaves for good."""
    return tx.execute(_FORGET, {"entity": entity, "record": record})
