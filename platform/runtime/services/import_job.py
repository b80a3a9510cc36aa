"""One import being carried through: batch by batch, each whole or not there, every row accounted for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from dacheng.metadata.problem import Problem, Refused, problem, refuse
from dacheng.plugins.context import Cause
from dacheng.runtime.services import import_source, notices, write_record
from dacheng.runtime.services.import_cells import (
    Cells,
    Draft,
    describe_problems,
    pending_links,
    plain_key,
)
from dacheng.runtime.services.import_links import SEVERAL, LinkBook, Pending, find_records
from dacheng.runtime.services.import_mapping import demand_modes, parse_mapping
from dacheng.runtime.services.import_table import Table
from dacheng.runtime.services.notices import Notice
from dacheng.runtime.services.sessions import milliseconds
from dacheng.runtime.services.site import Site
from dacheng.runtime.services.work import Work
from dacheng.runtime.services.write_record import Write
from dacheng.runtime.storage import fault, imports
from dacheng.runtime.storage.imports import RowResult, Run
from dacheng.runtime.storage.reader import Reader, Transaction

BATCH = 500
REMEMBERED = 300
MOVED = frozenset({"storage.version_moved", "record.version_moved"})
Progress = Callable[[str, int, int], None]


class ImportJob:
    """One import being carried through, each row planned by itself."""

    def __init__(self, site: Site, work: Work, run: Run, table: Table, progress: Progress) -> None:
        self.site, self.run, self.table, self.progress = site, run, table, progress
        self.work = _caused(work, run)
        self.mapping = parse_mapping(
            self.work, run.entity, table.header, run.mapping, historic=bool(run.mapping["historic"])
        )
        demand_modes(self.work, self.mapping)
        self.cells = Cells(self.work, run.entity, self.mapping, table.header)
        self.book = LinkBook.of(self.work, run.entity, self.mapping, self._drafts(1))
        self.done = run.stored + run.failed
        self.open: list[dict[str, Any]] = []  # links to rows of the file that stayed empty

    def carry_through(self) -> None:
        """All rows behind the position, then links between rows of the file, then the end."""
        self.store_rows()
        if any(self.book.own.values()):
            self._own_links()
        now = milliseconds(self.work.context.now)
        self.site.db.write_now(lambda tx: self._finished(tx, now))
        self.progress("import", self.run.total, self.run.total)

    def store_rows(self) -> None:
        """All rows behind the position, in batches that no key is twice in."""
        batch: list[Draft] = []
        keys: set[str] = set()
        for draft in self._drafts(self.run.position):
            key = self._key_text(draft)
            if len(batch) >= BATCH or (key and key in keys):
                self.store_batch(batch)
                batch, keys = [], set()
            batch.append(draft)
            keys.add(key)
        if batch:
            self.store_batch(batch)

    def _finished(self, tx: Transaction, now: int) -> None:
        """The run is done, and whoever started it is told; links that stayed empty are kept with it."""
        more = {"open": len(self.open), "open_links": self.open[:REMEMBERED]} if self.open else {}
        imports.set_state(tx, self.run.id, imports.DONE, now, {**(self.run.detail or {}), **more})
        notice = Notice("import", self.run.entity, self.run.id, more={"file": self.run.file_name})
        notices.put(tx, notice, [self.run.actor], f"import:{self.run.id}", now)

    def _drafts(self, position: int) -> Iterator[Draft]:
        return (self.cells.draft(row, cells) for row, cells in import_source.after(self.table, position))

    def store_batch(self, drafts: Sequence[Draft]) -> None:
        """Find or make what these rows link to, and store them."""
        self.find_links(pending_links(drafts))
        self._store(drafts)
        self.moved_on(len(drafts))

    def find_links(self, pending: Pending) -> None:
        """Look up what is linked to, and make the records that the mapping wants made."""
        self.site.db.read_now(lambda reader: self.book.look_up(reader, pending))
        for (ref, by), texts in self.book.to_create(pending).items():
            self._create_targets(ref, by, texts)

    def moved_on(self, rows: int) -> None:
        """Some more rows are done."""
        self.done += rows
        self.progress("import", min(self.done, self.run.total), self.run.total)

    # ------------------------------------------------------------ records that links ask for
    def _create_targets(self, ref: str, by: str, texts: Sequence[str]) -> None:
        """Make one record per text, each noted with the import; one that is refused is left to its rows."""
        writes = [Write("create", ref, values={by: text}, rules=self.mapping.rules) for text in texts]
        answers = self._prepared(writes)
        good = [(t, a) for t, a in zip(texts, answers, strict=True) if not isinstance(a, Refused)]
        if not good:
            return

        def settle(tx: Transaction) -> list[str]:
            made = write_record.commit_many(tx, self.work, [prepared for _, prepared in good])
            line = imports.lowest_line(tx, self.run.id)
            results = [
                RowResult(line - number, imports.TARGET, ref, each.id, each.version)
                for number, each in enumerate(made, 1)
            ]
            imports.add_rows(tx, self.run.id, results)
            return [each.id for each in made]

        try:
            made = self.site.db.write_now(settle, urgent=False)
        except Refused as refused:
            if not has_moved(refused):
                raise
            self.renew()
            self._create_targets(ref, by, texts)
            return
        for (text, _), record in zip(good, made, strict=True):
            self.book.learn(ref, by, text, record)
        fault.point("import.targets")

    # ------------------------------------------------------------ rows
    def _store(self, drafts: Sequence[Draft]) -> None:
        """Store these rows in one transaction; when one of them spoils it, halves of it, down to the one."""
        try:
            results, prepared = self.plan(drafts)
            self._commit(drafts, results, prepared)
        except Refused as refused:
            if has_moved(refused):
                self.renew()
                self._store(drafts)
            elif any(each.code == "import.not_running" for each in refused.problems):
                raise
            elif len(drafts) == 1:
                self._commit(drafts, [_failed(drafts[0], refused.problems)], [])
            else:
                middle = len(drafts) // 2
                self._store(drafts[:middle])
                self._store(drafts[middle:])

    def plan(self, drafts: Sequence[Draft]) -> tuple[list[RowResult], list[tuple[Draft, Any]]]:
        """Rows that fail already, and the others prepared."""
        existing = self._existing(drafts)
        failed: list[RowResult] = []
        going: list[tuple[Draft, Write]] = []
        for draft in drafts:
            values, problems = self.book.resolve(draft)
            write = None if problems else self._write(draft, values, existing, problems)
            if write is None:
                failed.append(_failed(draft, problems))
            else:
                going.append((draft, write))
        answers = self._prepared([write for _, write in going])
        ready: list[tuple[Draft, Any]] = []
        for (draft, _), answer in zip(going, answers, strict=True):
            if isinstance(answer, Refused):
                failed.append(_failed(draft, answer.problems))
            else:
                ready.append((draft, answer))
        return failed, ready

    def _write(
        self,
        draft: Draft,
        values: dict[str, Any],
        existing: Mapping[str, str | None],
        problems: list[Problem],
    ) -> Write | None:
        """The write a row asks for; without one, `problems` says why."""
        action, record = "create", None
        if self.mapping.key:
            text = self._key_text(draft)
            if not text:
                problems.append(problem("import.key_missing", f"/{self.mapping.key}"))
                return None
            record = existing.get(text)
            if record == SEVERAL:
                code = "import.link_ambiguous"
                key = plain_key(text)
                problems.append(problem(code, f"/{self.mapping.key}", value=key, entity=self.run.entity))
                return None
            action = "update" if record else "create"
        return Write(
            action,
            self.run.entity,
            id=record,
            values=values,
            rules=self.mapping.rules,
            historic=self.mapping.historic,
            typed=True,
        )

    def _existing(self, drafts: Sequence[Draft]) -> Mapping[str, str | None]:
        if not self.mapping.key:
            return {}
        texts = [self._key_text(draft) for draft in drafts]
        return self.site.db.read_now(lambda reader: self.book.existing(reader, self.mapping, texts))

    def _key_text(self, draft: Draft) -> str:
        return self.cells.key_text(draft)

    def _prepared(self, writes: Sequence[Write]) -> list[Any]:
        return self.site.db.read_now(lambda reader: write_record.prepare_many(reader, self.work, writes))

    def _commit(
        self,
        drafts: Sequence[Draft],
        failed: Sequence[RowResult],
        ready: Sequence[tuple[Draft, Any]],
    ) -> None:
        """One transaction: records, what became of every row, how far the import is."""

        def settle(tx: Transaction) -> list[write_record.Outcome]:
            made = write_record.commit_many(tx, self.work, [prepared for _, prepared in ready])
            results = [
                RowResult(
                    draft.row,
                    imports.UPDATED if prepared.write.action == "update" else imports.CREATED,
                    self.run.entity,
                    each.id,
                    each.version,
                )
                for (draft, prepared), each in zip(ready, made, strict=True)
            ]
            imports.add_rows(tx, self.run.id, [*results, *failed])
            if not imports.advance(tx, self.run.id, drafts[-1].row, len(made), len(failed)):
                raise refuse("import.not_running", state=imports.CANCELLED)
            fault.point("import.before_commit")
            return made

        made = self.site.db.write_now(settle, urgent=False)
        fault.point("import.after_commit")
        told = [write for each in made for write in each.writes]
        if told:
            self.work.hooks.after_write(self.work.context, told)

    # ------------------------------------------------------------ links between rows of the file
    def _own_links(self) -> None:
        """Fill in links whose target is a row of the same file; doing it again changes nothing."""
        rows = self.site.db.read_now(self._stored_rows)
        waiting: list[tuple[str, dict[str, str]]] = []
        for draft in self._drafts(1):
            links = self.book.own_links(draft)
            if links and draft.row in rows:
                waiting.append((rows[draft.row], links))
        for start_at in range(0, len(waiting), BATCH):
            self._link(waiting[start_at : start_at + BATCH])

    def _stored_rows(self, reader: Reader) -> dict[int, str]:
        found: dict[int, str] = {}
        for what in (imports.CREATED, imports.UPDATED):
            found.update({r.line: r.record or "" for r in imports.rows(reader, self.run.id, what)})
        return found

    def _link(self, waiting: Sequence[tuple[str, dict[str, str]]]) -> None:
        def look(reader: Reader) -> dict[str, dict[str, str | None]]:
            texts: dict[str, dict[str, None]] = {}
            for _, links in waiting:
                for name, text in links.items():
                    texts.setdefault(name, {})[text] = None
            return {
                name: find_records(reader, self.work, self.run.entity, self.book.columns[name].match, wanted)
                for name, wanted in texts.items()
            }

        found = self.site.db.read_now(look)
        left = [
            (record, why)
            for record, links in waiting
            for name, text in links.items()
            if (why := self._unanswered(name, text, found[name][text])) is not None
        ]
        writes = []
        for record, links in waiting:
            values = {n: found[n][t] for n, t in links.items() if found[n][t] not in (None, SEVERAL)}
            if values:
                historic = self.mapping.historic
                writes.append(
                    Write("update", self.run.entity, record, values, rules=False, historic=historic)
                )
        answers = self._prepared(writes)
        ready = [each for each in answers if not isinstance(each, Refused)]
        left += [
            (write.id or "", answer.problems[0])
            for write, answer in zip(writes, answers, strict=True)
            if isinstance(answer, Refused)
        ]

        def settle(tx: Transaction) -> None:
            for each in write_record.commit_many(tx, self.work, ready):
                imports.set_version(tx, self.run.id, each.id, each.version)

        try:
            self.site.db.write_now(settle, urgent=False)
        except Refused as refused:
            if not has_moved(refused):
                raise
            self.renew()
            self._link(waiting)
        else:
            self.open += [{"record": record, **describe_problems([why])[0]} for record, why in left]

    def _unanswered(self, name: str, text: str, record: str | None) -> Problem | None:
        """What to say of a link that no row of the file answers after all, or several do."""
        if record not in (None, SEVERAL) or (record is None and self.book.columns[name].missing == "empty"):
            return None
        return self.book.unanswered(name, text, several=record == SEVERAL)

    def renew(self) -> None:
        """Definitions or people moved: go on with what is true now, as the same person."""
        self.work = _caused(self.site.renew(self.work), self.run)
        demand_modes(self.work, self.mapping)
        self.book.work = self.work
        self.cells = Cells(self.work, self.run.entity, self.mapping, self.table.header)


def _caused(work: Work, run: Run) -> Work:
    cause = Cause("import", run.id, person=work.context.actor.id)
    return replace(work, context=work.context.because(cause))


def _failed(draft: Draft, problems: Sequence[Problem]) -> RowResult:
    return RowResult(
        draft.row,
        imports.FAILED,
        problems=describe_problems(problems),
        original=list(draft.cells),
    )


def has_moved(refused: Refused) -> bool:
    """Whether something was refused only because its ground moved since it was planned."""
    return any(each.code in MOVED for each in refused.problems)
