"""An import whose rows need no planning by themselves: whole columns at a time, in large transactions that yield."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

from dacheng.metadata.problem import Refused, refuse
from dacheng.runtime.services import import_source, write_batch
from dacheng.runtime.services.import_bulk import Bulk
from dacheng.runtime.services.import_columns import Row
from dacheng.runtime.services.import_job import ImportJob, Progress, has_moved
from dacheng.runtime.services.import_table import Table
from dacheng.runtime.services.site import Site
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage import fault, imports
from dacheng.runtime.storage.imports import RowResult, Run
from dacheng.runtime.storage.reader import Transaction
from dacheng.runtime.storage.record_batch import RecordBatch

ROWS = 1000  # read, planned and stored together; whoever waits for the database waits for no more of them
PARTS = 16  # in one transaction, as long as nobody waits
FEW = 16  # rows that are planned one by one when something among them is refused


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows ready to be stored, and those that failed already."""

    rows: Sequence[Row]
    lines: Sequence[int]
    batch: RecordBatch
    failed: Sequence[RowResult]


class BulkImportJob(ImportJob):
    """One import being carried through, by columns where that leads to the same records, else row by row."""

    def __init__(self, site: Site, work: Work, run: Run, table: Table, progress: Progress) -> None:
        super().__init__(site, work, run, table, progress)
        self.bulk = Bulk.of(self.work, run.entity, self.mapping, table.header)
        self.at_once = 1

    def store_rows(self) -> None:
        """All rows behind the position; transactions grow while nobody else wants to write."""
        if self.bulk is None:
            super().store_rows()
            return
        ready: list[Part] = []
        for rows in _in_parts(import_source.after(self.table, self.run.position)):
            part = self._planned(rows)
            if part is not None:
                ready.append(part)
            if part is None or len(ready) >= self.at_once:
                self._store_parts(ready)
                ready = []
            if part is None:
                self._row_by_row(rows)
        self._store_parts(ready)

    def renew(self) -> None:
        """Definitions or people moved: what can go in bulk may have moved too."""
        super().renew()
        self.bulk = Bulk.of(self.work, self.run.entity, self.mapping, self.table.header)

    # ------------------------------------------------------------ planning
    def _planned(self, rows: Sequence[Row]) -> Part | None:
        """The rows ready to be stored; None when one of them is good but has to be planned by itself."""
        bulk = self.bulk
        if bulk is None:
            return None
        sheet = bulk.read(rows)
        self.find_links(sheet.pending())
        columns, odd = self.site.db.read_now(lambda reader: bulk.settle(reader, self.book, sheet))
        failed: list[RowResult] = []
        if odd:
            failed, good = self.plan([self.cells.draft(*rows[place]) for place in sorted(odd)])
            if good:
                return None
        lines = [row[0] for place, row in enumerate(rows) if place not in odd]
        return Part(rows, lines, bulk.batch(columns, odd, len(rows)), failed)

    # ------------------------------------------------------------ storing
    def _store_parts(self, parts: Sequence[Part]) -> None:
        """Store parts in as few transactions as those who wait allow; a part that is refused falls apart."""
        while parts:
            try:
                done, wanted = self.site.db.write_now(partial(self._settle, parts), urgent=False)
            except Refused as refused:
                self._after_refusal(parts, refused)
                return
            fault.point("import.after_commit")
            self.at_once = 1 if wanted else min(2 * self.at_once, PARTS)
            self.moved_on(sum(len(part.rows) for part in parts[:done]))
            parts = parts[done:]

    def _settle(self, parts: Sequence[Part], tx: Transaction) -> tuple[int, bool]:
        """Store parts until somebody waits: how many, and whether it came to that."""
        done, wanted = 0, False
        for part in parts:
            write_batch.commit_batch(tx, self.work, part.batch)
            imports.add_created(tx, self.run.id, self.run.entity, part.lines, part.batch.ids)
            imports.add_rows(tx, self.run.id, part.failed)
            if not imports.advance(tx, self.run.id, part.rows[-1][0], len(part.lines), len(part.failed)):
                raise refuse("import.not_running", state=imports.CANCELLED)
            done, wanted = done + 1, tx.awaited()
            if wanted:
                break
        fault.point("import.before_commit")
        return done, wanted

    def _after_refusal(self, parts: Sequence[Part], refused: Refused) -> None:
        """Nothing of these parts is stored: plan them anew, or find the rows that are in the way."""
        if any(each.code == "import.not_running" for each in refused.problems):
            raise refused
        moved = has_moved(refused)
        if moved:
            self.renew()
        for part in parts:
            if moved:
                self._again(part.rows)
            elif len(parts) > 1:
                self._store_parts([part])
            else:
                middle = len(part.rows) // 2
                self._again(part.rows[:middle])
                self._again(part.rows[middle:])

    def _again(self, rows: Sequence[Row]) -> None:
        part = self._planned(rows) if len(rows) > FEW else None
        if part is not None:
            self._store_parts([part])
        else:
            self._row_by_row(rows)

    def _row_by_row(self, rows: Sequence[Row]) -> None:
        if rows:
            self.store_batch([self.cells.draft(*row) for row in rows])


def _in_parts(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """The rows, some at a time."""
    left = iter(rows)
    while part := list(islice(left, ROWS)):
        yield part
