"""Which records hold which files in their lists: an index kept in the transaction that writes the list.

The list itself stands in the record's own column; here it is found from the other end. Deleted records
keep their entries until they are purged, so that a restored one is whole again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from dacheng.metadata.definition import Entity
from dacheng.metadata.field_kinds.text_list import items_of
from dacheng.metadata.kinds import Shape
from dacheng.metadata.problem import refuse
from dacheng.runtime.storage import file_rows
from dacheng.runtime.storage.reader import Prepared, Reader, Transaction
from dacheng.runtime.storage.system_tables import reference
from dacheng.runtime.storage.tables import EntityTable, Tables

_AT_ONCE = 400
_insert = Prepared(
    sa.insert(reference).values({c.name: sa.bindparam(c.name, type_=c.type) for c in reference.c}).inline()
)
_forget = Prepared(
    sa.delete(reference).where(
        reference.c.record == sa.bindparam("of"), reference.c.field == sa.bindparam("in_field")
    )
)
_forget_all = Prepared(sa.delete(reference).where(reference.c.record == sa.bindparam("of")))


@dataclass(frozen=True, slots=True)
class Holder:
    """One record that holds a target in a field, alive or deleted."""

    entity: str
    record: str
    field: str


def listing_fields(made: EntityTable) -> tuple[str, ...]:
    """The fields of an entity that hold lists of files."""
    found: tuple[str, ...] | None = made.prepared.get("listing")
    if found is None:
        found = made.prepared["listing"] = tuple(_listing(made.entity))
    return found


def _listing(entity: Entity) -> Iterator[str]:
    return (name for name, each in entity.fields.items() if each.shape is Shape.FILES)


def created(tx: Transaction, made: EntityTable, rows: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
    """Note what new records hold; `rows` are (id, stored values by field)."""
    fields = listing_fields(made)
    for record, stored in rows if fields else ():
        for name in fields:
            if name in stored:
                _note(tx, made, record, name, stored[name][0])


def changed(tx: Transaction, made: EntityTable, record: str, stored: Mapping[str, Any]) -> None:
    """Note what a record holds now in the fields that changed."""
    for name in listing_fields(made):
        if name in stored:
            tx.execute(_forget, {"of": record, "in_field": name})
            _note(tx, made, record, name, stored[name][0])


def purged(tx: Transaction, made: EntityTable, record: str) -> None:
    """Forget a record that is no more."""
    if listing_fields(made):
        tx.execute(_forget_all, {"of": record})


def _note(tx: Transaction, made: EntityTable, record: str, name: str, stored: str | None) -> None:
    entries = _entries(made, record, name, stored)
    if not file_rows.mark_used(tx, [entry["target"] for entry in entries]):
        raise refuse("file.unknown", f"/{name}")
    tx.execute(_insert, entries)


def _entries(made: EntityTable, record: str, name: str, stored: str | None) -> list[dict[str, str]]:
    ref = made.entity.ref
    return [
        {"record": record, "field": name, "target": target, "entity": ref}
        for target in dict.fromkeys(items_of(stored))
    ]


# ---------------------------------------------------------------- from the other end
def holders(reader: Reader, targets: Sequence[str]) -> dict[str, list[Holder]]:
    """Who holds each of these, alive or deleted, in the order of their ids."""
    found: dict[str, list[Holder]] = {}
    columns = (reference.c.target, reference.c.entity, reference.c.record, reference.c.field)
    for start in range(0, len(targets), _AT_ONCE):
        some = reference.c.target.in_(targets[start : start + _AT_ONCE])
        for target, entity, record, field in reader.rows(
            sa.select(*columns).where(some).order_by(reference.c.record)
        ):
            found.setdefault(target, []).append(Holder(entity, record, field))
    return found


# ---------------------------------------------------------------- care
def wrong(reader: Reader, tables: Tables) -> Iterator[tuple[str, str]]:
    """(entity, field) of every list whose index does not say what the records say."""
    for made in tables.by_entity.values():
        for name in listing_fields(made):
            if _noted(reader, made, name) != _held(reader, made, name):
                yield made.entity.ref, name


def rebuild(tx: Transaction, tables: Tables) -> None:
    """The whole index anew from the records."""
    tx.execute(sa.delete(reference))
    for made in tables.by_entity.values():
        for name in listing_fields(made):
            entries = sorted(_held(tx, made, name))
            rows = [{"record": r, "field": name, "target": t, "entity": made.entity.ref} for r, t in entries]
            tx.execute(_insert, rows)


def _noted(reader: Reader, made: EntityTable, name: str) -> set[tuple[str, str]]:
    here = sa.and_(reference.c.entity == made.entity.ref, reference.c.field == name)
    return {(r, t) for r, t in reader.rows(sa.select(reference.c.record, reference.c.target).where(here))}


def _held(reader: Reader, made: EntityTable, name: str) -> set[tuple[str, str]]:
    column = made.columns[name][0]
    asked = sa.select(made.table.c.id, column).where(column.is_not(None))
    return {(record, target) for record, stored in reader.rows(asked) for target in items_of(stored)}
