"""Taking an import out again: everything it made or changed, except what somebody edited since."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from dacheng.metadata.problem import Problem, Refused, problem, refuse
from dacheng.plugins.context import Cause
from dacheng.runtime.services import write_record
from dacheng.runtime.services.import_cells import describe_problems
from dacheng.runtime.services.import_records import demand_run
from dacheng.runtime.services.sessions import milliseconds
from dacheng.runtime.services.site import Site
from dacheng.runtime.services.work import Work
from dacheng.runtime.services.write_record import Write
from dacheng.runtime.storage import change_log, imports, joins, records
from dacheng.runtime.storage.imports import RowResult, Run
from dacheng.runtime.storage.reader import Reader

BATCH = 500
CHUNK = 400
REMEMBERED = 300
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Left:
    """A record that an undone import left as it is: kept or not possible, with the reason as a problem."""

    entity: str
    record: str
    kept: bool
    reason: Problem


@dataclass(frozen=True, slots=True)
class Undone:
    """Records taken back, kept because they were edited or are used since, and those that could not be.

    `left` are the first of the last two.
    """

    reversed: int
    kept: int
    failed: int
    left: tuple[Left, ...] = ()


def left_by(run: Run) -> tuple[Left, ...]:
    """The records that undoing this import left as they are, the first few hundred."""
    return tuple(
        Left(each["entity"], each["record"], each["kept"], problem(each["code"], **each["params"]))
        for each in (run.detail or {}).get("left", ())
    )


def open_links(run: Run) -> tuple[Left, ...]:
    """The records that an import stored without a link to a row of the same file, the first few hundred."""
    return tuple(
        Left(run.entity, each["record"], True, problem(each["code"], **each["params"]))
        for each in (run.detail or {}).get("open_links", ())
    )


def undo(site: Site, work: Work, run_id: str, progress: Progress) -> Undone:
    """Undo a finished or cancelled import: created records go to the recycle bin, changed ones get their values
    back, records made for links go when nothing else uses them."""
    run = demand_run(site, work, run_id)
    if run.state == imports.UNDONE:
        raise refuse("import.already_undone")
    if run.state == imports.RUNNING:
        raise refuse("import.still_running")
    job = _Undo(site, _caused(work, run), run, progress)
    for what in (imports.CREATED, imports.UPDATED, imports.TARGET):
        job.take_back(what)
    result = Undone(job.reversed, job.kept, job.failed, tuple(job.left))
    detail = dict(run.detail or {}) | {
        "reversed": result.reversed,
        "kept": result.kept,
        "could_not": result.failed,
        "left": [
            {"entity": each.entity, "record": each.record, "kept": each.kept, **told}
            for each, told in zip(job.left, describe_problems([one.reason for one in job.left]), strict=True)
        ],
    }
    now = milliseconds(work.context.now)
    site.db.write_now(lambda tx: imports.set_state(tx, run_id, imports.UNDONE, now, detail))
    return result


@dataclass(slots=True)
class _Undo:
    site: Site
    work: Work
    run: Run
    progress: Progress
    reversed: int = 0
    kept: int = 0
    failed: int = 0
    left: list[Left] = field(default_factory=list)
    total: int = field(init=False)
    latest: dict[str, int | None] = field(
        init=False
    )  # records that rows changed, as the last of them left them
    again: set[str] = field(default_factory=set)  # of those, the ones that are done with
    own: Counter[str] = field(default_factory=Counter)  # how often this undoing itself has changed a record
    read_to: int = 0
    before: dict[str, dict[str, Any]] | None = None  # what changed records held, read once

    def __post_init__(self) -> None:
        counts = self.site.db.read_now(lambda reader: imports.counts(reader, self.run.id))
        self.total = sum(n for (what, _), n in counts.items() if what != imports.FAILED)
        self.latest = self.site.db.read_now(
            lambda reader: {
                row.record or "": row.version for row in imports.rows(reader, self.run.id, imports.UPDATED)
            }
        )

    def take_back(self, what: str) -> None:
        """All rows of one outcome, the last one first, so that what leans on others goes before them."""
        rows = self.site.db.read_now(lambda reader: list(imports.rows(reader, self.run.id, what)))
        rows = list(self._once(reversed(rows)))
        by_entity: dict[str, list[RowResult]] = {}
        for row in rows:
            by_entity.setdefault(row.entity or "", []).append(row)
        for ref, found in by_entity.items():
            for start in range(0, len(found), BATCH):
                self._batch(ref, what, found[start : start + BATCH])
                done = self.reversed + self.kept + self.failed
                self.progress("undo", min(done, self.total), self.total)

    def _once(self, rows: Iterable[RowResult]) -> Iterator[RowResult]:
        """Each record once, with the version that the last of its rows left."""
        for row in rows:
            record = row.record or ""
            if record not in self.latest:
                yield row
            elif record not in self.again:
                self.again.add(record)
                yield replace(row, version=self.latest[record])

    def _batch(self, ref: str, what: str, rows: Sequence[RowResult]) -> None:
        if ref not in self.work.model.catalogue.entities:
            for row in rows:
                self._leave(ref, row.record, problem("import.entity_gone", name=ref))
            return
        writes = self.site.db.read_now(lambda reader: list(self._writes(reader, ref, what, rows)))
        self._carry_out([each for each in writes if each is not None])

    def _writes(
        self, reader: Reader, ref: str, what: str, rows: Sequence[RowResult]
    ) -> Iterator[Write | None]:
        """What undoes each row that is still as the import left it; counts the others."""
        self._note_own(reader)
        ids = [row.record or "" for row in rows]
        now = records.load(reader, self.work.model, ref, ids)
        used = _used(reader, self.work, ref, ids) if what == imports.TARGET else set()
        if what == imports.UPDATED and self.before is None:
            self.before = _before(reader, self.run.id)
        before = self.before or {}
        for row in rows:
            record = now.get(row.record or "")
            if record is None or record.deleted_at is not None:
                self.reversed += 1
            elif record.version - self.own[record.id] != row.version:
                self._leave(ref, row.record, problem("import.kept_edited"), kept=True)
            elif row.record in used:
                self._leave(ref, row.record, problem("import.kept_used"), kept=True)
            elif what == imports.UPDATED:
                yield Write(
                    "update",
                    ref,
                    id=row.record,
                    values=before.get(row.record or "", {}),
                    expected_version=record.version,
                    rules=False,
                    historic=True,
                )
            else:
                yield Write("delete", ref, id=row.record, expected_version=record.version, rules=False)

    def _note_own(self, reader: Reader) -> None:
        """What went before may have let go of records that are still to come: that is no edit of anybody's."""
        while page := change_log.read_cause(reader, self.work.context.cause.id, self.read_to):
            self.own.update(row.record for row in page if row.action == "update")
            self.read_to = page[-1].seq

    def _leave(self, ref: str, record: str | None, reason: Problem, *, kept: bool = False) -> None:
        """Count a record that stays as it is, and remember the first of them."""
        self.kept, self.failed = self.kept + kept, self.failed + (not kept)
        if len(self.left) < REMEMBERED:
            self.left.append(Left(ref, record or "", kept, reason))

    def _carry_out(self, writes: Sequence[Write]) -> None:
        """One transaction for all; when something stands in the way, halves of it, down to the one."""
        if not writes:
            return
        answers = self.site.db.read_now(lambda reader: write_record.prepare_many(reader, self.work, writes))
        ready = [each for each in answers if not isinstance(each, Refused)]
        for write, answer in zip(writes, answers, strict=True):
            if isinstance(answer, Refused):
                self._leave(write.entity, write.id, answer.problems[0])
        if not ready:
            return
        try:
            self.site.db.write_now(lambda tx: write_record.commit_many(tx, self.work, ready), urgent=False)
        except Refused as refused:
            again = [each.write for each in ready]
            if any(each.code == "storage.version_moved" for each in refused.problems):
                self.work = _caused(self.site.renew(self.work), self.run)
                self._carry_out(again)
            elif len(again) == 1:
                self._leave(again[0].entity, again[0].id, refused.problems[0])
            else:
                middle = len(again) // 2
                self._carry_out(again[:middle])
                self._carry_out(again[middle:])
        else:
            self.reversed += len(ready)


def _before(reader: Reader, run_id: str) -> dict[str, dict[str, Any]]:
    """The values each changed record had before the import first touched it, as JSON."""
    found: dict[str, dict[str, Any]] = {}
    after = 0
    while True:
        rows = change_log.read_cause(reader, run_id, after)
        for row in rows:
            if row.action == "update":
                values = found.setdefault(row.record, {})
                for name, (before, _) in row.changes.items():
                    values.setdefault(name, before)
        if not rows:
            return found
        after = rows[-1].seq


def _used(reader: Reader, work: Work, ref: str, ids: Sequence[str]) -> set[str]:
    """Which of these records living records still link to."""
    used: set[str] = set()
    for other, name in work.model.catalogue.links.get(ref, ()):
        made = work.model.tables.entity(other)
        column = made.columns[name][0]
        for start in range(0, len(ids), CHUNK):
            query = sa.select(column).where(column.in_(ids[start : start + CHUNK]), made.deleted_at.is_(None))
            used.update(str(row[0]) for row in reader.rows(query.distinct()))
    for other, name in work.model.catalogue.many_links.get(ref, ()):
        made = work.model.tables.entity(other)
        held = (
            {} if not ids else records.load(reader, work.model, other, joins.holders(reader, made, name, ids))
        )
        used.update(each for found in held.values() for each in found.json()[name] or ())
    return used & set(ids)


def _caused(work: Work, run: Run) -> Work:
    cause = Cause("import", f"undo:{run.id}", person=work.context.actor.id)
    return replace(work, context=work.context.because(cause))
