"""Numbers given to new records: a counter per field and frame, moved in the transaction that makes the records.

The counter's row stays locked until that transaction ends, so numbers are neither given twice nor left out: a
save that fails gives its number back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from dacheng.metadata.field_kinds.autonumber import AutonumberCodec
from dacheng.runtime.storage.reader import Prepared, Transaction
from dacheng.runtime.storage.system_tables import counter
from dacheng.runtime.storage.tables import EntityTable

_BATCH = 1000
_GIVEN: Mapping[str, Any] = {name: sa.bindparam(name) for name in ("entity", "field", "frame", "value")}


def _upsert(dialect: str, kind: str) -> Prepared:
    insert: Any = postgresql.insert(counter) if dialect != "sqlite" else sqlite.insert(counter)
    made = insert.values(_GIVEN)
    behind = counter.c.value + made.excluded.value
    highest = sa.case((counter.c.value > made.excluded.value, counter.c.value), else_=made.excluded.value)
    moved = made.on_conflict_do_update(
        index_elements=["entity", "field", "frame"], set_={"value": behind if kind == "take" else highest}
    )
    return Prepared(moved.returning(counter.c.value))


_MOVES = {(d, k): _upsert(d, k) for d in ("sqlite", "postgresql") for k in ("take", "reach")}


def assigned(made: EntityTable) -> Mapping[str, AutonumberCodec]:
    """The fields of an entity whose values the product gives."""
    found: dict[str, AutonumberCodec] | None = made.prepared.get("assigned")
    if found is None:
        fields = made.entity.fields.values()
        found = {each.id: each.codec for each in fields if isinstance(each.codec, AutonumberCodec)}
        made.prepared["assigned"] = found
    return found


def fill(
    tx: Transaction, made: EntityTable, name: str, brought: Sequence[str | None], now_ms: int, zone: tzinfo
) -> list[str]:
    """A number for each record: the one it brought along, else the next; counters go on behind what was brought."""
    codec = assigned(made)[name]
    frame = codec.frame(datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(zone).date())
    own = [each for each in brought if each is not None]
    reached: dict[str, int] = {}
    for text in own:
        at = codec.counted(text)
        if at is not None:
            reached[at[0]] = max(reached.get(at[0], 0), at[1])
    for each, count in sorted(reached.items()):
        _move(tx, made, name, each, count, "reach")
    missing = len(brought) - len(own)
    last = _move(tx, made, name, frame, missing, "take") if missing else 0
    following = iter(range(last - missing + 1, last + 1))
    return [codec.number(frame, next(following)) if each is None else each for each in brought]


def fill_each(
    tx: Transaction, made: EntityTable, name: str, records: Sequence[tuple[str | None, int]], zone: tzinfo
) -> list[str]:
    """The same for records made at moments of their own (ms), each in the period of its day; in their order."""
    found: list[str] = []
    days = [datetime.fromtimestamp(at / 1000, UTC).astimezone(zone).date() for _, at in records]
    for _, group in groupby(zip(records, days, strict=True), key=lambda each: each[1]):
        part = [record for record, _ in group]
        found += fill(tx, made, name, [brought for brought, _ in part], part[0][1], zone)
    return found


def _move(tx: Transaction, made: EntityTable, name: str, frame: str, by: int, kind: str) -> int:
    given = {"entity": made.entity.ref, "field": name, "frame": frame, "value": by}
    return int(tx.rows(_MOVES[tx.dialect, kind], given)[0][0])


def number_all(tx: Transaction, made: EntityTable, zone: tzinfo) -> int:
    """Give every record that has none its number, oldest first, each in the period it was made in; answers how many."""
    count = 0
    for name in assigned(made):
        column = made.columns[name][0]
        asked = sa.select(made.table.c.id, made.table.c.created_at).where(column.is_(None))
        asked = asked.order_by(made.table.c.created_at, made.table.c["_row"]).limit(_BATCH)
        write = Prepared(
            sa.update(made.table)
            .where(made.table.c.id == sa.bindparam("row_id"))
            .values({column.name: sa.bindparam("number")})
        )
        while rows := tx.rows(asked):
            given = [(key, fill(tx, made, name, [None], at, zone)[0]) for key, at in rows]
            tx.execute(write, [{"row_id": key, "number": number} for key, number in given])
            count += len(rows)
    return count
