"""Fields of links: a join table each, with foreign keys to both sides, kept in the transaction that writes the record.

The record's own column holds the ids in their order; the join table holds the same pairs, so that the
database refuses an id that leads nowhere and finds who holds a record from the other end. Deleted records keep
their pairs until they are purged, so that a restored one is whole again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from dacheng.metadata.field_kinds.text_list import items_of, written
from dacheng.metadata.problem import refuse
from dacheng.runtime.storage.failures import is_foreign_key
from dacheng.runtime.storage.reader import Reader, Transaction
from dacheng.runtime.storage.record_rows import AT_ONCE
from dacheng.runtime.storage.tables import ROW, EntityTable, Tables

Pair = tuple[str, str]


@dataclass(slots=True)
class Pairs:
    """What records of one transaction hold now, written when every record that may be linked to is there."""

    noted: dict[tuple[str, str, str], tuple[EntityTable, str | None]] = field(default_factory=dict)

    def note(self, made: EntityTable, record: str, stored: Mapping[str, Any]) -> None:
        """A record holds these values now; fields that are not among them stay as they are."""
        for name in made.joins:
            if name in stored:
                self.noted[made.entity.ref, name, record] = (made, stored[name][0])

    def write(self, tx: Transaction) -> None:
        """Bring the join tables up to it; refuses an id that leads nowhere with `record.link_missing`."""
        by_field: dict[tuple[str, str], list[tuple[str, str | None]]] = {}
        tables: dict[str, EntityTable] = {}
        for (ref, name, record), (made, held) in self.noted.items():
            tables[ref] = made
            by_field.setdefault((ref, name), []).append((record, held))
        for (ref, name), rows in by_field.items():
            _put(tx, tables[ref], name, rows)


def _put(tx: Transaction, made: EntityTable, name: str, rows: Sequence[tuple[str, str | None]]) -> None:
    join = made.joins[name]
    for start in range(0, len(rows), AT_ONCE):
        some = [record for record, _ in rows[start : start + AT_ONCE]]
        tx.execute(sa.delete(join).where(join.c.record.in_(some)))
    pairs = [{"record": r, "target": t} for r, held in rows for t in dict.fromkeys(items_of(held))]
    try:
        tx.execute(sa.insert(join).values(_BOUND).inline(), pairs)
    except Exception as error:
        if is_foreign_key(error):
            raise refuse("record.link_missing", f"/{name}") from error
        raise


_BOUND = {name: sa.bindparam(name, type_=sa.Text()) for name in ("record", "target")}


def holders(
    reader: Reader, made: EntityTable, name: str, targets: Sequence[str], *, alive: bool = True
) -> list[str]:
    """The records whose field of links holds one of these: the living, or those in the recycle bin."""
    join, found = made.joins[name], dict[str, None]()
    state = made.deleted_at.is_(None) if alive else made.deleted_at.is_not(None)
    for start in range(0, len(targets), AT_ONCE):
        some = join.c.target.in_(targets[start : start + AT_ONCE])
        asked = sa.select(join.c.record).where(some, join.c.record == made.table.c.id, state)
        found.update(dict.fromkeys(row[0] for row in reader.rows(asked.order_by(join.c.record))))
    return list(found)


def forget(tx: Transaction, tables: Tables, made: EntityTable, record: str) -> None:
    """A record is about to be no more: deleted records let go of it; its pairs go with it."""
    for source, name in tables.catalogue.many_links.get(made.entity.ref, ()):
        other = tables.entity(source)
        column = other.columns[name][0]
        for each in holders(tx, other, name, [record], alive=False):
            kept = [t for t in items_of(tx.scalar(_held(other, column, each))) if t != record]
            values = {column.name: written(kept) if kept else None}
            tx.execute(sa.update(other.table).where(other.table.c.id == each).values(values))


def _held(made: EntityTable, column: sa.Column[object], record: str) -> sa.Select[Any]:
    return sa.select(column).where(made.table.c.id == record)


# ---------------------------------------------------------------- care
def wrong(reader: Reader, tables: Tables) -> Iterator[tuple[str, str]]:
    """(entity, field) of every field of links whose join table does not hold what the records hold."""
    for made in tables.by_entity.values():
        for name, join in made.joins.items():
            if set(reader.rows(sa.select(join.c.record, join.c.target))) != _pairs(reader, made, name):
                yield made.entity.ref, name


def rebuild(tx: Transaction, tables: Tables, made: EntityTable, name: str) -> None:
    """A join table anew from the records; ids that lead nowhere leave the record too."""
    join, column = made.joins[name], made.columns[name][0]
    target = tables.entity(made.entity.fields[name].to or "").table
    tx.execute(sa.delete(join))
    last = 0
    while True:
        some = sa.select(made.table.c[ROW], made.table.c.id, column).where(
            made.table.c[ROW] > last, column.is_not(None)
        )
        rows = tx.rows(some.order_by(made.table.c[ROW]).limit(AT_ONCE))
        if not rows:
            return
        last = rows[-1][0]
        wanted = sorted({each for row in rows for each in items_of(row[2])})
        there = _there(tx, target, wanted)
        for _, record, held in rows:
            kept = [each for each in items_of(held) if each in there]
            if kept != items_of(held):
                values = {column.name: written(kept) if kept else None}
                tx.execute(sa.update(made.table).where(made.table.c.id == record).values(values))
        _put(tx, made, name, [(r, written(t for t in items_of(h) if t in there)) for _, r, h in rows])


def _there(reader: Reader, target: sa.Table, ids: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(ids), AT_ONCE):
        asked = sa.select(target.c.id).where(target.c.id.in_(ids[start : start + AT_ONCE]))
        found.update(row[0] for row in reader.rows(asked))
    return found


def _pairs(reader: Reader, made: EntityTable, name: str) -> set[Pair]:
    column = made.columns[name][0]
    asked = sa.select(made.table.c.id, column).where(column.is_not(None))
    return {(record, target) for record, held in reader.rows(asked) for target in items_of(held)}
