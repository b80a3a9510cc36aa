"""What else a deletion, restoration or purge touches: lines follow their record, links obey their policy."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from dacheng.metadata.definition import Catalogue, Entity, Field
from dacheng.metadata.field_kinds.text_list import items_of
from dacheng.metadata.problem import refuse
from dacheng.runtime.storage import joins
from dacheng.runtime.storage.reader import Prepared, Reader
from dacheng.runtime.storage.record_change import RecordChange
from dacheng.runtime.storage.record_rows import Record, behind, bound_ids, in_sizes, load
from dacheng.runtime.storage.tables import NO_REFERENCE, EntityTable, Tables

Asked = Mapping[tuple[str, str], Any]  # (record, field) → the value it is given in the same go


def consequences(
    reader: Reader,
    tables: Tables,
    change: RecordChange,
    before: Record,
    planned: Collection[str],
    asked: Asked = MappingProxyType({}),
) -> list[RecordChange]:
    """The further changes one delete, restore or purge asks for.

    `planned` are ids that go the same way in the same go, `asked` the values that it gives to others: a link that
    leads elsewhere then asks for nothing. Refuses with `record.in_use` where a living
    record holds a restricting link, and with `record.link_missing` where one would come back to life
    with a restricting link to what is deleted.
    """
    if change.action == "delete":
        lists = _after_delete_in_lists(reader, tables, before, planned, asked)
        return [*_after_delete(reader, tables, before, planned, asked), *lists]
    if change.action == "restore":
        return [*_after_restore(reader, tables, before, planned)]
    return list(_before_purge(reader, tables, before))


def are_leaned_on(catalogue: Catalogue, changes: Iterable[RecordChange]) -> bool:
    """Whether any change deletes a record (its lines go with it) to which links with a policy can lead."""
    waiting = list({change.entity.ref for change in changes if change.action == "delete"})
    known = set(waiting)
    while waiting:
        ref = waiting.pop()
        if next(_links(catalogue, ref), None) is not None or catalogue.many_links.get(ref):
            return True
        below = [each for each in catalogue.children.get(ref, ()) if each not in known]
        waiting += below
        known.update(below)
    return False


def demand_alive(
    reader: Reader, tables: Tables, links: Mapping[tuple[str, str], str], coming: Collection[str]
) -> None:
    """Refuse with `record.link_missing` when a link being set leads into the recycle bin.

    `links` maps (entity reference, id) to the field that leads there; what is in `coming` is restored in the same go.
    """
    wanted: dict[str, list[str]] = {}
    for ref, key in links:
        if key not in coming:
            wanted.setdefault(ref, []).append(key)
    for ref, ids in wanted.items():
        for gone in _deleted(reader, tables, ref, ids):
            raise refuse("record.link_missing", f"/{links[ref, gone]}")


def _deleted(reader: Reader, tables: Tables, ref: str, ids: Sequence[str]) -> list[str]:
    """Those of these records that are in the recycle bin."""
    made = tables.entity(ref)
    if len(ids) == 1:
        one = made.prepared.get("deleted")
        if one is None:
            here = sa.and_(made.table.c.id == sa.bindparam("key"), made.deleted_at.is_not(None))
            one = made.prepared["deleted"] = Prepared(sa.select(made.table.c.id).where(here))
        return [row[0] for row in reader.rows(one, {"key": ids[0]})]
    found: list[str] = []
    for size, given in in_sizes(ids):
        some = made.prepared.get(("deleted", size))
        if some is None:
            chosen = made.table.c.id.in_(bound_ids(size))
            gone = sa.select(made.table.c.id).where(chosen, made.deleted_at.is_not(None))
            some = made.prepared["deleted", size] = Prepared(gone)
        found.extend(row[0] for row in reader.rows(some, given))
    return found


def _after_delete(
    reader: Reader, tables: Tables, before: Record, planned: Collection[str], asked: Asked
) -> Iterator[RecordChange]:
    yield from _lines(reader, tables, before, "delete", None)
    for ref, link in _links(tables.catalogue, before.entity.ref):
        found = behind(reader, tables.entity(ref), link.id, [before.id])
        for record in found:
            if record.id in planned or record.id == before.id:
                continue
            if asked.get((record.id, link.id), before.id) != before.id:
                continue
            if link.on_delete == "restrict":
                raise refuse("record.in_use", entity=ref, field=link.id, id=record.id)
            yield RecordChange("update", record.entity, record.id, {link.id: None})


def _after_delete_in_lists(
    reader: Reader, tables: Tables, before: Record, planned: Collection[str], asked: Asked
) -> Iterator[RecordChange]:
    """The same for fields of links: the record leaves the lists that hold it."""
    for ref, name in tables.catalogue.many_links.get(before.entity.ref, ()):
        made = tables.entity(ref)
        held = [each for each in joins.holders(reader, made, name, [before.id]) if each not in planned]
        for record in load(reader, made, [each for each in held if each != before.id]).values():
            if (record.id, name) in asked:
                continue  # what goes is left out of a list that is written in the same go
            if made.entity.fields[name].on_delete == "restrict":
                raise refuse("record.in_use", entity=ref, field=name, id=record.id)
            kept = tuple(each for each in items_of(record.stored[name][0]) if each != before.id)
            yield RecordChange("update", record.entity, record.id, {name: kept or None})


def _after_restore(
    reader: Reader, tables: Tables, before: Record, planned: Collection[str]
) -> Iterator[RecordChange]:
    """Its lines come back with it; links to what was deleted meanwhile obey their policy as if it were deleted now."""
    yield from _lines(reader, tables, before, "restore", before.deleted_at)
    cleared: dict[str, Any] = {}
    for link in before.entity.fields.values():
        if link.is_links:
            _let_go_of_deleted(reader, tables, before, link, planned, cleared)
            continue
        held = before.stored[link.id][0] if is_guarded(before.entity, link) else None
        if held is None or held in planned or not _deleted(reader, tables, link.to or "", [held]):
            continue
        if link.on_delete == "restrict":
            raise refuse("record.link_missing", f"/{link.id}")
        cleared[link.id] = None
    if cleared:
        yield RecordChange("update", before.entity, before.id, cleared)


def _let_go_of_deleted(
    reader: Reader,
    tables: Tables,
    before: Record,
    link: Field,
    planned: Collection[str],
    cleared: dict[str, Any],
) -> None:
    held = items_of(before.stored[link.id][0])
    gone = set(_deleted(reader, tables, link.to or "", held)) - set(planned) if held else set()
    if gone and link.on_delete == "restrict":
        raise refuse("record.link_missing", f"/{link.id}")
    if gone:
        cleared[link.id] = tuple(each for each in held if each not in gone) or None


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
        if name in entity.fields and is_guarded(entity, entity.fields[name]):
            yield source, entity.fields[name]


def guarded_links(made: EntityTable) -> tuple[tuple[str, str], ...]:
    """The fields of people's making that are guarded links or lists of them, each with the entity it leads to."""
    found: tuple[tuple[str, str], ...] | None = made.prepared.get("guarded_links")
    if found is None:
        own = [f for f in made.entity.fields.values() if not f.system]
        fields = [f for f in own if f.is_links or is_guarded(made.entity, f)]
        found = made.prepared["guarded_links"] = tuple((f.id, f.to or "") for f in fields)
    return found


def is_guarded(entity: Entity, field: Field) -> bool:
    """Whether a field is a link with a policy: not a line's own parent, not who made a record."""
    return field.is_link and field.id != entity.parent_field and field.id not in NO_REFERENCE


def links_to(catalogue: Catalogue, ref: str) -> list[tuple[str, Field]]:
    """Every link that holds ids of this entity under a foreign key."""
    return list(_links(catalogue, ref))
