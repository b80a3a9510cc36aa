"""Claims to records that somebody else registered first: one row each, open until an arbiter has decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from dacheng.runtime.storage.reader import Prepared, Reader, Transaction
from dacheng.runtime.storage.system_tables import claim

_NAMES = (
    "id", "entity", "record", "match", "claimant", "said", "reason", "at",
    "decided_by", "decided_at", "accepted", "answer",
)  # fmt: skip
_PUT = ("id", "entity", "record", "match", "claimant", "said", "reason", "at")
_b = sa.bindparam
_ALL = sa.select(*(claim.c[name] for name in _NAMES))
_PUT_ONE = Prepared(claim.insert().values({name: _b(name) for name in _PUT}).inline())
_ONE = Prepared(_ALL.where(claim.c.id == _b("id")))
_OPEN = Prepared(
    _ALL.where(claim.c.decided_at.is_(None))
    .order_by(claim.c.at, claim.c.id)
    .limit(_b("limit", type_=sa.BigInteger()))
)
_DECIDED = Prepared(
    _ALL.where(claim.c.decided_at.is_not(None))
    .order_by(claim.c.decided_at.desc(), claim.c.id)
    .limit(_b("limit", type_=sa.BigInteger()))
)
_MINE = Prepared(
    _ALL.where(claim.c.claimant == _b("claimant"))
    .order_by(claim.c.at.desc(), claim.c.id)
    .limit(_b("limit", type_=sa.BigInteger()))
)
_HELD = Prepared(
    sa.select(claim.c.id).where(
        claim.c.record == _b("record"), claim.c.claimant == _b("claimant"), claim.c.decided_at.is_(None)
    )
)
_FORGET = Prepared(sa.delete(claim).where(claim.c.entity == _b("entity"), claim.c.record == _b("record")))


@dataclass(frozen=True, slots=True)
class ClaimRow:
    """One claim: `said` is what the claimant typed, `reason` why it is theirs; the rest once it is decided."""

    id: str
    entity: str
    record: str
    match: str
    claimant: str
    said: str
    reason: str
    at: int
    decided_by: str | None = None
    decided_at: int | None = None
    accepted: int | None = None
    answer: str | None = None


def put(tx: Transaction, row: ClaimRow) -> None:
    """Keep a claim."""
    tx.execute(_PUT_ONE, {name: getattr(row, name) for name in _PUT})


def one(reader: Reader, claim_id: str) -> ClaimRow | None:
    """A claim by its id."""
    return next(iter(_rows(reader.rows(_ONE, {"id": claim_id}))), None)


def open_ones(reader: Reader, limit: int) -> list[ClaimRow]:
    """What nobody has decided, the longest waiting first."""
    return _rows(reader.rows(_OPEN, {"limit": limit}))


def decided(reader: Reader, limit: int) -> list[ClaimRow]:
    """What was decided, the latest first."""
    return _rows(reader.rows(_DECIDED, {"limit": limit}))


def of(reader: Reader, claimant: str, limit: int) -> list[ClaimRow]:
    """What somebody claimed, the latest first."""
    return _rows(reader.rows(_MINE, {"claimant": claimant, "limit": limit}))


def is_open(reader: Reader, record: str, claimant: str) -> bool:
    """Whether somebody's claim to a record waits already."""
    return bool(reader.rows(_HELD, {"record": record, "claimant": claimant}))


def decide(tx: Transaction, claim_id: str, by: str, at: int, answer: str, *, accepted: bool) -> bool:
    """Close a claim; False when it was closed before."""
    open_one = sa.update(claim).where(claim.c.id == claim_id, claim.c.decided_at.is_(None))
    closed = open_one.values(decided_by=by, decided_at=at, accepted=int(accepted), answer=answer)
    return tx.execute(closed) > 0


def forget(tx: Transaction, entity: str, record: str) -> int:
    """Drop the claims to a record that leaves for good."""
    return tx.execute(_FORGET, {"entity": entity, "record": record})


def _rows(found: Sequence[Sequence[object]]) -> list[ClaimRow]:
    return [ClaimRow(*row) for row in found]  # type: ignore[arg-type]
