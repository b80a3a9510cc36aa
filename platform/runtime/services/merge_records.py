"""Two records of the same thing become one: values chosen field by field, links, comments and files moved, the other to
the recycle bin, with its lines.

Everything happens in one transaction under one cause, and is taken back by that cause: links and values that
changed again since stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from dacheng.metadata.problem import Refused, problem, refuse
from dacheng.plugins.context import Cause, System
from dacheng.runtime.services import (
    attachments,
    comments,
    form_rules,
    merge_moves,
    read_records,
    write_record,
)
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.records_at_hand import AtHand
from dacheng.runtime.services.standing_fields import STANDING
from dacheng.runtime.services.work import Work, work_for
from dacheng.runtime.services.write_record import Prepared, Write
from dacheng.runtime.services.write_shape import shape_of
from dacheng.runtime.storage import change_log
from dacheng.runtime.storage.change_log import ChangeRow
from dacheng.runtime.storage.database import Database
from dacheng.runtime.storage.reader import Reader, Transaction

KIND = "merge"
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


def offered(reader: Reader, work: Work, ref: str, keep: str) -> tuple[str, ...]:
    """The choices that a save of the record which stays would take: without what its form holds."""
    found, conditional = choices(work.entity(ref), work), shape_of(work, ref).conditional
    if not conditional:
        return found
    at_hand = AtHand(reader, work.model)
    subject = at_hand.subject(work, ref, keep, at_hand.lookup(ref, keep) or {})
    state, _ = form_rules.settle(conditional, at_hand.shown(work, subject), work.context)
    return tuple(name for name in found if name not in state.readonly)


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
    rows = db.read_now(partial(_rows, cause=merge_id))
    gone = next((row for row in rows if row.action == "delete" and row.parent is None), None)
    if gone is None or gone.cause_kind != KIND or not _may_undo(work, gone):
        raise refuse("merge.missing")
    back = _caused(work, f"undo:{merge_id}")
    plan = db.read_now(partial(_planned_back, work=back, gone=gone, rows=rows))
    db.write_now(partial(_commit_back, work=back, plan=plan, gone=gone, rows=rows))
    return Unmerged(plan.moved, plan.kept)


@dataclass(frozen=True, slots=True)
class _Back:
    """What takes a merge back: what makes room for the record that went, and what follows behind it."""

    before: Sequence[Prepared]
    restore: Prepared
    after: Sequence[Prepared]
    moved: int
    kept: int


def _rows(reader: Reader, cause: str) -> list[ChangeRow]:
    found: list[ChangeRow] = []
    while page := change_log.read_cause(reader, cause, found[-1].seq if found else 0):
        found += page
    return found


def _commit(tx: Transaction, work: Work, prepared: Sequence[Prepared], asked: Merge) -> None:
    """Values and links first, then what was said and the files: both stay with the record that stays."""
    write_record.commit_many(tx, work, prepared)
    comments.move_all(tx, work, asked.entity, asked.drop, asked.keep)
    attachments.move_all(tx, work, asked.entity, asked.drop, asked.keep)


def _commit_back(
    tx: Transaction, work: Work, plan: _Back, gone: ChangeRow, rows: Sequence[ChangeRow]
) -> None:
    for some in (plan.before, [plan.restore, *plan.after]):
        write_record.commit_many(tx, work, some)
    comments.move_back(tx, work, gone.entity, [row for row in rows if row.entity == comments.LOGGED_AS])
    attachments.move_back(tx, work, gone.entity, [row for row in rows if row.entity == attachments.LOGGED_AS])


def _planned_back(reader: Reader, work: Work, gone: ChangeRow, rows: Sequence[ChangeRow]) -> _Back:
    """Values that the record which stays took from the other go first, so that what must be unique is free again."""
    restore = Write("restore", gone.entity, gone.record)
    write_record.prepare(reader, work, restore)  # the asker must be allowed to
    known = work.model.catalogue.entities
    changes = [row for row in rows if row.action == "update" and row.entity in known]
    writes, kept = merge_moves.moved_back(reader, work, changes)
    first = [part for each in writes if (part := merge_moves.plain_part(work, gone.entity, each)) is not None]
    later = [part for each in writes if (part := merge_moves.other_part(work, gone.entity, each)) is not None]
    answers = write_record.prepare_many(reader, _as_product(work), [*first, restore, *later])
    restored = answers[len(first)]
    if isinstance(restored, Refused):
        raise restored
    before = [each for each in answers[: len(first)] if isinstance(each, Prepared)]
    after = [each for each in answers[len(first) + 1 :] if isinstance(each, Prepared)]
    refused = {
        write.id
        for write, answer in zip([*first, restore, *later], answers, strict=True)
        if isinstance(answer, Refused)
    }
    return _Back(before, restored, after, len(writes) - len(refused), kept + len(refused))


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
    moves = merge_moves.moves(reader, work, asked.entity, asked.keep, asked.drop)
    answers = write_record.prepare_many(reader, system, moves)
    refused = [each for each in answers if isinstance(each, Refused)]
    if refused:
        raise refused[0]
    delete = Write("delete", asked.entity, asked.drop, expected_version=gone.version, rules=False)
    first = write_record.prepare(reader, work, update)
    last = write_record.prepare(reader, work, delete)
    return [*(each for each in answers if isinstance(each, Prepared)), last, first]


def _may_undo(work: Work, gone: ChangeRow) -> bool:
    policy = work.policy.entity(gone.entity)
    return policy is not None and (work.policy.admin or gone.person == work.context.actor.id)


def _caused(work: Work, cause: str) -> Work:
    made = Cause(KIND, cause, person=work.context.actor.id)
    return replace(work, context=work.context.because(made))


def _as_product(work: Work) -> Work:
    """The same call by the product itself: links move wherever they are, seen by the asker or not."""
    return work_for(work.context.acting_as(System()), work.model, work.kinds, work.hooks)
