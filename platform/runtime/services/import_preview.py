"""What an import would do, before it does anything: counts, samples, what it would create, what is wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from dacheng.metadata.kinds import Json
from dacheng.metadata.problem import Problem, Refused, problem
from dacheng.runtime.services import import_unique, write_record
from dacheng.runtime.services.import_cells import Cells, Draft, pending_links, plain_key
from dacheng.runtime.services.import_changes import Change, changes
from dacheng.runtime.services.import_links import SEVERAL, LinkBook, Pending
from dacheng.runtime.services.import_mapping import ImportMapping, fillable
from dacheng.runtime.services.import_records import mapping_of
from dacheng.runtime.services.import_source import Source
from dacheng.runtime.services.import_table import Table
from dacheng.runtime.services.site import Site
from dacheng.runtime.services.work import Work
from dacheng.runtime.services.write_record import Write
from dacheng.runtime.storage.reader import Reader

SAMPLE_ROWS = 5
SAMPLE_PROBLEMS = 20
TRIED_ROWS = 500
MISFITS = 50


@dataclass(frozen=True, slots=True)
class RowProblem:
    """What is wrong with one row; the pointer names the field."""

    row: int
    problem: Problem


@dataclass(frozen=True, slots=True)
class Misfit:
    """A text of the file that a field cannot take, and in how many rows it stands."""

    field: str
    text: str
    rows: int


@dataclass(frozen=True, slots=True)
class Preview:
    """A file seen through a mapping. `wrong` counts rows with problems by code; rules are tried on the first
    500 rows, everything else on all of them."""

    encoding: str
    delimiter: str
    header: tuple[str, ...]
    sample: tuple[tuple[str, ...], ...]
    mapping: ImportMapping
    fields: tuple[str, ...]
    rows: int
    creates: int
    updates: int
    failing: int
    to_create: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    wrong: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[RowProblem, ...] = ()
    unchanged: int = 0  # of the updates
    changes: tuple[Change, ...] = ()
    misfits: tuple[Misfit, ...] = ()

    def json(self, locale: str) -> dict[str, Any]:
        """The preview as commands and the API give it."""
        return {
            "encoding": self.encoding,
            "delimiter": self.delimiter,
            "header": list(self.header),
            "mapping": self.mapping.json(),
            "rows": self.rows,
            "creates": self.creates,
            "updates": self.updates,
            "unchanged": self.unchanged,
            "failing": self.failing,
            "to_create": {ref: len(texts) for ref, texts in self.to_create.items()},
            "changes": [asdict(each) for each in self.changes],
            "misfits": [asdict(each) for each in self.misfits],
            "problems": [
                {
                    "row": each.row,
                    "code": each.problem.code,
                    "pointer": each.problem.pointer,
                    "message": each.problem.message_in(locale),
                }
                for each in self.problems
            ],
        }

    def lines(self, locale: str) -> list[str]:
        """The same for people."""
        lines = [
            (
                f"{self.rows} rows ({self.encoding}): {self.creates} new, "
                f"{self.updates - self.unchanged} changed, {self.unchanged} as they are, "
                f"{self.failing} not possible"
            )
        ]
        lines += [f"  {each.field} ← {each.column or each.value}" for each in self.mapping.columns]
        lines += [f"  creates {len(texts)} of {ref}" for ref, texts in self.to_create.items()]
        lines += [f"  row {each.row} {each.field}: {each.before} → {each.after}" for each in self.changes]
        lines += [
            f"  row {each.row} {each.problem.pointer}: {each.problem.message_in(locale)}"
            for each in self.problems
        ]
        return lines


def preview(
    site: Site,
    work: Work,
    entity: str,
    source: Source,
    raw: Json = None,
    *,
    rules: bool = True,
    historic: bool = False,
) -> Preview:
    """Read the whole file and try it; changes nothing. A file or mapping that does not fit raises `Refused`."""
    table = source.read(site)
    mapping = mapping_of(work, entity, table, raw, rules=rules, historic=historic)
    cells = Cells(work, entity, mapping, table.header)
    drafts = [cells.draft(row, values) for row, values in table.rows()]
    return site.db.read_now(lambda reader: _try(reader, work, entity, table, mapping, cells, drafts))


def _unfit_key(field: str, text: str, entity: str) -> Problem:
    """Why a row's key finds no one record: it is empty, or several records have it."""
    if not text:
        return problem("import.key_missing", f"/{field}")
    return problem("import.link_ambiguous", f"/{field}", value=text, entity=entity)


def _learnt(book: LinkBook, pending: Pending) -> dict[str, tuple[str, ...]]:
    """The texts, by entity, that would get a record of their own; from here on the book takes them as found."""
    found: dict[str, tuple[str, ...]] = {}
    for (ref, by), texts in book.to_create(pending).items():
        found[ref] = (*found.get(ref, ()), *texts)
        for text in texts:
            book.learn(ref, by, text, "")
    return found


def _try(
    reader: Reader,
    work: Work,
    entity: str,
    table: Table,
    mapping: ImportMapping,
    cells: Cells,
    drafts: Sequence[Draft],
) -> Preview:
    book = LinkBook.of(work, entity, mapping, drafts)
    pending = pending_links(drafts)
    book.look_up(reader, pending)
    to_create = _learnt(book, pending)
    existing = book.existing(reader, mapping, map(cells.key_text, drafts))
    problems: list[RowProblem] = []
    ready: list[tuple[Draft, Write]] = []
    rows: list[import_unique.Row] = []
    asked = Write("create", entity, rules=mapping.rules, historic=mapping.historic, typed=True)
    for draft in drafts:
        values, found = book.resolve(draft)
        key = cells.key_text(draft)
        record = existing.get(key)
        if not found and mapping.key and (not key or record == SEVERAL):
            found = [_unfit_key(mapping.key, plain_key(key), entity)]
        if found:
            problems.extend(RowProblem(draft.row, each) for each in found)
            continue
        rows.append(import_unique.Row(draft.row, key, record, values))
        if len(ready) < TRIED_ROWS and "" not in values.values():
            action = "update" if record else "create"
            ready.append((draft, replace(asked, action=action, id=record, values=values)))
    problems.extend(_refusals(reader, work, ready))
    rows = _without(rows, problems)
    problems.extend(RowProblem(*each) for each in import_unique.taken(reader, work, entity, rows))
    rows = _without(rows, problems)
    changing = [(each.number, each.record, each.values) for each in rows if each.record]
    compared = changes(reader, work, entity, changing)
    return Preview(
        table.encoding,
        table.delimiter,
        table.header,
        tuple(draft.cells for draft in drafts[:SAMPLE_ROWS]),
        mapping,
        tuple(fillable(work, entity, historic=mapping.historic)),
        len(drafts),
        len(rows) - len(changing),
        len(changing),
        len(drafts) - len(rows),
        to_create,
        Counter(each.problem.code for each in problems),
        tuple(sorted(problems, key=lambda each: each.row)[:SAMPLE_PROBLEMS]),
        compared.unchanged,
        compared.samples,
        _misfits(mapping, problems),
    )


def _refusals(reader: Reader, work: Work, ready: Sequence[tuple[Draft, Write]]) -> Iterator[RowProblem]:
    """What rules or the fields themselves refuse of these rows."""
    answers = write_record.prepare_many(reader, work, [write for _, write in ready])
    for (draft, _), answer in zip(ready, answers, strict=True):
        if isinstance(answer, Refused):
            yield from (RowProblem(draft.row, each) for each in answer.problems)


def _without(rows: Sequence[import_unique.Row], problems: Sequence[RowProblem]) -> list[import_unique.Row]:
    failing = {each.row for each in problems}
    return [each for each in rows if each.number not in failing]


def _misfits(mapping: ImportMapping, problems: Sequence[RowProblem]) -> tuple[Misfit, ...]:
    """The texts that stand in the way, the most frequent first: mended once for all rows."""
    columns = {each.field for each in mapping.columns if each.column}
    counted = Counter(
        (each.problem.pointer.strip("/"), str(each.problem.params["value"]))
        for each in problems
        if "value" in each.problem.params
    )
    found = [Misfit(name, text, rows) for (name, text), rows in counted.most_common() if name in columns]
    return tuple(found[:MISFITS])
