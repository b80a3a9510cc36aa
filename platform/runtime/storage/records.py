"""Records are written here and nowhere else: rows, lines, roll-ups, search index and change log together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from dacheng.metadata.definition import Entity
from dacheng.metadata.problem import refuse
from dacheng.runtime.storage import (
    attachments,
    change_log,
    claims,
    collaborators,
    comments,
    deletion,
    formulas,
    joins,
    match_keys,
    numbering,
    record_rows,
    references,
    refusals,
    rollups,
    search,
)
from dacheng.runtime.storage.change_log import Entry, Stamp
from dacheng.runtime.storage.model import Model
from dacheng.runtime.storage.reader import Reader, Transaction
from dacheng.runtime.storage.record_batch import start_values
from dacheng.runtime.storage.record_change import Applied, RecordChange
from dacheng.runtime.storage.record_rows import Record, Stored
from dacheng.runtime.storage.tables import DELETED, ROW, EntityTable

__all__ = ["Applied", "Record", "RecordChange", "Stamp", "apply_changes", "load"]
_MAX_CONSEQUENCES = 20_000


def load(reader: Reader, model: Model, entity: str, ids: Sequence[str]) -> dict[str, Record]:
    """Records of `app.entity` by id, deleted ones too, whatever any reader may see; for services alone."""
    return record_rows.load(reader, model.tables.entity(entity), ids) if ids else {}


def load_lines(
    reader: Reader, model: Model, child: str, parents: Sequence[str], deleted_at: int | None = None
) -> dict[str, list[Record]]:
    """The living lines of some records, by parent id, in their order; of a deleted one with its moment."""
    made = model.tables.entity(child)
    via = str(made.entity.parent_field)
    found: dict[str, list[Record]] = {}
    for record in record_rows.behind(reader, made, via, parents, deleted_at) if parents else ():
        found.setdefault(record.stored[via][0], []).append(record)
    for lines in found.values():
        lines.sort(key=lambda line: (line.position, line.id))
    return found


def apply_changes(
    tx: Transaction, model: Model, changes: Sequence[RecordChange], stamp: Stamp
) -> list[Applied]:
    """Apply all changes or refuse all; answers in the order asked, without what followed from them.

    Changes with stamps of their own are logged in the order of their moments.
    Refuses with `record.missing`, `record.version_moved`, `record.duplicate`, `record.link_missing`,
    `record.in_use` or `record.not_deleted`; the pointer names the field. Deletions go first, so that
    what they free can be used again in the same go; purges last.
    """
    job = _Job(tx, model, stamp, rollups.Deltas(model.tables))
    job.read_before(changes)
    everything = job.with_consequences(changes)
    job.check_links(everything)
    for action in ("delete", "restore"):
        job.move(action, [c for c in everything if c.action == action])
    job.create([c for c in everything if c.action == "create"])
    for change in everything:
        if change.action == "update":
            job.update(change)
    job.pairs.write(tx)
    job.purge([c for c in everything if c.action == "purge"])
    for made, parents in job.deltas.apply(tx):
        formulas.refigure(tx, made, parents)
    if any(each.stamp is not None for each in job.entries):
        job.entries.sort(key=lambda each: (each.stamp or stamp).now_ms)
    change_log.append(tx, job.entries, stamp)
    return [job.applied[change.id] for change in changes]


@dataclass(slots=True)
class _Job:
    tx: Transaction
    model: Model
    stamp: Stamp
    deltas: rollups.Deltas
    before: dict[str, Record] = field(default_factory=dict)
    applied: dict[str, Applied] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    pairs: joins.Pairs = field(default_factory=joins.Pairs)
    going: set[str] = field(default_factory=set)

    # -------------------------------------------------------- what is there
    def read_before(self, changes: Iterable[RecordChange]) -> None:
        """Load every record to be changed, and check that it is there, alive or not, in the version known."""
        wanted: dict[str, list[str]] = {}
        changing = [c for c in changes if c.action != "create"]
        for change in changing:
            wanted.setdefault(change.entity.ref, []).append(change.id)
        for ref, ids in wanted.items():
            self.before.update(record_rows.load(self.tx, self.model.tables.entity(ref), ids))
        for change in changing:
            self._check(change)

    def _check(self, change: RecordChange) -> None:
        found = self.before.get(change.id)
        if found is None or found.entity.ref != change.entity.ref:
            raise refuse("record.missing")
        if change.action in ("restore", "purge"):
            if found.deleted_at is None:
                raise refuse("record.not_deleted")
        elif found.deleted_at is not None:
            raise refuse("record.missing")
        if change.expected_version not in (None, found.version):
            raise refuse("record.version_moved", id=change.id)

    def with_consequences(self, changes: Sequence[RecordChange]) -> list[RecordChange]:
        """The changes and all that follows from the deletions, restorations and purges among them."""
        everything = list(changes)
        going = {c.id for c in changes if c.action in ("delete", "purge")}
        coming = {c.id for c in changes if c.action == "restore"}
        asked = {(c.id, n): v for c in changes if c.action == "update" for n, v in c.values.items()}
        for change in everything:  # grows while it is walked
            if change.action not in ("delete", "restore", "purge"):
                continue
            planned = coming if change.action == "restore" else going
            more = deletion.consequences(
                self.tx, self.model.tables, change, self.before[change.id], planned, asked
            )
            known = {c.id for c in everything if c.action == change.action}
            more = [m for m in more if m.action == "update" or m.id not in known]
            going.update(m.id for m in more if m.action == "delete")
            coming.update(m.id for m in more if m.action == "restore")
            missing = [m for m in more if m.id not in self.before]
            if missing:
                self.read_before(missing)
            everything.extend(more)
            if len(everything) > _MAX_CONSEQUENCES:
                raise refuse("record.in_use")
        self.going = {c.id for c in everything if c.action == "delete"}
        return everything

    def check_links(self, everything: Iterable[RecordChange]) -> None:
        """What is linked to here is alive here and now: it may have been deleted since the save was planned."""
        links: dict[tuple[str, str], str] = {}
        coming = set()
        for change in everything:
            if change.action == "restore":
                coming.add(change.id)
            elif change.action in ("create", "update") and change.values:
                was = self.before.get(change.id)
                for name, target in deletion.guarded_links(self.model.tables.entity(change.entity.ref)):
                    held = change.values.get(name)
                    known = () if was is None else record_rows.ids_in(change.entity, name, was.stored[name])
                    ids = (held,) if isinstance(held, str) else held or ()
                    links.update({(target, key): name for key in ids if key not in known})
        deletion.demand_alive(self.tx, self.model.tables, links, coming)

    # -------------------------------------------------------- create
    def create(self, changes: Sequence[RecordChange]) -> None:
        """Insert in the order asked, runs of one entity at once; links to records made later follow after."""
        coming = {c.id for c in changes}
        late: list[RecordChange] = []
        start = 0
        while start < len(changes):
            stop = start
            ref = changes[start].entity.ref
            while stop < len(changes) and changes[stop].entity.ref == ref:
                stop += 1
            run = changes[start:stop]
            self._insert(self.model.tables.entity(ref), run, coming, late)
            coming.difference_update(c.id for c in run)
            start = stop
        for change in late:
            self._link_late(change)

    def _insert(
        self, made: EntityTable, run: Sequence[RecordChange], coming: set[str], late: list[RecordChange]
    ) -> None:
        shape = record_rows.shape_of(made)
        start = dict.fromkeys(shape.names) | start_values(made, self.stamp)
        links = _own_links(made.entity)
        storers = record_rows.storers(made)
        numbers_of = self._numbers_of(made, run)
        rows: list[dict[str, Any]] = []
        stored: dict[str, tuple[Any, ...]]
        searched: list[tuple[str, Stored]] = []
        for place, change in enumerate(run):
            stored, row = {}, start.copy()
            if change.stamp is not None:
                row.update(touched(made, change.stamp, new=True))
            values_given = change.values
            if numbers_of:
                values_given = {**values_given, **{name: each[place] for name, each in numbers_of.items()}}
            for name, value in values_given.items():
                if name not in storers:
                    continue
                write, first, others = storers[name]
                stored[name] = values = (value,) if write is None else write(value)
                row[first] = values[0]
                if others:
                    row.update(zip(others, values[1:], strict=True))
            postponed = {n: stored[n] for n in links if n in stored and stored[n][0] in coming}
            if postponed:
                late.append(RecordChange("update", change.entity, change.id, postponed))
                stored.update(dict.fromkeys(postponed, (None,)))
                row.update({made.columns[name][0].name: None for name in postponed})
            row["id"] = change.id
            computed = formulas.of_row(made, row, postponed)
            row.update(record_rows.flat(made, computed))
            rows.append(row)
            searched.append((change.id, stored))
            self._created(made, change, {**stored, **postponed, **computed}, row)
        numbers = self._number(made, rows)
        insert = shape.numbered if numbers else shape.insert
        try:
            if len(rows) == 1:
                self.tx.execute(insert, rows[0])
            else:
                self.tx.execute(insert, rows)
        except Exception as error:
            raise refusals.of_rows(self.tx, made, rows, error) from error
        search.put(self.tx, made, searched, numbers)
        match_keys.put(self.tx, made, searched)
        references.created(self.tx, made, searched)
        for record, held in searched if made.joins else ():
            self.pairs.note(made, record, held)

    def _numbers_of(self, made: EntityTable, run: Sequence[RecordChange]) -> dict[str, list[str]]:
        """By field, the number each new record brings along or gets."""
        if not numbering.assigned(made):
            return {}
        stamps = [each.stamp or self.stamp for each in run]
        return {
            name: numbering.fill_each(
                self.tx,
                made,
                name,
                [(each.values.get(name), s.now_ms) for each, s in zip(run, stamps, strict=True)],
                self.stamp.zone,
            )
            for name in numbering.assigned(made)
        }

    def _number(self, made: EntityTable, rows: Sequence[dict[str, Any]]) -> range:
        first = record_rows.next_row(self.tx, made)
        if first is None:
            return range(0)
        numbers = range(first, first + len(rows))
        for row, number in zip(rows, numbers, strict=True):
            row[ROW] = number
        return numbers

    def _created(
        self, made: EntityTable, change: RecordChange, stored: Stored, row: Mapping[str, Any]
    ) -> None:
        if rollups.over(self.model.tables, made):
            full = {**dict.fromkeys(made.columns, (None,)), **stored}
            self.deltas.note(made, None, full)
        parent_field = made.entity.parent_field
        parent = stored[parent_field][0] if parent_field is not None and parent_field in stored else None
        self.entries.append(Entry(made.entity.ref, change.id, "create", None, parent, change.stamp))
        self.applied[change.id] = Applied(change.id, row["version"], tuple(stored))

    def _link_late(self, change: RecordChange) -> None:
        made = self.model.tables.entity(change.entity.ref)
        table = made.table
        values = {made.columns[name][0].name: value[0] for name, value in change.values.items()}
        self.tx.execute(sa.update(table).where(table.c.id == change.id).values(values))

    # -------------------------------------------------------- update
    def update(self, change: RecordChange) -> None:
        """Write the fields that really differ; raises the version by one when anything was written."""
        made = self.model.tables.entity(change.entity.ref)
        was = self.before[change.id]
        given = record_rows.store(change.entity, self._without_going(made, change.values))
        stored = {name: value for name, value in given.items() if value != was.stored[name]}
        if not stored and not change.touch:
            self.applied.setdefault(change.id, Applied(change.id, was.version))
            return
        computed = formulas.figures(made, {**was.stored, **stored}, stored)
        row = {
            **touched(made, change.stamp or self.stamp),
            **record_rows.flat(made, {**stored, **computed}),
            "version": was.version + 1,
        }
        self._write(made, was, row)
        now = Record(was.entity, was.id, was.version + 1, {**was.stored, **stored, **computed})
        self.before[change.id] = now
        self.deltas.note(made, was.stored, now.stored)
        if any(name in stored for name in made.search):
            search.change(self.tx, made, (change.id, now.stored))
        if made.matches and not match_keys.fields_of(made).isdisjoint(stored):
            match_keys.change(self.tx, made, change.id, now.stored)
        references.changed(self.tx, made, change.id, stored)
        self.pairs.note(made, change.id, stored)
        self._log(was, now, "update", stored, change.stamp)
        self.applied[change.id] = Applied(change.id, now.version, tuple(stored))

    def _without_going(self, made: EntityTable, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """What goes in the same go stands in no list, however many changes each take one out of it."""
        lists = [name for name in made.joins if values.get(name)] if self.going else ()
        kept = {name: tuple(each for each in values[name] if each not in self.going) for name in lists}
        return {**values, **{name: each or None for name, each in kept.items()}}

    def _write(self, made: EntityTable, was: Record, row: Mapping[str, Any]) -> None:
        statement = record_rows.update_statement(made, row)
        try:
            written = self.tx.execute(statement, {**row, "row_id": was.id, "was": was.version})
        except Exception as error:
            raise refusals.of_rows(self.tx, made, [row], error) from error
        if written != 1:
            raise refuse("record.version_moved", id=was.id)

    # -------------------------------------------------------- delete, restore, purge
    def move(self, action: str, changes: Sequence[RecordChange]) -> None:
        """Into the recycle bin or out of it."""
        for change in changes:
            was = self.before[change.id]
            if (was.deleted_at is None) != (action == "delete"):
                continue  # reached twice, once directly and once through its record
            made = self.model.tables.entity(change.entity.ref)
            moment = self.stamp.now_ms if action == "delete" else None
            row = {**touched(made, self.stamp), DELETED: moment, "version": was.version + 1}
            self._write(made, was, row)
            now = Record(was.entity, was.id, was.version + 1, was.stored, moment)
            self.before[change.id] = now
            if action == "delete":
                self.deltas.note(made, was.stored, None)
            else:
                self.deltas.note(made, None, was.stored)
            self._log(was, now, action, was.stored if action == "delete" else {})
            self.applied[change.id] = Applied(change.id, now.version)

    def purge(self, changes: Sequence[RecordChange]) -> None:
        """Out of the database for good, lines before their records; deleted records that point here let go."""
        for change in reversed(changes):
            made = self.model.tables.entity(change.entity.ref)
            was = self.before[change.id]
            self._let_go(change.entity, change.id)
            search.drop(self.tx, made, [change.id])
            match_keys.drop(self.tx, made, [change.id])
            references.purged(self.tx, made, change.id)
            joins.forget(self.tx, self.model.tables, made, change.id)
            self.tx.execute(sa.delete(made.table).where(made.table.c.id == change.id))
            comments.forget(self.tx, change.entity.ref, change.id)
            attachments.forget(self.tx, change.entity.ref, change.id)
            collaborators.forget(self.tx, change.entity.ref, change.id)
            claims.forget(self.tx, change.entity.ref, change.id)
            self._log(was, was, "purge", was.stored)
            self.applied[change.id] = Applied(change.id, was.version)

    def _let_go(self, entity: Entity, key: str) -> None:
        for ref, link in deletion.links_to(self.model.catalogue, entity.ref):
            other = self.model.tables.entity(ref)
            column = other.columns[link.id][0]
            self.tx.execute(sa.update(other.table).where(column == key).values({column.name: None}))

    def _log(self, was: Record, now: Record, action: str, stored: Stored, stamp: Stamp | None = None) -> None:
        fields = was.entity.fields
        changes: dict[str, list[Any]] = {}
        for name in stored:
            write = fields[name].codec.json_stored
            after = write(now.stored[name]) if action == "update" else None
            before = write(was.stored[name])
            if action == "update" or before is not None:
                changes[name] = [before, after]
        via = was.entity.parent_field
        parent = was.stored[via][0] if via is not None else None
        self.entries.append(Entry(was.entity.ref, was.id, action, changes, parent, stamp))


def touched(made: EntityTable, stamp: Stamp, *, new: bool = False) -> dict[str, Any]:
    """The physical columns that say who changed a record last and when; of a new one also who made it."""
    known: dict[str, Any] = {"updated_at": stamp.now_ms, "updated_by": stamp.actor_id}
    if new:
        known |= {"created_at": stamp.now_ms, "created_by": stamp.actor_id}
    return {name: value for name, value in known.items() if name in made.table.c}


def _own_links(entity: Entity) -> tuple[str, ...]:
    return tuple(f.id for f in entity.fields.values() if f.is_link)
