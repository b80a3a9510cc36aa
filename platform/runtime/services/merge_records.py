"""Two records of the same thing become one: values chosen field by field, links and files moved, the other to the recycle bin.

Everything happens in one transaction under one cause, and is taken back by that cause: links and values that
changed again since stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import sqlalchemy as sa

from dacheng.metadata.kinds import Json
from dacheng.metadata.problem import Refused, problem, refuse
from dacheng.plugins.context import Cause, System
from dacheng.runtime.services import attachments, read_records, write_record
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.standing_fields import STANDING
from dacheng.runtime.services.work import Work, work_for
from dacheng.runtime.services.write_record import Prepared, Write
from dacheng.runtime.storage import change_log, joins, records
from dacheng.runtime.storage.change_log import ChangeRow
from dacheng.runtime.storage.database import Database
from dacheng.runtime.storage.reader import Reader, Transaction

KIND = "merge"
MOST_LINKS = 20_000
ATTEMPTS = 4


@dataclass(frozen=True, slots=True)
class Merge:
    """What is asked: the record that stays, the one that goes, and the fields whose value comes from the latter."""

    entity: str
    keep: str
    drop: str
    take: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Merged:
    """A merge carried out: its id, by which it is taken back, and how many links it moved."""

    id: str
    moved: int


@dataclass(frozen=True, slots=True)
class Unmerged:
    """A merge taken back: links moved back, and those that somebody moved on meanwhile and that stay."""

    moved: int
    kept: int


def choices(policy: EntityPolicy, work: Work) -> tuple[str, ...]:
    """The fields whose value may come from either record: what the asker may read and set by hand."""
    flow = work.model.catalogue.workflows.get(policy.entity.ref)
    held = flow.field if flow is not None else ""
    fields = policy.readable
    return tuple(n for n in fields if n in policy.writable and not fields[n].is_lines and n != held)


def merge(db: Database, work: Work, asked: Merge) -> Merged:
    """Carry a merge out; the asker must be allowed to change the one and to delete the other.

    Refuses with `merge.same`, `merge.unknown_choice`, and whatever an update or a delete of theirs would meet.
    """
    _demand_sound(work.entity(asked.entity), work, asked)
    caused = _caused(work, work.context.new_id())
    for attempt in range(ATTEMPTS):
        prepared = db.read_now(partial(_prepared, work=caused, asked=asked))
        try:
            db.write_now(partial(_commit, work=caused, prepared=prepared, asked=asked))
        except Refused as refused:
            if attempt + 1 == ATTEMPTS or any(each.code != write_record.MOVED for each in refused.problems):
                raise
        else:
            return Merged(caused.context.cause.id, len(prepared) - 2)
    raise refuse(write_record.MOVED)


def undo(db: Database, work: Work, merge_id: str) -> Unmerged:
    """Take a merge back; the record that went comes back, links and values as far as nobody changed them since."""
    rows = db.read_now(lambda reader: change_log.read_cause(reader, merge_id, limit=MOST_LINKS))
    gone = next((row for row in rows if row.action == "delete" and row.cause_kind == KIND), None)
    if gone is None or not _may_undo(work, gone):
        raise refuse("merge.missing")
    changes = [row for row in rows if row.action == "update" and row.entity != attachments.LOGGED_AS]
    moved = [row for row in rows if row.action == "update" and row.entity == attachments.LOGGED_AS]
    back = _caused(work, f"undo:{merge_id}")
    prepared = db.read_now(partial(_prepared_back, work=back, gone=gone, changes=changes))
    db.write_now(partial(_commit_back, work=back, prepared=prepared, ref=gone.entity, moved=moved))
    return Unmerged(len(prepared) - 1, len(changes) + 1 - len(prepared))


def _commit(tx: Transaction, work: Work, prepared: Sequence[Prepared], asked: Merge) -> None:
    """Values and links first, then the files: what is attached to the record that goes stays with the other."""
    write_record.commit_many(tx, work, prepared)
    attachments.move_all(tx, work, asked.entity, asked.drop, asked.keep)


def _commit_back(
    tx: Transaction, work: Work, prepared: Sequence[Prepared], ref: str, moved: Sequence[ChangeRow]
) -> None:
    write_record.commit_many(tx, work, prepared)
    attachments.move_back(tx, work, ref, moved)


def _prepared_back(
    reader: Reader, work: Work, gone: ChangeRow, changes: Sequence[ChangeRow]
) -> list[Prepared]:
    restore = Write("restore", gone.entity, gone.record)
    write_record.prepare(reader, work, restore)  # the asker must be allowed to
    writes = [each for row in changes if (each := _back(reader, work, row)) is not None]
    answers = write_record.prepare_many(reader, _as_product(work), [restore, *writes])
    if isinstance(answers[0], Refused):
        raise answers[0]
    return [each for each in answers if isinstance(each, Prepared)]


def _demand_sound(policy: EntityPolicy, work: Work, asked: Merge) -> None:
    if asked.keep == asked.drop:
        raise refuse("merge.same")
    if policy.entity.ref in STANDING and not work.policy.admin:
        raise refuse("account.grant_beyond_own")  # links move as the product's: records and people with them
    known = choices(policy, work)
    unknown = sorted(asked.take - set(known))
    if unknown:
        raise Refused([problem("merge.unknown_choice", f"/take/{name}", name=name) for name in unknown])


def _prepared(reader: Reader, work: Work, asked: Merge) -> list[Prepared]:
    kept = read_records.get(reader, work, asked.entity, asked.keep)
    gone = read_records.get(reader, work, asked.entity, asked.drop)
    values = {name: value for name, value in gone.json().items() if name in asked.take}
    update = Write("update", asked.entity, asked.keep, values, kept.version, rules=False)
    system = _as_product(work)
    moves = list(_moves(reader, work, asked))
    if len(moves) > MOST_LINKS:
        raise refuse("query.too_much", "", what="links", count=len(moves), limit=MOST_LINKS)
    answers = write_record.prepare_many(reader, system, moves)
    refused = [each for each in answers if isinstance(each, Refused)]
    if refused:
        raise refused[0]
    delete = Write("delete", asked.entity, asked.drop, expected_version=gone.version, rules=False)
    first = write_record.prepare(reader, work, update)
    last = write_record.prepare(reader, work, delete)
    return [first, *(each for each in answers if isinstance(each, Prepared)), last]


def _moves(reader: Reader, work: Work, asked: Merge) -> Iterator[Write]:
    """A save for each living record that links to the one that goes; one that stays is not made its own link."""
    by_record: dict[tuple[str, str], dict[str, Json]] = {}
    for ref, name in work.model.catalogue.links.get(asked.entity, ()):
        made = work.model.tables.entity(ref)
        if made.entity.parent is not None:
            continue
        column = made.columns[name][0]
        query = sa.select(made.table.c.id).where(column == asked.drop, made.deleted_at.is_(None))
        for (record,) in reader.rows(query.order_by(made.table.c.id).limit(MOST_LINKS + 1)):
            if record not in (asked.keep, asked.drop):
                by_record.setdefault((ref, record), {})[name] = asked.keep
    for ref, name in work.model.catalogue.many_links.get(asked.entity, ()):
        made = work.model.tables.entity(ref)
        held = joins.holders(reader, made, name, [asked.drop]) if made.entity.parent is None else []
        for record, found in records.load(reader, work.model, ref, held).items():
            if record not in (asked.keep, asked.drop):
                ids = [asked.keep if each == asked.drop else each for each in found.json()[name] or ()]
                by_record.setdefault((ref, record), {})[name] = list(dict.fromkeys(ids))
    for (ref, record), values in by_record.items():
        yield Write("update", ref, record, values, rules=False, historic=True)


def _back(reader: Reader, work: Work, row: ChangeRow) -> Write | None:
    """The save that takes one change back; None where a field changed again since."""
    found = records.load(reader, work.model, row.entity, [row.record]).get(row.record)
    now = found.json() if found is not None and found.deleted_at is None else None
    if now is None or any(now.get(name) != after for name, (_, after) in row.changes.items()):
        return None
    values = {name: before for name, (before, _) in row.changes.items()}
    return Write("update", row.entity, row.record, values, rules=False, historic=True)


def _may_undo(work: Work, gone: ChangeRow) -> bool:
    policy = work.policy.entity(gone.entity)
    return policy is not None and (work.policy.admin or gone.person == work.context.actor.id)


def _caused(work: Work, cause: str) -> Work:
    made = Cause(KIND, cause, person=work.context.actor.id)
    return replace(work, context=work.context.because(made))


def _as_product(work: Work) -> Work:
    """The same call by the product itself: links move wherever they are, seen by the asker or not."""
    return work_for(work.context.acting_as(System()), work.model, work.kinds, work.hooks)
