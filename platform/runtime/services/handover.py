"""Everything a leaving person owns goes to others in one go that can be taken back; what they achieved may stay theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from dacheng.metadata.kinds import Json
from dacheng.metadata.problem import Refused, refuse
from dacheng.metadata.system_fields import CORE
from dacheng.plugins.context import Cause, User
from dacheng.runtime.services import (
    audience,
    merge_moves,
    named_people,
    notices,
    read_records,
    users,
    write_record,
)
from dacheng.runtime.services.directory import USER
from dacheng.runtime.services.gate import Query
from dacheng.runtime.services.notices import Notice
from dacheng.runtime.services.save_plan import Write, stamp_of
from dacheng.runtime.services.site import Site
from dacheng.runtime.services.work import Work
from dacheng.runtime.services.write_record import Prepared
from dacheng.runtime.storage import change_log, records
from dacheng.runtime.storage.change_log import ChangeRow
from dacheng.runtime.storage.database import Database
from dacheng.runtime.storage.reader import Reader

HANDOVER: Final = "handover"
BATCH = 200
MOST_RECEIVERS = 50
OPEN = "open"
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Holding:
    """How much of one entity a person owns: all of it, and what is finished (won, lost, done) by its workflow; `named`:
    how many records, owned by whomever, name the person in other fields."""

    entity: str
    count: int
    finished: int
    named: int = 0


@dataclass(frozen=True, slots=True)
class Handover:
    """What to do: from whom, to whom (spread evenly), which entities (none: all), whether finished work stays, and
    whether the heirs are also named where the leaver is: in links to people and lists of them."""

    leaver: str
    receivers: tuple[str, ...]
    entities: tuple[str, ...] = ()
    keep_finished: bool = True
    named: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """What came of it: `moved` records, `kept` ones that somebody changed since (undo), `refused` ones."""

    id: str
    moved: int
    kept: int
    refused: int


# ---------------------------------------------------------------- looking
def holdings(reader: Reader, work: Work, leaver: str) -> list[Holding]:
    """What a person owns as far as the asker may see it, entity by entity; only for who is over that person."""
    demand_over(reader, work, leaver)
    found = [_holding(reader, work, ref, leaver) for ref in _handed(work)]
    return [each for each in found if each.count or each.named]


def _holding(reader: Reader, work: Work, ref: str, leaver: str) -> Holding:
    def count(where: Json) -> int:
        return read_records.count(reader, work, Query(ref, ("id",), where))

    named = named_people.naming(work.entity(ref), leaver)
    owned = count(_of(leaver)) if _is_owned(work, ref) else 0
    done = count({"and": [_of(leaver), _is_finished(work, ref)]}) if owned and _states(work, ref) else 0
    return Holding(ref, owned, done, count(_any(named)) if named else 0)


def demand_over(reader: Reader, work: Work, leaver: str) -> None:
    """Refuse all but administrators and who is over the person: their manager, or of a department above theirs."""
    actor = work.context.actor
    if leaver not in read_records.visible(reader, work, USER, [leaver]):
        raise refuse("record.missing")
    if work.policy.admin:
        return
    if not isinstance(actor, User) or leaver == actor.id:
        raise refuse("access.not_permitted")
    person = read_records.get(reader, work, USER, leaver).values
    below = set(actor.departments) - {actor.department}
    if person.get("manager") != actor.id and person.get("department") not in below:
        raise refuse("access.not_permitted")


def is_over(reader: Reader, work: Work, leaver: str) -> bool:
    """Whether the asker may hand over what this person owns."""
    try:
        demand_over(reader, work, leaver)
    except Refused:
        return False
    return True


def receivers(reader: Reader, work: Work, leaver: str) -> list[tuple[str, str]]:
    """(id, name) of people who may take over."""
    known = dict(read_records.pick_list(reader, work, USER, "", audience.LOOKED_AT))
    known.pop(leaver, None)
    there = audience.people(reader, work, list(known))
    return [(each, name) for each, name in known.items() if each in there]


def _handed(work: Work) -> list[str]:
    """The entities whose records have owners, or name people in fields that the asker may fill in."""
    return [
        ref
        for ref, policy in work.policy.entities.items()
        if policy.entity.parent is None
        and policy.entity.app != CORE
        and (_is_owned(work, ref) or named_people.fields_of(policy))
    ]


def _is_owned(work: Work, ref: str) -> bool:
    policy = work.entity(ref)
    return policy.entity.owned and "owner" in policy.readable


def _any(conditions: Sequence[Json]) -> Json:
    return conditions[0] if len(conditions) == 1 else {"or": list(conditions)}


def _of(leaver: str) -> dict[str, Any]:
    return {"==": [{"var": "owner"}, leaver]}


def _states(work: Work, ref: str) -> list[str]:
    """The states of an entity's workflow that finish it, when the asker may see the state at all."""
    flow = work.model.catalogue.workflows.get(ref)
    policy = work.policy.entity(ref)
    if flow is None or policy is None or flow.field not in policy.readable:
        return []
    return [state.id for state in flow.states if state.kind != OPEN]


def _is_finished(work: Work, ref: str) -> dict[str, Any]:
    flow = work.model.catalogue.workflows.get(ref)
    return {"in": [{"var": flow.field if flow is not None else "id"}, _states(work, ref)]}


# ---------------------------------------------------------------- doing
def carry_out(site: Site, work: Work, asked: Handover, progress: Progress, *, suspend: bool) -> Result:
    """Hand everything over and, where asked, shut the person out at the same time."""
    if suspend:
        users.demand_administrator(work)
    done = hand_over(site.db, work, asked, progress)
    if suspend:
        users.suspend(site, site.renew(work), asked.leaver)
    return done


def hand_over(db: Database, work: Work, asked: Handover, progress: Progress) -> Result:
    """Give a person's records to others through ordinary saves under one cause; who receives some is told once."""
    db.read_now(partial(demand_sound, work=work, asked=asked))
    ident = work.context.new_id()
    frame = _because(work, ident)
    refs = [ref for ref in _handed(work) if not asked.entities or ref in asked.entities]
    ids = [
        (ref, each) for ref in refs for each in db.read_now(partial(_ids, work=work, ref=ref, asked=asked))
    ]
    given: dict[str, int] = dict.fromkeys(asked.receivers, 0)
    refused = 0
    for start in range(0, len(ids), BATCH):
        some = ids[start : start + BATCH]
        heirs = [asked.receivers[(start + at) % len(asked.receivers)] for at in range(len(some))]
        plan = db.read_now(partial(_plan, work=work, asked=asked, some=some, heirs=heirs))
        for heir, (_, saved) in zip(heirs, _save(db, frame, plan), strict=True):
            given[heir] += saved
            refused += not saved
        progress(HANDOVER, start + len(some), len(ids))
    _tell(db, frame, ident, given)
    return Result(ident, sum(given.values()), 0, refused)


def undo(db: Database, work: Work, ident: str, progress: Progress) -> Result:
    """Give back what a handover moved, as far as nobody gave it on since; for who did it, and administrators."""
    db.read_now(partial(demand_own, work=work, ident=ident))
    rows = [each for row in _rows(db, ident) if (each := _people_alone(work, row)) is not None]
    frame, moved, kept, refused = _because(work, f"undo:{ident}"), 0, 0, 0
    for start in range(0, len(rows), BATCH):
        some = rows[start : start + BATCH]
        writes, stay = db.read_now(partial(merge_moves.moved_back, work=work, rows=some))
        here = [Write("update", each.entity, each.id, each.values) for each in writes]
        outcomes = [saved for _, saved in _save(db, frame, here)]
        moved, kept, refused = moved + sum(outcomes), kept + stay, refused + outcomes.count(False)
        progress(HANDOVER, start + len(some), len(rows))
    return Result(ident, moved, kept, refused)


def _people_alone(work: Work, row: ChangeRow) -> ChangeRow | None:
    """A logged change as far as it says who somebody is; what follows from that follows back by itself."""
    entity = work.model.catalogue.entities.get(row.entity)
    fields = entity.fields if entity is not None else {}
    changes = {
        name: pair
        for name, pair in row.changes.items()
        if name in fields and named_people.is_one(fields[name])
    }
    own = {name: pair for name, pair in changes.items() if name == "owner" or not fields[name].system}
    return replace(row, changes=own) if own and row.action == "update" else None


def demand_sound(reader: Reader, work: Work, asked: Handover) -> None:
    """Refuse what cannot be carried out, before anything is changed."""
    demand_over(reader, work, asked.leaver)
    there = audience.people(reader, work, asked.receivers)
    known = read_records.visible(reader, work, USER, asked.receivers)
    fit = [each for each in asked.receivers if each in there and each in known and each != asked.leaver]
    if not asked.receivers or len(fit) != len(asked.receivers) or len(fit) > MOST_RECEIVERS:
        raise refuse("handover.receivers", "/to", limit=MOST_RECEIVERS)
    if any(ref not in _handed(work) for ref in asked.entities):
        raise refuse("query.unknown_entity", "/entities")


def demand_own(reader: Reader, work: Work, ident: str) -> None:
    """Refuse to take back what is no handover, or somebody else's, unless as an administrator."""
    rows = change_log.read_cause(reader, ident, 0, 1) if ident else []
    own = rows and rows[0].cause_kind == HANDOVER and not ident.startswith("undo:")
    if not own or not (work.policy.admin or rows[0].actor == work.context.actor.id):
        raise refuse("web.not_found")


def _ids(reader: Reader, work: Work, ref: str, asked: Handover) -> list[str]:
    held = [_of(asked.leaver)] if _is_owned(work, ref) else []
    held += named_people.naming(work.entity(ref), asked.leaver) if asked.named else []
    if not held:
        return []
    where = _any(held)
    if asked.keep_finished and _states(work, ref):
        where = {"and": [where, {"!": _is_finished(work, ref)}]}
    found: list[str] = []
    page = read_records.list_page(reader, work, Query(ref, ("id",), where, limit=500))
    while True:
        found += page.ids
        if page.next is None:
            return found
        page = read_records.list_page(reader, work, Query(ref, ("id",), where, limit=500, cursor=page.next))


def _plan(
    reader: Reader, work: Work, asked: Handover, some: Sequence[tuple[str, str]], heirs: Sequence[str]
) -> list[Write]:
    """The save that gives each record to its heir: as owner where the leaver owns it, and where they are named."""
    by_entity: dict[str, list[str]] = {}
    for ref, ident in some:
        by_entity.setdefault(ref, []).append(ident)
    found = {ref: records.load(reader, work.model, ref, ids) for ref, ids in by_entity.items()}
    plan = []
    for (ref, ident), heir in zip(some, heirs, strict=True):
        held = found[ref][ident].json() if ident in found[ref] else {}
        policy = work.entity(ref)
        values = named_people.replaced(policy, held, asked.leaver, heir) if asked.named else {}
        if held.get("owner") == asked.leaver:
            values["owner"] = heir
        plan.append(Write("update", ref, ident, values))
    return plan


def _save(db: Database, frame: Work, writes: Sequence[Write]) -> Iterator[tuple[Write, bool]]:
    """Whether each was saved: all in one transaction, or where something is in the way one by one."""
    answers = db.read_now(partial(write_record.prepare_many, work=frame, writes=writes))
    good = [each for each in answers if isinstance(each, Prepared)]
    try:
        done = db.write_now(partial(write_record.commit_many, work=frame, prepared=good), urgent=False)
    except Refused:
        for write in writes:
            yield write, _saved_alone(db, frame, write)
        return
    told = [each for outcome in done for each in outcome.writes]
    if told:
        frame.hooks.after_write(frame.context, told)
    for write, answer in zip(writes, answers, strict=True):
        yield write, isinstance(answer, Prepared)


def _saved_alone(db: Database, frame: Work, write: Write) -> bool:
    try:
        write_record.write_now(db, frame, write, urgent=False)
    except Refused:
        return False
    return True


def _because(work: Work, ident: str) -> Work:
    return replace(work, context=work.context.because(Cause(HANDOVER, ident, work.context.actor.id)))


def _tell(db: Database, work: Work, ident: str, given: dict[str, int]) -> None:
    stamp = stamp_of(work)
    for user, count in given.items():
        if count and user != stamp.actor_id:
            notice = Notice(HANDOVER, "", ident, stamp.actor_id, more={"count": count})
            tell = partial(notices.put, notice=notice, users=[user], key=f"handover:{ident}", at=stamp.now_ms)
            db.write_now(tell)


def _rows(db: Database, ident: str) -> list[ChangeRow]:
    found: list[ChangeRow] = []
    while True:
        after = found[-1].seq if found else 0
        page = db.read_now(partial(change_log.read_cause, cause_id=ident, after=after))
        found += [row for row in page if row.cause_kind == HANDOVER]
        if not page or not found:
            return found
