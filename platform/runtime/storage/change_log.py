"""The change log: one append-only row per changed record, from the first day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

import orjson
import sqlalchemy as sa

from dacheng.metadata.field_kinds.datetime import TYPED_ZONE
from dacheng.runtime.storage.births import Births, births
from dacheng.runtime.storage.reader import Insertion, Prepared, Reader, Row, Transaction
from dacheng.runtime.storage.system_tables import NO_CAUSE, change_log

COLUMNS = (
    "entity",
    "record",
    "parent",
    "action",
    "changes",
    "actor",
    "cause_kind",
    "cause_id",
    "cause",
    "at",
)
_INSERT = Prepared(sa.insert(change_log).values({name: sa.bindparam(name) for name in COLUMNS}).inline())
_CREATED = Insertion(
    change_log.name, ("entity", "record", "action", "actor", "cause_kind", "cause_id", "cause", "at")
)
_SELECT = sa.select(change_log.c.seq, *[change_log.c[name] for name in COLUMNS])
NOW = 2**63 - 1  # behind every entry
_BEFORE = sa.bindparam("before", type_=sa.BigInteger())
_OF_RECORD = Prepared(
    _SELECT.where(
        change_log.c.record == sa.bindparam("record"),
        change_log.c.entity == sa.bindparam("entity"),
        change_log.c.seq < _BEFORE,
    )
    .order_by(change_log.c.seq.desc())
    .limit(sa.bindparam("limit"))
)
_OF_LINES = Prepared(
    _SELECT.where(change_log.c.parent == sa.bindparam("record"), change_log.c.seq < _BEFORE)
    .order_by(change_log.c.seq.desc())
    .limit(sa.bindparam("limit"))
)
_OF_MOMENT = {
    name: Prepared(
        _SELECT.where(here, change_log.c.at < sa.bindparam("before", type_=sa.BigInteger()))
        .order_by(change_log.c.at.desc(), change_log.c.seq.desc())
        .limit(sa.bindparam("limit", type_=sa.BigInteger()))
    )
    for name, here in (
        (
            "own",
            sa.and_(
                change_log.c.record == sa.bindparam("record"), change_log.c.entity == sa.bindparam("entity")
            ),
        ),
        ("lines", change_log.c.parent == sa.bindparam("record")),
    )
}
_OF_CAUSE = Prepared(
    _SELECT.where(
        change_log.c.cause_id == sa.bindparam("cause"),
        change_log.c.cause_id != NO_CAUSE,
        change_log.c.seq > sa.bindparam("after"),
    )
    .order_by(change_log.c.seq)
    .limit(sa.bindparam("limit"))
)


@dataclass(frozen=True, slots=True)
class Stamp:
    """Who changes something, when and why; everything done for one reason shares `cause_id`."""

    actor_id: str
    now_ms: int
    cause_kind: str = "user"
    cause_id: str = ""
    person: str = ""
    chain: tuple[str, ...] = ()
    zone: tzinfo = TYPED_ZONE  # of the days that numbers speak of


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One entry: `changes` maps a field to [before, after] in JSON values; none of fields made later (`births`).

    A create carries none (history runs backwards from the live row); delete and purge carry the whole
    record as [before, null]; `parent` is the record whose line changed.
    """

    seq: int
    entity: str
    record: str
    parent: str | None
    action: str
    changes: Mapping[str, Sequence[Any]]
    actor: str
    cause_kind: str
    cause_id: str
    person: str
    chain: tuple[str, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One change to be logged; `stamp` where it is not that of the others."""

    entity: str
    record: str
    action: str
    changes: Mapping[str, Sequence[Any]] | None = None
    parent: str | None = None
    stamp: Stamp | None = None


def append(tx: Transaction, entries: Sequence[Entry], stamp: Stamp) -> None:
    """Add entries, in order, under their own stamp or the one given."""
    cause = _cause(stamp)
    rows = [
        _row(entry, stamp, cause) if entry.stamp is None else _row(entry, entry.stamp, _cause(entry.stamp))
        for entry in entries
    ]
    if len(rows) == 1:
        tx.execute(_INSERT, rows[0])
    else:
        tx.execute(_INSERT, rows)


def _row(entry: Entry, stamp: Stamp, cause: str | None) -> dict[str, Any]:
    return {
        "entity": entry.entity,
        "record": entry.record,
        "parent": entry.parent,
        "action": entry.action,
        "changes": orjson.dumps(entry.changes).decode() if entry.changes else None,
        "actor": stamp.actor_id,
        "cause_kind": stamp.cause_kind,
        "cause_id": stamp.cause_id,
        "cause": cause,
        "at": stamp.now_ms,
    }


def append_created(tx: Transaction, entity: str, records: Sequence[str], stamp: Stamp) -> None:
    """Add the entries of many new records, which all say the same but for the record."""
    who = (stamp.actor_id, stamp.cause_kind, stamp.cause_id, _cause(stamp), stamp.now_ms)
    tx.insert_many(_CREATED, ((entity, record, "create", *who) for record in records))


def _cause(stamp: Stamp) -> str | None:
    if not stamp.person and not stamp.chain:
        return None
    return orjson.dumps({"person": stamp.person, "chain": stamp.chain}).decode()


def read(reader: Reader, entity: str, record: str, limit: int = 500, before: int = NOW) -> list[ChangeRow]:
    """A record's own entries older than `before`, the latest first."""
    given = {"entity": entity, "record": record, "limit": limit, "before": before}
    return _living(reader, reader.rows(_OF_RECORD, given))


def read_lines(reader: Reader, parent: str, limit: int = 500, before: int = NOW) -> list[ChangeRow]:
    """The entries of a record's lines older than `before`, the latest first."""
    given = {"record": parent, "limit": limit, "before": before}
    return _living(reader, reader.rows(_OF_LINES, given))


def read_before(
    reader: Reader, entity: str, record: str, before: int, limit: int, *, lines: bool = False
) -> list[ChangeRow]:
    """Entries of a record, or of its lines, from before a moment (ms), the latest first."""
    asked: dict[str, Any] = {"record": record, "before": before, "limit": limit}
    if not lines:
        asked["entity"] = entity
    found = reader.rows(_OF_MOMENT["lines" if lines else "own"], asked)
    return _living(reader, found)


def read_cause(reader: Reader, cause_id: str, after: int = 0, limit: int = 1000) -> list[ChangeRow]:
    """Everything done for one reason, in order, from behind `after`."""
    found = reader.rows(_OF_CAUSE, {"cause": cause_id, "after": after, "limit": limit})
    return _living(reader, found)


def _living(reader: Reader, rows: Sequence[Row]) -> list[ChangeRow]:
    """The entries without values of fields that were dropped since, whether or not one of that name came back."""
    marks = births(reader, {row[1] for row in rows})
    return [_change_row(row, marks) for row in rows]


def _change_row(row: Row, marks: Births) -> ChangeRow:
    seq, entity, record, parent, action, changes, actor, kind, cause_id, cause, at = row
    more = orjson.loads(cause) if cause else {}
    known: dict[str, Any] = orjson.loads(changes) if changes else {}
    since = marks.get((entity, ""), 0)
    if marks:
        known = {name: pair for name, pair in known.items() if seq > max(since, marks.get((entity, name), 0))}
    return ChangeRow(
        seq,
        entity,
        record,
        parent,
        action,
        known,
        actor,
        kind,
        cause_id,
        more.get("person", ""),
        tuple(more.get("chain", ())),
        at,
    )
