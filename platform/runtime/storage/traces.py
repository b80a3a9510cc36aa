"""Rule traces: for every record a rule looked at, what it saw and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from dacheng.runtime.storage.reader import Prepared, Reader, Row, Transaction
from dacheng.runtime.storage.system_tables import trace

_COLUMNS = ("entity", "record", "rule", "outcome", "body", "cause_id", "at")
_INSERT = Prepared(trace.insert().values({name: sa.bindparam(name) for name in _COLUMNS}).inline())
_SELECT = sa.select(trace.c.seq, *[trace.c[name] for name in _COLUMNS])
_OF_RECORD = Prepared(
    _SELECT.where(trace.c.record == sa.bindparam("record"), trace.c.entity == sa.bindparam("entity"))
    .order_by(trace.c.seq.desc())
    .limit(sa.bindparam("limit", type_=sa.BigInteger()))
)
_BEFORE = Prepared(
    _SELECT.where(
        trace.c.record == sa.bindparam("record"),
        trace.c.entity == sa.bindparam("entity"),
        trace.c.at < sa.bindparam("before", type_=sa.BigInteger()),
    )
    .order_by(trace.c.at.desc(), trace.c.seq.desc())
    .limit(sa.bindparam("limit", type_=sa.BigInteger()))
)
_FORGET = Prepared(sa.delete(trace).where(trace.c.at < sa.bindparam("before", type_=sa.BigInteger())))


@dataclass(frozen=True, slots=True)
class TraceRow:
    """One look of one rule at one record; `body` is the condition tree with its values, as JSON."""

    seq: int
    entity: str
    record: str
    rule: str
    outcome: str
    body: Any
    cause_id: str
    at: int


def put(
    tx: Transaction, traces: Sequence[tuple[str, str, str, str, Any]], now: int, cause_id: str = ""
) -> None:
    """Keep traces: (entity, record, rule, outcome, body)."""
    rows = [
        {
            "entity": entity,
            "record": record,
            "rule": rule,
            "outcome": outcome,
            "body": body if isinstance(body, str) else orjson.dumps(body, default=str).decode(),
            "cause_id": cause_id,
            "at": now,
        }
        for entity, record, rule, outcome, body in traces
    ]
    tx.execute(_INSERT, rows)


def of_record(reader: Reader, entity: str, record: str, limit: int = 50) -> list[TraceRow]:
    """What rules did about a record, the latest first."""
    return [
        _row(row) for row in reader.rows(_OF_RECORD, {"entity": entity, "record": record, "limit": limit})
    ]


def before(reader: Reader, entity: str, record: str, moment: int, limit: int) -> list[TraceRow]:
    """What rules did about a record before a moment (ms), the latest first."""
    asked = {"entity": entity, "record": record, "before": moment, "limit": limit}
    return [_row(row) for row in reader.rows(_BEFORE, asked)]


def forget(tx: Transaction, before: int) -> int:
    """Drop traces older than a moment (ms); answers how many."""
    return tx.execute(_FORGET, {"before": before})


def _row(row: Row) -> TraceRow:
    seq, entity, record, rule, outcome, body, cause_id, at = row
    return TraceRow(seq, entity, record, rule, outcome, orjson.loads(body), cause_id, at)
