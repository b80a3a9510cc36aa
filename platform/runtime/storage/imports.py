"""Import runs: how far each one is, what became of every row, and what it takes to undo it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from dacheng.runtime.storage.reader import Insertion, Prepared, Reader, Transaction
from dacheng.runtime.storage.system_tables import import_row, import_run

RUNNING = "running"
DONE = "done"
CANCELLED = "cancelled"
UNDONE = "undone"
CREATED = "created"
UPDATED = "updated"
FAILED = "failed"
TARGET = "target"  # a record made because a link of a row asked for it
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Run:
    """One import; `position` is the last row finished (the header is row 1), `mapping` and `detail` JSON."""

    id: str
    entity: str
    actor: str
    state: str
    file_name: str
    file_hash: str
    mapping: Any
    position: int = 0
    total: int = 0
    stored: int = 0
    failed: int = 0
    started_at: int = 0
    finished_at: int | None = None
    detail: Any = None


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of one row: the record and its version after, or the problems and the cells as they were.

    Records made for links have negative lines of their own, so that `line` stays unique in a run.
    """

    line: int
    outcome: str
    entity: str | None = None
    record: str | None = None
    version: int | None = None
    problems: Any = None
    original: Any = None


_RUN = tuple(
    import_run.c[name]
    for name in (
        "id", "entity", "actor", "state", "file_name", "file_hash", "mapping", "position", "total",
        "stored", "failed", "started_at", "finished_at", "detail",
    )
)  # fmt: skip
_ROW = (
    import_row.c.line,
    import_row.c.outcome,
    import_row.c.entity,
    import_row.c.record,
    import_row.c.version,
    import_row.c.problems,
    import_row.c.original,
)
_ADD_ROW = Prepared(
    import_row.insert().values(
        {name: sa.bindparam(name) for name in ("run", *(column.name for column in _ROW))}
    )
)
_ADD_CREATED = Insertion(import_row.name, ("run", "line", "outcome", "entity", "record", "version"))


def put_run(tx: Transaction, run: Run) -> None:
    """Note that an import begins."""
    values = {column.name: getattr(run, column.name) for column in _RUN}
    tx.execute(
        import_run.insert().values(values | {"mapping": _dump(run.mapping), "detail": _dump(run.detail)})
    )


def get_run(reader: Reader, run_id: str) -> Run | None:
    """One import by id."""
    row = reader.row(sa.select(*_RUN).where(import_run.c.id == run_id))
    return _run(row) if row else None


def runs(reader: Reader, *, actor: str | None = None, limit: int = 50) -> list[Run]:
    """The latest imports, of one actor or of all; the latest first."""
    query = sa.select(*_RUN).order_by(import_run.c.started_at.desc(), import_run.c.id.desc())
    if actor is not None:
        query = query.where(import_run.c.actor == actor)
    return [_run(row) for row in reader.rows(query.limit(limit))]


def advance(tx: Transaction, run_id: str, position: int, stored: int, failed: int) -> bool:
    """Move a running import on by what a batch did; False when it was cancelled or has moved already."""
    query = (
        import_run.update()
        .where(
            import_run.c.id == run_id,
            import_run.c.state == RUNNING,
            import_run.c.position < position,
        )
        .values(
            position=position,
            stored=import_run.c.stored + stored,
            failed=import_run.c.failed + failed,
        )
    )
    return tx.execute(query) == 1


def set_state(tx: Transaction, run_id: str, state: str, now: int | None, detail: Any = None) -> None:
    """End an import, or say that it was undone; `detail` is kept beside it."""
    values: dict[str, Any] = {"state": state, "finished_at": now}
    if detail is not None:
        values["detail"] = _dump(detail)
    tx.execute(import_run.update().where(import_run.c.id == run_id).values(values))


def add_rows(tx: Transaction, run_id: str, results: Sequence[RowResult]) -> None:
    """Keep what became of some rows."""
    tx.execute(
        _ADD_ROW,
        [
            {
                "run": run_id,
                "line": result.line,
                "outcome": result.outcome,
                "entity": result.entity,
                "record": result.record,
                "version": result.version,
                "problems": _dump(result.problems),
                "original": _dump(result.original),
            }
            for result in results
        ],
    )


def add_created(
    tx: Transaction, run_id: str, entity: str, lines: Sequence[int], records: Sequence[str]
) -> None:
    """Keep that these lines became these new records."""
    made = ((run_id, line, CREATED, entity, record, 1) for line, record in zip(lines, records, strict=True))
    tx.insert_many(_ADD_CREATED, made)


def set_version(tx: Transaction, run_id: str, record: str, version: int) -> None:
    """Note the version a record has after the import touched it again."""
    tx.execute(
        import_row.update()
        .where(import_row.c.run == run_id, import_row.c.record == record)
        .values(version=version)
    )


def rows(reader: Reader, run_id: str, outcome: str) -> Iterator[RowResult]:
    """All rows of one outcome, in order of the file, read in chunks."""
    after = -(2**62)
    while True:
        found = reader.rows(
            sa.select(*_ROW)
            .where(
                import_row.c.run == run_id,
                import_row.c.outcome == outcome,
                import_row.c.line > after,
            )
            .order_by(import_row.c.line)
            .limit(_CHUNK)
        )
        for row in found:
            line, what, entity, record, version, problems, original = row
            yield RowResult(line, what, entity, record, version, _load(problems), _load(original))
        if len(found) < _CHUNK:
            return
        after = int(found[-1][0])


def counts(reader: Reader, run_id: str) -> dict[tuple[str, str | None], int]:
    """How many rows came to each (outcome, entity)."""
    query = (
        sa.select(import_row.c.outcome, import_row.c.entity, sa.func.count())
        .where(import_row.c.run == run_id)
        .group_by(import_row.c.outcome, import_row.c.entity)
    )
    return {(row[0], row[1]): int(row[2]) for row in reader.rows(query)}


def lowest_line(reader: Reader, run_id: str) -> int:
    """The lowest line in use; records made for links go below it."""
    found = reader.scalar(sa.select(sa.func.min(import_row.c.line)).where(import_row.c.run == run_id))
    return min(int(found or 0), 0)


def _run(row: tuple[Any, ...]) -> Run:
    values = dict(zip((column.name for column in _RUN), row, strict=True))
    return Run(**values | {"mapping": _load(row[6]), "detail": _load(row[13])})


def _dump(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False, default=_exact)


def _exact(value: object) -> str:
    """A number of a mapping as the text every number field takes, digit for digit."""
    if not isinstance(value, Decimal):
        raise TypeError(f"{type(value).__name__} has no place in JSON")
    return format(value, "f")


def _load(text: str | None) -> Any:
    return None if text is None else json.loads(text)
