"""The answer to a request that carried a key, kept for a day, so that sending it again does nothing twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from dacheng.runtime.storage.failures import Again, is_unique
from dacheng.runtime.storage.reader import Prepared, Reader, Transaction
from dacheng.runtime.storage.system_tables import idempotency

KEPT_MS = 24 * 3600 * 1000
_b = sa.bindparam
_FIND = Prepared(
    sa.select(idempotency.c.fingerprint, idempotency.c.answer).where(
        idempotency.c.actor == _b("actor"), idempotency.c.key == _b("key")
    )
)
_PUT = Prepared(
    idempotency.insert()
    .values({name: _b(name) for name in ("actor", "key", "fingerprint", "answer", "at")})
    .inline()
)
_OLD = Prepared(
    sa.select(idempotency.c.at).where(idempotency.c.at < _b("before", type_=sa.BigInteger())).limit(1)
)
_FORGET = Prepared(sa.delete(idempotency).where(idempotency.c.at < _b("before", type_=sa.BigInteger())))


@dataclass(frozen=True, slots=True)
class Answered:
    """What was asked (as a hash) and what was answered (JSON)."""

    fingerprint: str
    answer: Any


def find(reader: Reader, actor: str, key: str) -> Answered | None:
    """The answer this actor got for this key."""
    row = reader.row(_FIND, {"actor": actor, "key": key})
    return None if row is None else Answered(row[0], orjson.loads(row[1]))


def put(tx: Transaction, actor: str, key: str, fingerprint: str, answer: Any, now: int) -> None:
    """Keep an answer in the transaction that earned it; what is older than a day is swept out."""
    if tx.row(_OLD, {"before": now - KEPT_MS}) is not None:
        tx.execute(_FORGET, {"before": now - KEPT_MS})
    given = {"actor": actor, "key": key, "fingerprint": fingerprint, "at": now}
    try:
        tx.execute(_PUT, {**given, "answer": orjson.dumps(answer, default=str).decode()})
    except Exception as error:
        if is_unique(error):
            raise Again from error
        raise
