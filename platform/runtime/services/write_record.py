"""Saving a record in two steps: `prepare` decides everything outside the write lock, `commit` carries it out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import repeat
from typing import cast

import orjson

from dacheng.metadata.problem import Problem, Refused, refuse
from dacheng.plugins.api import RecordWrite
from dacheng.runtime.services import duplicates, timer_marks
from dacheng.runtime.services.duplicates import Guard
from dacheng.runtime.services.effects import run_rules
from dacheng.runtime.services.links import plain
from dacheng.runtime.services.plan_write import plan_record
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.save_plan import Message, Plan, Step, Trace, Write, stamp_of
from dacheng.runtime.services.work import Work
from dacheng.runtime.services.write_waves import waves
from dacheng.runtime.storage import deletion, idempotency, match_keys, outbox, records, traces, versions
from dacheng.runtime.storage.database import Database
from dacheng.runtime.storage.reader import Reader, Transaction
from dacheng.runtime.storage.working_calendar import CALENDAR_DAY

ATTEMPTS = 4
AHEAD = 50  # writes whose links are looked up together, where the next one may end it all
MOVED = "record.version_moved"
DUPLICATE = "record.duplicate"
DIRECTORY = frozenset({"core.user", "core.department"})  # what every request knows about people
__all__ = [
    "Outcome",
    "Prepared",
    "Write",
    "commit",
    "commit_many",
    "prepare",
    "prepare_many",
    "touched",
    "write",
    "write_now",
]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was saved: the record's id and version; `writes` is what plugins are told after the commit."""

    id: str
    version: int
    warnings: tuple[Problem, ...] = ()
    replayed: bool = False
    writes: tuple[RecordWrite, ...] = ()


Beside = Callable[[Transaction, Outcome], None]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A save worked out against what the reader saw; it holds only as long as those versions do."""

    write: Write
    id: str
    version: int
    fingerprint: str
    steps: tuple[Step, ...] = ()
    writes: tuple[RecordWrite, ...] = ()
    traces: tuple[Trace, ...] = ()
    messages: tuple[Message, ...] = ()
    guards: tuple[Guard, ...] = ()
    replay: Outcome | None = None


# ---------------------------------------------------------------- preparing
def prepare(reader: Reader, work: Work, write: Write) -> Prepared:
    """Everything the save will do, or `Refused` with every problem; changes nothing."""
    mark = _fingerprint(write)
    if write.key is not None:
        found = idempotency.find(reader, work.context.actor.id, write.key)
        if found is not None:
            return Prepared(write, "", 0, mark, replay=_replayed(found, mark))
    plan = Plan.over(reader, work)
    return _prepared(plan, work, write, mark)


def prepare_many(
    reader: Reader, work: Work, writes: Sequence[Write], frames: Iterable[Work] | None = None
) -> list[Prepared | Refused]:
    """The same for many, in order, with links looked up together; one that is refused leaves the others be.

    With `frames`, each write is made in a frame of its own, by another person at another moment; the answers end
    with the first that is refused, because what comes behind may have leaned on it.
    """
    plan = Plan.over(reader, work)
    ahead = len(writes) if frames is None else AHEAD
    answers: list[Prepared | Refused] = []
    for place, (write, frame) in enumerate(zip(writes, frames or repeat(work), strict=False)):
        if place % ahead == 0:
            _look_up_together(plan, work, writes[place : place + ahead])
        mark = plan.mark()
        try:
            answers.append(_prepared(plan, frame, write, ""))
        except Refused as refused:
            plan.back_to(mark)
            plan.traces.clear()
            answers.append(refused)
            if frames is not None:
                break
    return answers


def _prepared(plan: Plan, work: Work, write: Write, fingerprint: str) -> Prepared:
    """Plan one save behind whatever the plan holds already, and take just its part out."""
    steps, writes, _, messages, guards, _ = plan.mark()
    record_id = plan_record(plan, work, write)
    if write.rules and plan.happened:
        run_rules(plan, work)
    plan.happened.clear()
    seen = plan.at_hand.values.get((write.entity, record_id))
    made = Prepared(
        write,
        record_id,
        int(seen["version"]) if seen is not None else 0,
        fingerprint,
        tuple(plan.steps[steps:]),
        tuple(plan.writes[writes:]),
        tuple(plan.traces),
        tuple(plan.messages[messages:]),
        tuple(plan.guards[guards:]),
    )
    plan.traces.clear()
    return made


def _look_up_together(plan: Plan, work: Work, writes: Sequence[Write]) -> None:
    """Load what many writes link to, one query per entity."""
    wanted: dict[str, dict[str, None]] = {}
    for write in writes:
        policy = work.policy.entity(write.entity)
        if policy is None or not isinstance(write.values, Mapping):
            continue
        if write.id is not None:
            wanted.setdefault(write.entity, {})[write.id] = None
        for name, target in _links(work, policy):
            value = write.values.get(name)
            ids: Iterable[object] = (
                [value] if isinstance(value, str) else value if isinstance(value, list) else ()
            )
            wanted.setdefault(target, {}).update(dict.fromkeys(each for each in ids if isinstance(each, str)))
    for ref, ids in wanted.items():
        if ref in work.model.catalogue.entities:
            plan.at_hand.load(ref, ids)
    _look_up_behind(plan, work, writes)


def _look_up_behind(plan: Plan, work: Work, writes: Sequence[Write]) -> None:
    """Load what the records to be changed link to already: conditions and rules look there."""
    wanted: dict[str, dict[str, None]] = {}
    for write in writes:
        policy = work.policy.entity(write.entity)
        held = plan.at_hand.values.get((write.entity, write.id or ""))
        for name, target in _links(work, policy) if policy is not None and held else ():
            value = held.get(name) if held else None
            if isinstance(value, str):
                wanted.setdefault(target, {})[value] = None
    for ref, ids in wanted.items():
        if ref in work.model.catalogue.entities:
            plan.at_hand.load(ref, ids)


def _links(work: Work, policy: EntityPolicy) -> tuple[tuple[str, str], ...]:
    """The readable links of an entity and where they lead, kept with the policy."""
    key = ("links", policy.entity.ref)
    found = work.policy.prepared.get(key)
    if found is None:
        links = ((name, each.to) for name, each in policy.readable.items() if each.leads_to_records)
        found = work.policy.prepared[key] = tuple((name, to) for name, to in links if to)
    return cast("tuple[tuple[str, str], ...]", found)


def _fingerprint(write: Write) -> str:
    if write.key is None:
        return ""
    body = [
        write.action,
        write.entity,
        write.id,
        write.values,
        write.expected_version,
        write.transition,
        write.form,
    ]
    packed = orjson.dumps(body, default=plain, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(packed).hexdigest()


def _replayed(found: idempotency.Answered, fingerprint: str) -> Outcome:
    if found.fingerprint != fingerprint:
        raise refuse("record.key_reused")
    return Outcome(found.answer["id"], found.answer["version"], replayed=True)


# ---------------------------------------------------------------- committing
def commit(tx: Transaction, work: Work, prepared: Prepared) -> Outcome:
    """Carry out a prepared save; refuses with `record.version_moved` or `storage.version_moved` when its ground moved."""
    return commit_many(tx, work, [prepared])[0]


def commit_many(
    tx: Transaction, work: Work, prepared: Sequence[Prepared], frames: Sequence[Work] | None = None
) -> list[Outcome]:
    """Carry out several in one transaction, all or none; runs of changes under one stamp are written at once.

    With `frames` (those they were prepared in), changes of different records are, whosever and whenever they are.
    """
    changes = [change for each in prepared for step in each.steps for change in step.changes]
    people = any(change.entity.ref in DIRECTORY for change in changes)
    leaned_on = deletion.are_leaned_on(work.model.catalogue, changes)
    if any(each.guards for each in prepared):
        match_keys.hold(tx)
    versions.demand(tx, work.model.versions, alone=people or leaned_on)
    if leaned_on:
        versions.touch(tx)
    replays = [_claim(tx, work, each) for each in prepared]
    going = [each for each, replay in zip(prepared, replays, strict=True) if replay is None]
    _demand_new(tx, work, going)
    _ask_hooks(work, going)
    applied = _apply(tx, work, going) if frames is None else _apply_in_waves(tx, work, going)
    for each, frame, replay in zip(prepared, frames or repeat(work), replays, strict=False):
        if replay is None:
            _put_beside(tx, frame, each)
    if going and work.model.catalogue.watches:
        timer_marks.mark(tx, work, touched(going))
    if people and going:
        versions.bump(tx, "directory")
    if going and any(change.entity.ref == CALENDAR_DAY for change in changes):
        versions.bump(tx, "labels")  # the calendar is kept with the words, and read again with them
    return [
        replay or Outcome(each.id, applied.get(each.id, each.version), writes=each.writes)
        for each, replay in zip(prepared, replays, strict=True)
    ]


def touched(prepared: Iterable[Prepared]) -> dict[str, dict[str, None]]:
    """Every record that these saves make or change, by entity, lines and what rules do included."""
    found: dict[str, dict[str, None]] = {}
    for each in prepared:
        for step in each.steps:
            for change in step.changes:
                found.setdefault(change.entity.ref, {})[change.id] = None
    return found


def _claim(tx: Transaction, work: Work, prepared: Prepared) -> Outcome | None:
    """The earlier answer to the same request, when another process or request gave it meanwhile."""
    if prepared.replay is not None or prepared.write.key is None:
        return prepared.replay
    found = idempotency.find(tx, work.context.actor.id, prepared.write.key)
    return None if found is None else _replayed(found, prepared.fingerprint)


def _demand_new(tx: Transaction, work: Work, going: Sequence[Prepared]) -> None:
    """What was new when it was planned is new still: two who make the same at once wait for each other here."""
    guards = [guard for each in going for guard in each.guards]
    if guards:
        duplicates.demand_new(tx, work, guards)


def _ask_hooks(work: Work, going: Sequence[Prepared]) -> None:
    if work.hooks.watches_writes:
        problems = work.hooks.before_write(work.context, [each for item in going for each in item.writes])
        if problems:
            raise Refused(problems)


def _apply(tx: Transaction, work: Work, going: Sequence[Prepared]) -> dict[str, int]:
    """Apply all steps in order; neighbours with an equal stamp go together. Answers versions by id."""
    found: dict[str, int] = {}
    steps = [step for each in going for step in each.steps]
    start = 0
    while start < len(steps):
        stop = start + 1
        touched = {change.id for change in steps[start].changes}
        while stop < len(steps) and steps[stop].stamp == steps[start].stamp:
            ids = {change.id for change in steps[stop].changes}
            if touched & ids:
                break
            touched |= ids
            stop += 1
        changes = [change for step in steps[start:stop] for change in step.changes]
        try:
            done = records.apply_changes(tx, work.model, changes, steps[start].stamp)
        except Refused as refused:
            raise for_this_actor(work, changes[0].entity.ref, refused) from refused
        found.update({each.id: each.version for each in done})
        start = stop
    return found


def _apply_in_waves(tx: Transaction, work: Work, going: Sequence[Prepared]) -> dict[str, int]:
    """Apply all steps, each under its own stamp, as many at once as touch different records. Answers versions by id."""
    found: dict[str, int] = {}
    for changes in waves([step for each in going for step in each.steps]):
        done = records.apply_changes(tx, work.model, changes, stamp_of(work))
        found.update({each.id: each.version for each in done})
    return found


def for_this_actor(work: Work, ref: str, refused: Refused) -> Refused:
    """Storage names the field it stumbled over; one the actor may not see is not named."""
    policy = work.policy.entity(ref)
    known = policy.readable if policy is not None else {}
    return Refused(
        [
            each
            if each.pointer.strip("/") in known or not each.pointer
            else replace(each, pointer="", params={})
            for each in refused.problems
        ]
    )


def _put_beside(tx: Transaction, work: Work, prepared: Prepared) -> None:
    """Rule traces, outbox entries and the answer to a repeated request, in the same transaction."""
    if not prepared.traces and not prepared.messages and prepared.write.key is None:
        return
    now = stamp_of(work).now_ms
    if prepared.traces:
        traces.put(tx, [(t.entity, t.record, t.rule, t.outcome, t.body) for t in prepared.traces], now)
    for message in prepared.messages:
        outbox.put(tx, message.kind, message.payload, message.key, now)
    if prepared.write.key is not None:
        answer = {"id": prepared.id, "version": prepared.version}
        idempotency.put(tx, work.context.actor.id, prepared.write.key, prepared.fingerprint, answer, now)


# ---------------------------------------------------------------- both at once
async def write(db: Database, work: Work, asked: Write, beside: Beside | None = None) -> Outcome:
    """Prepare and commit; when the record moved in between, once more from the start. Plugins hear of it after.

    `beside` writes something along in the same transaction, once however often the request is sent.
    """
    for attempt in range(ATTEMPTS):
        prepared = await db.read(partial(prepare, work=work, write=asked), bounded=True)
        if _nothing_to_do(prepared):
            return prepared.replay or Outcome(prepared.id, prepared.version)
        try:
            outcome = await db.write(partial(_commit_with, work=work, prepared=prepared, beside=beside))
        except Refused as refused:
            if not _try_again(asked, refused, attempt):
                raise
        else:
            return _told(work, outcome)
    raise refuse(MOVED)


def _commit_with(tx: Transaction, work: Work, prepared: Prepared, beside: Beside | None) -> Outcome:
    outcome = commit(tx, work, prepared)
    if beside is not None and not outcome.replayed:
        beside(tx, outcome)
    return outcome


def write_now(db: Database, work: Work, asked: Write, *, urgent: bool = True) -> Outcome:
    """The same, waiting in this thread."""
    for attempt in range(ATTEMPTS):
        prepared = db.read_now(partial(prepare, work=work, write=asked))
        if _nothing_to_do(prepared):
            return prepared.replay or Outcome(prepared.id, prepared.version)
        try:
            outcome = db.write_now(partial(commit, work=work, prepared=prepared), urgent=urgent)
        except Refused as refused:
            if not _try_again(asked, refused, attempt):
                raise
        else:
            return _told(work, outcome)
    raise refuse(MOVED)


def _nothing_to_do(prepared: Prepared) -> bool:
    return prepared.replay is not None or (
        not prepared.steps and not prepared.traces and not prepared.messages and prepared.write.key is None
    )


def _try_again(asked: Write, refused: Refused, attempt: int) -> bool:
    """Whether preparing anew may help: the record moved, or the value in the way is that of the same request."""
    may_pass = {MOVED} if asked.key is None else {MOVED, DUPLICATE}
    return attempt + 1 < ATTEMPTS and all(each.code in may_pass for each in refused.problems)


def _told(work: Work, outcome: Outcome) -> Outcome:
    if outcome.writes:
        work.hooks.after_write(work.context, outcome.writes)
    return outcome
