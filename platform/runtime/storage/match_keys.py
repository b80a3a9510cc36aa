"""What counts of each record for finding it again: kept in the transaction that writes the record.

A row is (match, key, value, record). Records in the recycle bin keep theirs; who asks looks at living ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import sqlalchemy as sa

from dacheng.metadata.definition import Match
from dacheng.metadata.matching import compared
from dacheng.runtime.storage.reader import Prepared, Reader, Transaction
from dacheng.runtime.storage.record_rows import Stored
from dacheng.runtime.storage.system_tables import match_key
from dacheng.runtime.storage.tables import EntityTable

FOUND = 50
_AT_ONCE = 400
_COLUMNS = ("match", "key", "value", "record")
_PUT = Prepared(match_key.insert().values({name: sa.bindparam(name) for name in _COLUMNS}).inline())
_DROP = Prepared(sa.delete(match_key).where(match_key.c.record == sa.bindparam("gone")))
_OF_MATCH = Prepared(sa.delete(match_key).where(match_key.c.match == sa.bindparam("gone")))


def hold(tx: Transaction) -> None:
    """Let nobody else enter keys until this transaction ends; to be asked before anything else is read.

    On PostgreSQL a lock of a table, unlike a query, does not fix what the transaction sees.
    """
    if tx.dialect != "sqlite":
        tx.command(f"LOCK TABLE {match_key.name} IN SHARE ROW EXCLUSIVE MODE")


def put(tx: Transaction, made: EntityTable, records: Sequence[tuple[str, Stored]]) -> None:
    """Enter new records: (id, stored values by field)."""
    rows = [row for key, stored in records for row in _rows(made, key, stored)] if made.matches else []
    if rows:
        tx.execute(_PUT, rows)


def change(tx: Transaction, made: EntityTable, key: str, stored: Stored) -> None:
    """Enter a record anew after a compared field changed; `stored` holds all its values."""
    tx.execute(_DROP, {"gone": key})
    put(tx, made, [(key, stored)])


def drop(tx: Transaction, made: EntityTable, ids: Sequence[str]) -> None:
    """Forget records that are purged."""
    if made.matches:
        tx.execute(_DROP, [{"gone": key} for key in ids])


def forget(tx: Transaction, match: str) -> None:
    """Forget all that was kept for a match."""
    tx.execute(_OF_MATCH, {"gone": match})


def fields_of(made: EntityTable) -> frozenset[str]:
    """The fields whose change makes a record's keys other ones."""
    return frozenset(key.field for match in made.matches for key in match.keys)


def find(reader: Reader, match: Match, values: Mapping[str, str]) -> list[tuple[str, str]]:
    """(key id, record id) of records with an equal value under a key, at most 50 a key, the oldest first."""
    found: list[tuple[str, str]] = []
    for key, value in values.items():
        asked = sa.select(match_key.c.record).where(
            match_key.c.match == match.ref, match_key.c.key == key, match_key.c.value == value
        )
        rows = reader.rows(asked.order_by(match_key.c.record).limit(FOUND)) if value else []
        found += [(key, row[0]) for row in rows]
    return found


def wrong(reader: Reader, made: EntityTable, records: Sequence[tuple[str, Stored]]) -> list[str]:
    """Those of these records whose keys are not what their values give."""
    due: dict[str, set[tuple[str, str, str]]] = {key: set() for key, _ in records}
    held: dict[str, set[tuple[str, str, str]]] = {key: set() for key, _ in records}
    for key, stored in records:
        due[key].update((row["match"], row["key"], row["value"]) for row in _rows(made, key, stored))
    matches = [each.ref for each in made.matches]
    columns = (match_key.c.record, match_key.c.match, match_key.c.key, match_key.c.value)
    for start in range(0, len(records), _AT_ONCE):
        some = [key for key, _ in records[start : start + _AT_ONCE]]
        asked = sa.select(*columns).where(match_key.c.record.in_(some), match_key.c.match.in_(matches))
        for record, match, name, value in reader.rows(asked):
            held[record].add((match, name, value))
    return [key for key, _ in records if due[key] != held[key]]


def _rows(made: EntityTable, record: str, stored: Stored) -> Iterator[dict[str, str]]:
    fields = made.entity.fields
    for match in made.matches:
        for key in match.keys:
            values = stored.get(key.field)
            if values is None or values[0] is None:
                continue
            codec = fields[key.field].codec
            value = compared(key.compare, codec.text(codec.load(values)))
            if value:
                yield {"match": match.ref, "key": key.id, "value": value, "record": record}
