"""Many records changed or deleted at once: counted first, each refused one named, all of it taken back as one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import TypeVar

from dacheng.metadata.kinds import Json
from dacheng.metadata.problem import Problem, Refused, refuse
from dacheng.plugins.api import RecordWrite
from dacheng.plugins.context import Cause
from dacheng.runtime.services import read_records, undo, write_record
from dacheng.runtime.services.gate import MAX_LIMIT, Query
from dacheng.runtime.services.save_plan import Write
from dacheng.runtime.services.work import Work
from dacheng.runtime.services.write_record import Prepared
from dacheng.runtime.storage import change_log
from dacheng.runtime.storage.database import Database
from dacheng.runtime.storage.reader import Reader

T = TypeVar("T")
MOST = 5000
BATCH = 200
UNDO_FIRST = "bulk:"  # causes of changes made together begin like this
EMPTY: Mapping[str, Json] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Change:
    """What is asked of each record: `action` is update (with raw JSON `values`) or delete."""

    action: str
    values: Mapping[str, Json] = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True)
class RowRefused:
    """One record that stays as it is, and why."""

    id: str
    title: str
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """How many were asked for, how many (would) change, which were refused; `cause` takes it all back."""

    count: int
    done: int
    refused: tuple[RowRefused, ...]
    cause: str = ""


@dataclass(frozen=True, slots=True)
class TakenBack:
    """Records as they were before, kept because they changed since, and those that could not be."""

    reversed: int
    kept: int
    failed: int


# ---------------------------------------------------------------- which
def selected(reader: Reader, work: Work, asked: Query) -> list[str]:
    """The ids of all records a question reaches, in its order; more than `MOST` are refused."""
    found: list[str] = []
    after: str | None = None
    while True:
        page = read_records.list_page(
            reader, work, replace(asked, fields=("id",), limit=MAX_LIMIT, cursor=after)
        )
        found.extend(page.ids)
        after = page.next
        if len(found) > MOST:
            raise refuse("bulk.too_many", limit=MOST)
        if after is None:
            return found


# ---------------------------------------------------------------- counting and doing
def preview(reader: Reader, work: Work, ref: str, ids: Sequence[str], change: Change) -> Result:
    """What the change would do, worked out with every rule and right, and nothing kept."""
    wanted = _demand(work, ref, ids, change)
    done = 0
    refused: list[RowRefused] = []
    for some in _batches(wanted):
        answers = write_record.prepare_many(reader, work, _writes(ref, some, change))
        done += sum(isinstance(each, Prepared) for each in answers)
        refused += _refusals(reader, work, ref, some, answers)
    return Result(len(wanted), done, tuple(refused))


def run(db: Database, work: Work, ref: str, ids: Sequence[str], change: Change) -> Result:
    """Carry the change out, some records at a time; what is refused leaves the others be. Waits in this thread."""
    wanted = _demand(work, ref, ids, change)
    cause = UNDO_FIRST + work.context.new_id()
    doing = _because(work, Cause("user", cause, person=work.context.actor.id))
    done = 0
    refused: list[RowRefused] = []
    for some in _batches(wanted):
        kept, left = _carry_out(db, doing, ref, _writes(ref, some, change))
        done += kept
        refused += left
    return Result(len(wanted), done, tuple(refused), cause if done else "")


def take_back(db: Database, work: Work, ref: str, cause: str) -> TakenBack:
    """Undo a whole change of one's own: records changed since are kept as they are."""
    if not cause.startswith(UNDO_FIRST):
        raise refuse("bulk.unknown")
    rows = db.read_now(lambda reader: list(_own_rows(reader, work, ref, cause)))
    if not rows:
        raise refuse("bulk.unknown")
    back = _because(work, Cause(undo.UNDO, f"{undo.UNDO}:{cause}", person=work.context.actor.id))
    kept = failed = done = 0
    for some in _batches(rows):
        writes: list[Write] = []
        for record, seq in some:
            try:
                writes.append(
                    db.read_now(partial(undo.plan_undo, work=work, ref=ref, record_id=record, seq=seq))
                )
            except Refused as refused:
                changed = any(each.code == "undo.not_possible" for each in refused.problems)
                kept, failed = kept + changed, failed + (not changed)
        reversed_, left = _carry_out(db, back, ref, writes)
        done, failed = done + reversed_, failed + len(left)
    return TakenBack(done, kept, failed)


def _own_rows(reader: Reader, work: Work, ref: str, cause: str) -> Iterator[tuple[str, int]]:
    """(record, number of the change) of everything the asker did for one cause, the records' own rows alone."""
    after = 0
    while True:
        rows = change_log.read_cause(reader, cause, after)
        for row in rows:
            if row.entity == ref and row.parent is None and row.actor == work.context.actor.id:
                yield row.record, row.seq
        if not rows:
            return
        after = rows[-1].seq


def _carry_out(db: Database, work: Work, ref: str, writes: Sequence[Write]) -> tuple[int, list[RowRefused]]:
    """One transaction for all that can be; when something stands in the way there, halves of it."""
    if not writes:
        return 0, []
    ids = [each.id or "" for each in writes]

    def prepare(reader: Reader) -> tuple[list[Prepared], list[RowRefused]]:
        answers = write_record.prepare_many(reader, work, writes)
        ready = [each for each in answers if isinstance(each, Prepared)]
        return ready, _refusals(reader, work, ref, ids, answers)

    ready, refused = db.read_now(prepare)
    if not ready:
        return 0, refused
    try:
        outcomes = db.write_now(lambda tx: write_record.commit_many(tx, work, ready), urgent=False)
    except Refused as wrong:
        if len(ready) == 1:
            problems = tuple(wrong.problems)
            row = db.read_now(lambda reader: _row(reader, work, ref, ready[0].id, problems))
            return 0, [*refused, row]
        middle = len(ready) // 2
        again = [each.write for each in ready]
        first, left = _carry_out(db, work, ref, again[:middle])
        second, more = _carry_out(db, work, ref, again[middle:])
        return first + second, [*refused, *left, *more]
    told: list[RecordWrite] = [one for outcome in outcomes for one in outcome.writes]
    if told:
        work.hooks.after_write(work.context, told)
    return len(ready), refused


def _refusals(
    reader: Reader, work: Work, ref: str, ids: Sequence[str], answers: Sequence[Prepared | Refused]
) -> list[RowRefused]:
    wrong = [(at, each) for at, each in zip(ids, answers, strict=True) if isinstance(each, Refused)]
    titles = read_records.titles(reader, work, ref, [record for record, _ in wrong])
    return [RowRefused(record, titles.get(record, ""), tuple(each.problems)) for record, each in wrong]


def _row(reader: Reader, work: Work, ref: str, record: str, problems: Sequence[Problem]) -> RowRefused:
    titles = read_records.titles(reader, work, ref, [record])
    return RowRefused(record, titles.get(record, ""), tuple(problems))


def _demand(work: Work, ref: str, ids: Sequence[str], change: Change) -> list[str]:
    policy = work.entity(ref)
    if change.action not in ("update", "delete") or not policy.may(change.action):
        raise refuse("access.not_permitted")
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        raise refuse("bulk.nothing")
    if len(wanted) > MOST:
        raise refuse("bulk.too_many", limit=MOST)
    return wanted


def _writes(ref: str, ids: Sequence[str], change: Change) -> list[Write]:
    return [Write(change.action, ref, each, change.values) for each in ids]


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]


def _because(work: Work, cause: Cause) -> Work:
    return replace(work, context=work.context.because(cause))
