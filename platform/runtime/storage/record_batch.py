"""New records by the thousand: the columns of one entity's rows, stored as they are by the same few statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Any

from dacheng.metadata.definition import Entity
from dacheng.runtime.storage import (
    change_log,
    deletion,
    formulas,
    match_keys,
    numbering,
    record_rows,
    refusals,
    rollups,
    search,
)
from dacheng.runtime.storage.change_log import Stamp
from dacheng.runtime.storage.model import Model
from dacheng.runtime.storage.reader import Insertion, Transaction
from dacheng.runtime.storage.tables import ROW, EntityTable


@dataclass(frozen=True, slots=True)
class RecordBatch:
    """Records to be made: `ids` in order, and for each field given its stored values, a list per physical column.

    The entity is nobody's line, no roll-up looks at it, and no record of the batch is linked to by another one.
    """

    entity: Entity
    ids: Sequence[str]
    stored: Mapping[str, Sequence[Sequence[Any]]]


def insert(tx: Transaction, model: Model, batch: RecordBatch, stamp: Stamp) -> None:
    """Create all records or refuse all: what `apply_changes` does for as many creations, in one go."""
    if not batch.ids:
        return
    made = model.tables.entity(batch.entity.ref)
    _check_links(tx, model, made, batch)
    batch = _computed(made, _numbered(tx, made, batch, stamp), stamp)
    columns = _columns(made, batch, stamp)
    numbers = record_rows.next_rows(tx, made, len(batch.ids))
    if numbers:
        columns[ROW] = numbers
    try:
        tx.insert_many(_insertion(made, tuple(columns)), zip(*columns.values(), strict=False))
    except Exception as error:
        raise refusals.of_rows(tx, made, _links_of(made, batch), error) from error
    search.put_batch(tx, made, batch.stored, numbers)
    match_keys.put(tx, made, _compared(made, batch))
    change_log.append_created(tx, batch.entity.ref, batch.ids, stamp)


def _numbered(tx: Transaction, made: EntityTable, batch: RecordBatch, stamp: Stamp) -> RecordBatch:
    """The batch with a number for each record, in the fields whose values the product gives."""
    given = dict(batch.stored)
    for name in numbering.assigned(made):
        brought = given[name][0] if name in given else [None] * len(batch.ids)
        given[name] = (numbering.fill(tx, made, name, brought, stamp.now_ms, stamp.zone),)
    return replace(batch, stored=given) if numbering.assigned(made) else batch


def _computed(made: EntityTable, batch: RecordBatch, stamp: Stamp) -> RecordBatch:
    """The batch with the value of each stored formula."""
    found = formulas.of_batch(made, batch.stored, len(batch.ids), start_values(made, stamp))
    return replace(batch, stored={**batch.stored, **found}) if found else batch


def _compared(made: EntityTable, batch: RecordBatch) -> list[tuple[str, dict[str, tuple[Any, ...]]]]:
    """The stored values by which the records are compared, record by record."""
    names = [name for name in sorted(match_keys.fields_of(made)) if name in batch.stored]
    if not names:
        return []
    columns = [zip(*batch.stored[name], strict=True) for name in names]
    rows = zip(batch.ids, *columns, strict=True)
    return [(row[0], dict(zip(names, row[1:], strict=True))) for row in rows]


def start_values(made: EntityTable, stamp: Stamp) -> dict[str, Any]:
    """The physical columns that every new record begins with."""
    known = {
        "version": 1,
        "created_at": stamp.now_ms,
        "updated_at": stamp.now_ms,
        "created_by": stamp.actor_id,
        "updated_by": stamp.actor_id,
        **rollups.initial(made),
    }
    return {name: value for name, value in known.items() if name in made.table.c}


def _insertion(made: EntityTable, names: tuple[str, ...]) -> Insertion:
    found: Insertion | None = made.prepared.get(("insertion", names))
    if found is None:
        found = made.prepared["insertion", names] = Insertion(made.table.name, names)
    return found


def _columns(made: EntityTable, batch: RecordBatch, stamp: Stamp) -> dict[str, Any]:
    """Every physical column with its values; what all rows share is repeated for ever."""
    columns: dict[str, Any] = {name: repeat(value) for name, value in start_values(made, stamp).items()}
    for name, parts in batch.stored.items():
        columns.update(zip((column.name for column in made.columns[name]), parts, strict=True))
    columns["id"] = batch.ids
    return columns


def _check_links(tx: Transaction, model: Model, made: EntityTable, batch: RecordBatch) -> None:
    links: dict[tuple[str, str], str] = {}
    for name, target in deletion.guarded_links(made):
        for key in dict.fromkeys(batch.stored[name][0]) if name in batch.stored else ():
            if key is not None:
                links[target, key] = name
    deletion.demand_alive(tx, model.tables, links, ())


def _links_of(made: EntityTable, batch: RecordBatch) -> list[dict[str, Any]]:
    """The links of each row, for whoever has to say which of them leads nowhere."""
    names = [name for name in batch.stored if made.entity.fields[name].is_link]
    rows = zip(*(batch.stored[name][0] for name in names), strict=True)
    return [dict(zip(names, row, strict=True)) for row in rows]
