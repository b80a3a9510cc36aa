"""What else a deletion, restoration or purge touches: lines follow their record, links obey their policy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from dacheng.metadata.definition import Catalogue, Field
from dacheng.metadata.problem import refuse
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.storage.record_change import RecordChange
from dacheng.runtime.storage.record_rows import Record, behind
from dacheng.runtime.storage.tables import NO_REFERENCE, Tables


def consequences(
    reader: Reader, tables: Tables, change: RecordChange, before: Record, planned: frozenset[str]
) -> list[RecordChange]:
    """The further changes one delete, restore or purge asks for.

    `planned` are ids already deleted in the same go. Refuses with `record.in_use` where a living
    record holds a restricting link.
    """
    if change.action == "delete":
        return list(_after_delete(reader, tables, before, planned))
    if change.action == "restore":
        return list(_lines(reader, tables, before, "restore", before.deleted_at))
    return list(_before_purge(reader, tables, before))


def _after_delete(
    reader: Reader, tables: Tables, before: Record, planned: frozenset[str]
) -> Iterator[RecordChange]:
    yield from _lines(reader, tables, before, "delete", None)
    for ref, link in _links(tables.catalogue, before.entity.ref):
        found = behind(reader, tables.entity(ref), link.id, [before.id])
        for record in found:
            if record.id in planned or record.id == before.id:
                continue
            if link.on_delete == "restrict":
                raise refuse("record.in_use", entity=ref, field=link.id, id=record.id)
            yield RecordChange("update", record.entity, record.id, {link.id: None})


def _before_purge(reader: Reader, tables: Tables, before: Record) -> Iterator[RecordChange]:
    """Only what is in the recycle bin can be purged, so living records no longer point here; deleted ones may."""
    for ref in tables.catalogue.children.get(before.entity.ref, ()):
        for record in _all_lines(reader, tables, ref, before.id):
            yield RecordChange("purge", record.entity, record.id, {})


def _lines(
    reader: Reader, tables: Tables, before: Record, action: str, deleted_at: int | None
) -> Iterator[RecordChange]:
    for ref in tables.catalogue.children.get(before.entity.ref, ()):
        child = tables.entity(ref)
        for record in behind(reader, child, str(child.entity.parent_field), [before.id], deleted_at):
            yield RecordChange(action, record.entity, record.id, {})


def _all_lines(reader: Reader, tables: Tables, ref: str, parent: str) -> Sequence[Record]:
    child = tables.entity(ref)
    via = str(child.entity.parent_field)
    wanted = sa.select(child.table.c.deleted_at).distinct().where(child.columns[via][0] == parent)
    found: list[Record] = []
    for (deleted_at,) in reader.rows(wanted):
        found.extend(behind(reader, child, via, [parent], deleted_at))
    return found


def _links(catalogue: Catalogue, ref: str) -> Iterator[tuple[str, Field]]:
    """Links of other records to this entity, but for a line's own parent and for who made a record."""
    for source, name in catalogue.links.get(ref, ()):
        entity = catalogue.entities[source]
        if name != entity.parent_field and name not in NO_REFERENCE and name in entity.fields:
            yield source, entity.fields[name]


def links_to(catalogue: Catalogue, ref: str) -> list[tuple[str, Field]]:
    """Every link that holds ids of this entity under a foreign key."""
    return list(_links(catalogue, ref))
