"""From one catalogue's tables to the next, in the caller's transaction; no table is ever rebuilt.

Only add table, add column, create and drop index, rename to archived. What leaves the catalogue is
archived by the change *after* the one that left it out, so that readers of the old version keep working. A field that
its app drops and has again later starts empty (docs/security.md): values and history of its namesake stay archived.
Everything compares with what is physically there, so a second run finds nothing to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.schema import AddConstraint, CreateIndex, CreateTable

from dacheng.metadata.derived import Rollup
from dacheng.metadata.field_kinds.datetime import TYPED_ZONE
from dacheng.metadata.problem import Problem, problem, refuse
from dacheng.runtime.storage import (
    births,
    ddl,
    fault,
    formulas,
    joins,
    match_keys,
    numbering,
    physical,
    retype,
    rollups,
    search,
)
from dacheng.runtime.storage.physical import Physical
from dacheng.runtime.storage.reader import Prepared, Reader, Transaction
from dacheng.runtime.storage.system_tables import journal as journal_table
from dacheng.runtime.storage.tables import EntityTable, Tables, search_table

OURS = "ix_"
STEPS = (
    "tables",
    "columns",
    "retype",
    "joins",
    "keys",
    "indexes",
    "numbers",
    "search",
    "matches",
    "rollups",
    "formulas",
    "archive",
)
_WRITE = Prepared(
    journal_table.insert().values({n: sa.bindparam(n) for n in ("cause", "kind", "detail", "at")}).inline()
)
_READ = Prepared(
    sa.select(journal_table.c.seq, journal_table.c.kind, journal_table.c.detail).order_by(journal_table.c.seq)
)


@dataclass(frozen=True, slots=True)
class Journal:
    """Why the schema changes (`install sales_management 1.0.0`) and when, for the journal's rows."""

    cause: str
    now_ms: int
    zone: tzinfo = TYPED_ZONE

    def write(self, tx: Transaction, kind: str, **detail: Any) -> None:
        """Add one row."""
        text = orjson.dumps(detail).decode()
        tx.execute(_WRITE, {"cause": self.cause, "kind": kind, "detail": text, "at": self.now_ms})


def apply(
    tx: Transaction, changes: Sequence[Any], tables_old: Tables | None, tables_new: Tables, journal: Journal
) -> None:
    """Make the physical schema that of `tables_new`; `changes` are noted in the journal as they were planned.

    Crash points: `schema.<step>` for each of `STEPS`, before the step.
    """
    tx.advisory_lock(_LOCK)
    job = _Job(tx, tables_old, tables_new, journal)
    for change in changes:
        journal.write(
            tx,
            "planned",
            change=str(getattr(change, "kind", change)),
            entity=str(getattr(change, "entity", "")),
        )
    for step in STEPS:
        fault.point(f"schema.{step}")
        getattr(job, step)()
    fault.point("schema.after")


_LOCK = 7_201_002


@dataclass(slots=True)
class _Job:
    tx: Transaction
    old: Tables | None
    new: Tables
    journal: Journal
    reckoned: dict[str, bool] = field(default_factory=dict)  # entities whose roll-ups were computed anew
    numbered: dict[str, int] = field(default_factory=dict)  # records that got their number
    moved: dict[str, set[str]] = field(
        default_factory=dict
    )  # fields whose values were written anew, by entity

    def physical(self) -> Physical:
        """The schema as it is now."""
        return physical.read(self.tx)

    def tables(self) -> None:
        """Archive what the last change left out, then create what is missing."""
        now = self.physical()
        for detail in _left_out(self.tx):
            self._archive(now, detail)
        now = self.physical()
        for ref, made in self.new.by_entity.items():
            if not now.has(made.table.name):
                self.tx.ddl(CreateTable(made.table))
                after = births.head(self.tx)
                self.journal.write(self.tx, "table_added", table=made.table.name, entity=ref, after=after)

    def columns(self) -> None:
        """Add missing columns, always at the end, always empty; with the mark of their birth."""
        now = self.physical()
        for ref, made in self.new.by_entity.items():
            there = now.columns[made.table.name]
            fields = {str(each.name): name for name, own in made.columns.items() for each in own}
            for column in made.table.columns:
                name = str(column.name)
                if name not in there:
                    self.tx.ddl(ddl.AddColumn(column))
                    born = {"entity": ref, "field": fields.get(name, name), "after": births.head(self.tx)}
                    self.journal.write(self.tx, "column_added", table=made.table.name, column=name, **born)

    def retype(self) -> None:
        """A field of another kind: the old column is archived, a new one filled from it in batches."""
        if self.old is None:
            return
        for ref, made in self.new.by_entity.items():
            before = self.old.by_entity.get(ref)
            if before is None:
                continue
            for name in retype.retyped(before, made):
                self.moved.setdefault(ref, set()).add(name)
                lost = retype.run(self.tx, before, made, name, self._number())
                self.journal.write(self.tx, "retyped", table=made.table.name, field=name, unreadable=lost)

    def joins(self) -> None:
        """A join table per field of links; a new one is filled from what the records hold."""
        now = self.physical()
        for ref, made in self.new.by_entity.items():
            for name, join in made.joins.items():
                if not now.has(join.name):
                    self.tx.ddl(CreateTable(join))
                    self.journal.write(self.tx, "table_added", table=join.name, entity=ref, field=name)
                    joins.rebuild(self.tx, self.new, made, name)

    def keys(self) -> None:
        """Foreign keys, on PostgreSQL after every table and column is there (SQLite has them inline)."""
        if self.tx.dialect == "sqlite":
            return
        now = self.physical()
        for table in self.new.metadata.tables.values():
            there = now.keys.get(table.name, frozenset())
            for key in table.foreign_key_constraints:
                if key.name not in there:
                    self.tx.ddl(AddConstraint(key))

    def indexes(self) -> None:
        """Drop indexes nobody wants any more, create the missing ones; names are made from their columns."""
        now = self.physical()
        for made in self.new.by_entity.values():
            for table in (made.table, *made.joins.values()):
                wanted = {str(index.name): index for index in table.indexes}
                there = {n for n in now.indexes.get(table.name, ()) if n.startswith(OURS)}
                for name in sorted(there - wanted.keys()):
                    self.tx.ddl(ddl.DropIndexByName(name))
                for name in sorted(wanted.keys() - there):
                    self._create_index(made, wanted[name])

    def _create_index(self, made: EntityTable, index: sa.Index) -> None:
        try:
            self.tx.ddl(CreateIndex(index))
        except sa.exc.IntegrityError as error:
            fields = ", ".join(str(column.name) for column in index.columns)
            raise refuse("storage.not_unique", entity=made.entity.ref, fields=fields) from error

    def search(self) -> None:
        """A search index per entity with search fields, filled anew when those fields or what they hold changed."""
        now = self.physical()
        for ref, made in self.new.by_entity.items():
            name = search_table(made.table.name)
            if not made.search:
                continue
            before = self.old.by_entity.get(ref) if self.old is not None else None
            is_new = not now.has(name)
            if is_new:
                for statement in search.create_statements(made, self.tx.dialect):
                    self.tx.command(statement)
            moved = not self.moved.get(ref, set()).isdisjoint(made.search)
            if is_new or moved or before is None or before.search != made.search:
                rebuild_search(self.tx, made)

    def matches(self) -> None:
        """What records are compared by, entered anew for matches that are new, or compare otherwise or something else."""
        for ref, made in self.new.by_entity.items():
            before = self.old.by_entity.get(ref) if self.old is not None else None
            known = set(before.matches) if before is not None else set()
            moved = not self.moved.get(ref, set()).isdisjoint(match_keys.fields_of(made))
            if moved or set(made.matches) - known:
                rebuild_matches(self.tx, made)
            for gone in {each.ref for each in known} - {each.ref for each in made.matches}:
                match_keys.forget(self.tx, gone)

    def rollups(self) -> None:
        """Figures of roll-ups that are new or whose source holds something else now, from the records there."""
        for ref, made in self.new.by_entity.items():
            before = self.old.by_entity.get(ref) if self.old is not None else None
            known = _reckoned(self.old, before) if self.old is not None and before is not None else set()
            if _reckoned(self.new, made) - known:
                self.reckoned[ref] = True
                rebuild_rollups(self.tx, self.new, made)

    def formulas(self) -> None:
        """Formulas that are new, read otherwise or look at something else now, for the records there; roll-ups over
        them after that, and then what looks at those."""
        moved = {ref for ref, made in self.new.by_entity.items() if self._looks_new(ref, made)}
        for ref in sorted(moved):
            self._refill(self.new.entity(ref))
        for made in self.new.by_entity.values():
            if any(each.child in moved and _over_formula(self.new, each) for each in made.entity.rollups):
                rebuild_rollups(self.tx, self.new, made)
                self._refill(made)

    def _looks_new(self, ref: str, made: EntityTable) -> bool:
        before = self.old.by_entity.get(ref) if self.old is not None else None
        known = _computed(before) if before is not None else set()
        leaning = self.reckoned.get(ref, False) or bool(self.numbered.get(ref))
        return bool(_computed(made) - known) or (leaning and bool(formulas.stored_of(made)))

    def _refill(self, made: EntityTable) -> None:
        count = formulas.refill(self.tx, made)
        if count:
            names = [each.field for each in formulas.stored_of(made)]
            self.journal.write(self.tx, "computed", table=made.table.name, fields=names, records=count)

    def numbers(self) -> None:
        """Records without the number that their entity now gives get one, oldest first."""
        for made in self.new.by_entity.values():
            count = numbering.number_all(self.tx, made, self.journal.zone)
            if count:
                self.numbered[made.entity.ref] = count
                self.moved.setdefault(made.entity.ref, set()).update(numbering.assigned(made))
                self.journal.write(self.tx, "numbered", table=made.table.name, records=count)

    def archive(self) -> None:
        """Note what the catalogue no longer has, and what it held; it is renamed by the next change."""
        if self.old is None:
            return
        for ref, before in self.old.by_entity.items():
            made = self.new.by_entity.get(ref)
            held = retype.held(before)
            for join in before.joins.values():
                if join.name not in self.new.metadata.tables:
                    self.journal.write(
                        self.tx, "left_out", table=join.name, column=None, held={}, whole=False
                    )
            if made is None:
                whole = before.entity.app not in self.new.catalogue.apps
                self.journal.write(
                    self.tx, "left_out", table=before.table.name, column=None, held=held, whole=whole
                )
                continue
            for column in before.table.columns:
                name = str(column.name)
                if name not in made.table.c:
                    table, was = made.table.name, {name: held[name]} if name in held else {}
                    self.journal.write(self.tx, "left_out", table=table, column=name, held=was)

    def _archive(self, now: Physical, detail: dict[str, Any]) -> None:
        """Archive one thing left out. Only what left with its whole app comes back with what it held: who may see
        it came back too. A field or an entity that its app dropped and has again is a new one, and empty."""
        table, column = detail["table"], detail["column"]
        made = next((m for m in self.new.by_entity.values() if m.table.name == table), None)
        if not now.has(table):
            return
        if column is not None:
            self._archive_column(now, table, column)
        elif made is None or not detail.get("whole", True):
            self._archive_table(now, table)
        else:
            wanted = retype.held(made)
            for name, was in detail.get("held", {}).items():
                if wanted.get(name) != was:
                    self._archive_column(now, table, name)
            self.journal.write(self.tx, "returned", table=table, column=column)

    def _archive_column(self, now: Physical, table: str, column: str) -> None:
        if column in now.columns[table]:
            retype.archive_column(self.tx, now, table, column, self._number())
        self.journal.write(
            self.tx, "archived", table=table, column=column
        )  # a retype may have done so before

    def _archive_table(self, now: Physical, table: str) -> None:
        for name in sorted(n for n in now.indexes.get(table, ()) if n.startswith(OURS)):
            self.tx.ddl(ddl.DropIndexByName(name))
        self.tx.ddl(ddl.RenameTable(table, f"_archived_{self._number()}_{table}"[:63]))
        self.journal.write(self.tx, "archived", table=table, column=None)

    def _number(self) -> int:
        return int(self.tx.scalar(sa.select(sa.func.count()).select_from(journal_table)) or 0)


def _reckoned(tables: Tables, made: EntityTable) -> set[tuple[Any, ...]]:
    """Each roll-up of an entity with what its source holds."""
    found: set[tuple[Any, ...]] = set()
    for rollup in made.entity.rollups:
        source = tables.entity(rollup.child)
        held = retype.held(source)
        columns = source.columns.get(rollup.of or "", ())
        found.add((rollup, *(held[str(column.name)] for column in columns)))
    return found


def _computed(made: EntityTable) -> set[tuple[Any, ...]]:
    """Each stored formula of an entity with what it and its inputs hold."""
    held = retype.held(made)
    return {
        (
            each,
            made.entity.fields[each.field].spec.get("x-currency"),
            *(
                held[str(column.name)]
                for name in sorted({each.field, *each.inputs})
                for column in made.columns[name]
            ),
        )
        for each in formulas.stored_of(made)
    }


def _over_formula(tables: Tables, rollup: Rollup) -> bool:
    """Whether a roll-up looks at a formula."""
    return any(each.field == rollup.of for each in formulas.stored_of(tables.entity(rollup.child)))


def _left_out(tx: Transaction) -> Iterable[dict[str, Any]]:
    """What was left out and has neither come back nor been archived, oldest first."""
    waiting: dict[tuple[str, str | None], dict[str, Any]] = {}
    for _, kind, text in tx.rows(_READ):
        if kind in ("left_out", "archived", "returned"):
            detail = orjson.loads(text)
            key = (detail["table"], detail["column"])
            if kind == "left_out":
                waiting[key] = detail
            else:
                waiting.pop(key, None)
    return list(waiting.values())


# ---------------------------------------------------------------- rebuilding what is derived
def rebuild_search(tx: Transaction, made: EntityTable) -> None:
    """Fill an entity's search index anew from its records, in batches."""
    tx.execute(sa.delete(sa.table(search_table(made.table.name))))
    for numbers, records in _batches(tx, made, made.search):
        search.put(tx, made, records, numbers)


def rebuild_matches(tx: Transaction, made: EntityTable) -> None:
    """Enter anew what an entity's records are compared by, in batches."""
    for match in made.matches:
        match_keys.forget(tx, match.ref)
    for _, records in _batches(tx, made, sorted(match_keys.fields_of(made))):
        match_keys.put(tx, made, records)


def wrong_matches(reader: Reader, made: EntityTable) -> Iterator[str]:
    """The records whose entries do not say what they are compared by."""
    for _, records in _batches(reader, made, sorted(match_keys.fields_of(made))) if made.matches else ():
        yield from match_keys.wrong(reader, made, records)


_Batch = tuple[list[int], list[tuple[str, dict[str, tuple[Any, ...]]]]]


def _batches(tx: Reader, made: EntityTable, names: Sequence[str]) -> Iterator[_Batch]:
    columns = [c for name in names for c in made.columns[name]]
    after = 0
    while True:
        some = sa.select(made.table.c["_row"], made.table.c.id, *columns).where(made.table.c["_row"] > after)
        rows = tx.rows(some.order_by(made.table.c["_row"]).limit(1000))
        if not rows:
            return
        after = rows[-1][0]
        yield [row[0] for row in rows], [(row[1], _slices(made, names, row[2:])) for row in rows]


def _slices(made: EntityTable, names: Sequence[str], values: Sequence[Any]) -> dict[str, tuple[Any, ...]]:
    found, start = {}, 0
    for name in names:
        stop = start + len(made.columns[name])
        found[name] = tuple(values[start:stop])
        start = stop
    return found


def rebuild_rollups(tx: Transaction, tables: Tables, made: EntityTable) -> None:
    """Compute every roll-up of an entity anew, for all its records at once."""
    for child in tables.by_entity.values():
        for kept in rollups.over(tables, child):
            if kept.parent is made:
                rollups.recompute_all(tx, kept)


# ---------------------------------------------------------------- checking
def verify(reader: Reader, tables: Tables) -> tuple[Problem, ...]:
    """Where the physical schema is not the catalogue's: missing tables, columns, indexes, other types."""
    now = physical.read(reader)
    found: list[Problem] = []
    for made in tables.by_entity.values():
        table = made.table.name
        if not now.has(table):
            found.append(_drift(table, "the table is missing"))
            continue
        for column in made.table.columns:
            kind = now.columns[table].get(column.name)
            if kind is None:
                found.append(_drift(table, f"the column {column.name} is missing"))
            elif kind != physical.basic_of(column):
                found.append(_drift(table, f"the column {column.name} holds {kind}"))
        there = now.indexes.get(table, frozenset())
        found.extend(
            _drift(table, f"the index {index.name} is missing")
            for index in made.table.indexes
            if index.name not in there
        )
        found.extend(
            _drift(t.name, "the table is missing") for t in made.joins.values() if not now.has(t.name)
        )
        if made.search and not now.has(search_table(table)):
            found.append(_drift(table, "the search index is missing"))
    return tuple(found)


def _drift(table: str, what: str) -> Problem:
    return problem("storage.schema_drift", table=table, what=what)
