"""What leads to a record that goes in a merge: links, lists of links and lines of other records, led elsewhere and back."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import sqlalchemy as sa

from dacheng.metadata.definition import Entity
from dacheng.metadata.kinds import Json
from dacheng.metadata.problem import refuse
from dacheng.runtime.services.save_plan import Write
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage import joins, records
from dacheng.runtime.storage.change_log import ChangeRow
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.storage.records import Record

MOST = 20_000
Values = dict[str, Json]
Owner = tuple[str, str]  # the entity and id of a record that people open, its lines included


@dataclass(slots=True)
class _Led:
    """What one record is to hold: in fields of its own, and in those of its lines by their entity and id."""

    own: Values = field(default_factory=dict)
    lines: dict[str, dict[str, Values]] = field(default_factory=dict)


def moves(reader: Reader, work: Work, entity: str, keep: str, drop: str) -> list[Write]:
    """A save for each living record that leads to `drop`; the two themselves are not made their own links."""
    led: dict[Owner, _Led] = {}
    for record, name, held in _leading(reader, work, entity, drop):
        owner = _owner(work, record)
        if owner[1] in (keep, drop):
            continue
        found = led.setdefault(owner, _Led())
        is_line = record.entity.parent is not None
        lines = found.lines.setdefault(record.entity.ref, {}) if is_line else {}
        values = lines.setdefault(record.id, {}) if is_line else found.own
        values[name] = keep
        if record.entity.fields[name].is_links:
            values[name] = list(dict.fromkeys(keep if each == drop else each for each in held))
    if len(led) > MOST:
        raise refuse("query.too_much", "", what="links", count=len(led), limit=MOST)
    return [_write(reader, work, owner, led[owner]) for owner in led]


def moved_back(reader: Reader, work: Work, rows: Sequence[ChangeRow]) -> tuple[list[Write], int]:
    """The saves that take logged changes back, and how many records or lines stay: they changed again since."""
    by_record: dict[Owner, list[ChangeRow]] = {}
    for row in rows:
        if row.changes:
            by_record.setdefault((row.entity, row.record), []).append(row)
    led: dict[Owner, _Led] = {}
    kept = 0
    for (ref, ident), own in by_record.items():
        record = _living(reader, work, ref, ident)
        values = _before(record, own) if record is not None else None
        owner = _owner(work, record) if record is not None else None
        if values is None or record is None or owner is None or _living(reader, work, *owner) is None:
            kept += 1
        elif record.entity.parent is None:
            led.setdefault(owner, _Led()).own = values
        else:
            led.setdefault(owner, _Led()).lines.setdefault(ref, {})[ident] = values
    return [_write(reader, work, owner, led[owner]) for owner in led], kept


def plain_part(work: Work, entity: str, write: Write) -> Write | None:
    """Of a save of this entity, what is neither link nor line; None when that is nothing, or of another entity."""
    fields = work.model.catalogue.entities[entity].fields
    plain = {n for n, each in fields.items() if not each.leads_to_records and not each.is_lines}
    return _part(write, plain) if write.entity == entity else None


def other_part(work: Work, entity: str, write: Write) -> Write | None:
    """What `plain_part` leaves of the same save."""
    part = plain_part(work, entity, write)
    return _part(write, write.values.keys() - (part.values.keys() if part is not None else set()))


def _part(write: Write, names: Collection[str]) -> Write | None:
    values = {name: value for name, value in write.values.items() if name in names}
    return replace(write, values=values) if values else None


def _leading(
    reader: Reader, work: Work, entity: str, drop: str
) -> Iterator[tuple[Record, str, Sequence[str]]]:
    """Every living record that leads to this one: by which field, and the ids it holds there."""
    catalogue, model = work.model.catalogue, work.model
    for ref, name in (*catalogue.links.get(entity, ()), *catalogue.many_links.get(entity, ())):
        made = model.tables.entity(ref)
        if name == made.entity.parent_field:
            continue
        if made.entity.fields[name].is_links:
            ids = joins.holders(reader, made, name, [drop])
        else:
            here = sa.and_(made.columns[name][0] == drop, made.deleted_at.is_(None))
            asked = sa.select(made.table.c.id).where(here).order_by(made.table.c.id).limit(MOST + 1)
            ids = [row[0] for row in reader.rows(asked)]
        for record in records.load(reader, model, ref, ids).values():
            held = record.json()[name]
            yield record, name, held if isinstance(held, list) else [held]


def _owner(work: Work, record: Record) -> Owner:
    """The record itself, or that of a line."""
    entity = record.entity
    if entity.parent is None:
        return entity.ref, record.id
    return entity.parent, str(record.stored[str(entity.parent_field)][0])


def _living(reader: Reader, work: Work, ref: str, ident: str) -> Record | None:
    found = records.load(reader, work.model, ref, [ident]).get(ident)
    return None if found is None or found.deleted_at is not None else found


def _before(record: Record, rows: Sequence[ChangeRow]) -> Values | None:
    """The values before all of these changes; None where a field holds something else than they left."""
    now = record.json()
    first: Values = {}
    last: Values = {}
    for row in rows:
        for name, (before, after) in row.changes.items():
            first.setdefault(name, before)
            last[name] = after
    if any(now.get(name) != after for name, after in last.items()):
        return None
    placed = _placed(record.entity)
    return {name: value for name, value in first.items() if name not in placed}


def _placed(entity: Entity) -> frozenset[str]:
    """What a line has from its record and its place there."""
    return frozenset() if entity.parent is None else frozenset({str(entity.parent_field), "position"})


def _write(reader: Reader, work: Work, owner: Owner, led: _Led) -> Write:
    """One save of a record with its lines; lines that stay as they are are named and no more."""
    ref, ident = owner
    values: Values = dict(led.own)
    for child, changed in led.lines.items():
        values[_lines_field(work, ref, child)] = _all_lines(reader, work, child, ident, changed)
    return Write("update", ref, ident, values, rules=False, historic=True)


def _all_lines(
    reader: Reader, work: Work, child: str, parent: str, changed: Mapping[str, Values]
) -> list[Values]:
    lines = records.load_lines(reader, work.model, child, [parent]).get(parent, [])
    return [{"id": each.id, **changed.get(each.id, {})} for each in lines]


def _lines_field(work: Work, ref: str, child: str) -> str:
    fields = work.model.catalogue.entities[ref].fields.values()
    return next(each.id for each in fields if each.is_lines and each.to == child)
