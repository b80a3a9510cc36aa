"""Rules that time fires: what is due is looked at again, and fires in one transaction with its row, once."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any, Final

from dacheng.metadata.definition import Rule
from dacheng.metadata.expression.moments import Calendar, is_working_day
from dacheng.metadata.problem import Refused
from dacheng.metadata.timing import WORKING_DAYS, due_at, next_run
from dacheng.plugins.context import Cause
from dacheng.runtime.services import read_records, write_record
from dacheng.runtime.services.conditions import Subject, explain, value_of
from dacheng.runtime.services.effects import run_timed
from dacheng.runtime.services.gate import Query
from dacheng.runtime.services.rules import Trigger
from dacheng.runtime.services.save_plan import Happened, Plan, Trace, Write
from dacheng.runtime.services.sessions import milliseconds
from dacheng.runtime.services.site import Site
from dacheng.runtime.services.work import Work
from dacheng.runtime.services.write_record import Prepared
from dacheng.runtime.storage import leases, timers, traces, working_calendar
from dacheng.runtime.storage.reader import Reader, Transaction
from dacheng.runtime.storage.timers import Rest, Timer

AT_ONCE: Final = 200
LEASE_MS: Final = 60_000
PAUSE_MS: Final = 3_600_000
LONGEST_LEAVE: Final = 366
LEASE: Final = "timers"
log = logging.getLogger("dacheng.worker")


class Moved(Exception):
    """Raised inside a firing's transaction, to undo it, when something moved since it was looked at."""


@dataclass(frozen=True, slots=True)
class _Due:
    """A waiting record whose time has come."""

    timer: Timer
    rule: Rule
    since: int | None
    happened: Happened


@dataclass(slots=True)
class Timers:
    """What one worker, named `owner`, does about time; `started` is the version of definitions it has begun."""

    site: Site
    owner: str
    started: int = -1

    def run(self, now: datetime) -> int:
        """Fire what is due at a moment; answers how many rules were looked at on a record."""
        model = self.site.refresh()
        if self.started != model.versions.definitions:
            self._start(now)
            self.started = model.versions.definitions
        at, seen = milliseconds(now), set[Timer]()
        try:
            while (found := self._due(at, seen)) and self._lead(at):
                seen.update(found)
                self._look(found, now)
        finally:
            if seen:
                self.site.db.write_now(partial(leases.give_up, name=LEASE, owner=self.owner), urgent=False)
        return len(seen)

    def _due(self, at: int, seen: set[Timer]) -> list[Timer]:
        """What is due and has not been looked at in this round."""
        found = self.site.db.read_now(partial(timers.due, now=at, limit=AT_ONCE))
        return [each for each in found if each not in seen]

    def _lead(self, at: int) -> bool:
        """Whether this worker is the one that looks at what is due."""
        db, owner = self.site.db, self.owner
        return db.write_now(lambda tx: leases.take(tx, LEASE, owner, at, LEASE_MS), urgent=False)

    def _start(self, now: datetime) -> None:
        """Rows for rules and records that have none yet."""
        model, zone = self.site.model(), self.site.settings.tzinfo

        def work(tx: Transaction) -> None:
            for name, rule in model.catalogue.timed.items():
                if rule.timing is not None and rule.timing.cron:
                    following = milliseconds(next_run(rule.timing.cron, now, zone))
                    timers.next_run(tx, name, following, rule.timing.cron)
                else:
                    timers.start(tx, model, name, rule.entity)

        if model.catalogue.timed:
            self.site.db.write_now(work, urgent=False)

    def _look(self, found: Sequence[Timer], now: datetime) -> None:
        """One round over due rows, rule by rule."""
        by_rule: dict[str, list[Timer]] = {}
        for each in found:
            by_rule.setdefault(each.rule, []).append(each)
        for name, rows in by_rule.items():
            rule = self.site.model().catalogue.timed.get(name)
            if rule is None or rule.timing is None:
                self.site.db.write_now(partial(timers.forget, rule=name), urgent=False)
                continue
            work = self._frame(rule, now)
            if rule.timing.cron:
                self._run_schedule(work, rule, rows, now)
            else:
                self._run_absence(work, rule, rows, now)

    def _frame(self, rule: Rule, now: datetime) -> Work:
        """The product's own frame at the moment, because it is time for the rule."""
        work = self.site.work(cause=Cause("timer", f"{rule.app}.{rule.id}"))
        moment = now.replace(microsecond=now.microsecond // 1000 * 1000)
        return replace(work, context=replace(work.context, now=moment))

    # ------------------------------------------------------------ schedules
    def _run_schedule(self, work: Work, rule: Rule, rows: Sequence[Timer], now: datetime) -> None:
        for each in rows:
            if not each.record:
                self._fan_out(work, rule, each, now)
        records = [each for each in rows if each.record]
        happened = self.site.db.read_now(lambda reader: _happened(reader, work, rule, records, "schedule"))
        self._fire(rule, [_Due(each, rule, None, found) for each, found in happened])
        self._settle([Rest(each, None) for each in _without(records, happened)])

    def _fan_out(self, work: Work, rule: Rule, row: Timer, now: datetime) -> None:
        """A run that is due: the records that meet the rule are set off, and the next run is set, at once.

        Runs that were missed while nobody worked are one run now.
        """
        cron = rule.timing.cron if rule.timing is not None else ""
        following = milliseconds(next_run(cron, now, work.context.zone))
        ids = self.site.db.read_now(lambda reader: _meeting(reader, work, rule))

        def carry_out(tx: Transaction) -> None:
            if not timers.fired(tx, row, milliseconds(now), following):
                raise Moved
            timers.set_off(tx, row.rule, ids, milliseconds(now))

        try:
            self.site.db.write_now(carry_out, urgent=False)
        except Moved:
            log.info("another worker ran the schedule of %s", row.rule)

    # ------------------------------------------------------------ waiting
    def _run_absence(self, work: Work, rule: Rule, rows: Sequence[Timer], now: datetime) -> None:
        due, resting = self.site.db.read_now(lambda reader: _sort_out(reader, work, rule, rows, now))
        self._settle(resting)
        self._fire(rule, due)

    def _settle(self, resting: Sequence[Rest]) -> None:
        if resting:
            self.site.db.write_now(partial(timers.rest, many=resting), urgent=False)

    # ------------------------------------------------------------ firing
    def _fire(self, rule: Rule, due: Sequence[_Due]) -> None:
        for each in due:
            try:
                self._fire_one(rule, each)
            except Moved:
                continue
            except Refused as refused:
                if not any(one.code.endswith("version_moved") for one in refused.problems):
                    self._give_up(each, refused)
            except Exception:
                log.exception("rule %s failed on %s", each.timer.rule, each.timer.record)
                self._settle([Rest(each.timer, milliseconds(each.happened.work.context.now) + PAUSE_MS)])

    def _fire_one(self, rule: Rule, due: _Due) -> None:
        """The rule's effects and that it has fired, in one transaction."""
        work, one = due.happened.work, due.timer
        prepared = self.site.db.read_now(lambda reader: _prepared(reader, due, rule))
        fired = any(each.rule == one.rule and each.outcome != "near" for each in prepared.traces)

        def carry_out(tx: Transaction) -> write_record.Outcome:
            if not timers.fired(tx, one, due.since if fired else one.fired_for):
                raise Moved
            return write_record.commit(tx, work, prepared)

        outcome = self.site.db.write_now(carry_out, urgent=False)
        if outcome.writes:
            work.hooks.after_write(work.context, outcome.writes)

    def _give_up(self, due: _Due, refused: Refused) -> None:
        """What is refused stays undone, is kept as a trace, and is not tried again for the same waiting."""
        one, happened = due.timer, due.happened
        reason = refused.problems[0].code
        body: dict[str, Any] = {
            "trigger": happened.trigger.kind,
            "changed": [],
            "condition": None,
            "chain": [],
            "by": "system",
        }
        effects = [{"kind": "refused", "params": {}, "result": "refused", "code": reason}]
        kept = Trace(happened.ref, happened.id, one.rule, "refused", {**body, "effects": effects})

        def carry_out(tx: Transaction) -> None:
            if timers.fired(tx, one, due.since):
                row = (kept.entity, kept.record, kept.rule, kept.outcome, kept.body)
                traces.put(tx, [row], milliseconds(happened.work.context.now))

        log.warning("rule %s was refused on %s: %s", one.rule, one.record, reason)
        self.site.db.write_now(carry_out, urgent=False)


def _meeting(reader: Reader, work: Work, rule: Rule) -> list[str]:
    """The ids of all records that meet the rule's condition, worked out by the database."""
    extra = () if rule.condition is None else (rule.condition,)
    ids: list[str] = []
    query = Query(rule.entity, ("id",), extra=extra, limit=AT_ONCE)
    while True:
        page = read_records.list_page(reader, work, query)
        ids.extend(page.page.ids)
        if page.next is None:
            return ids
        query = replace(query, cursor=page.next)


def _happened(
    reader: Reader, work: Work, rule: Rule, rows: Sequence[Timer], kind: str
) -> list[tuple[Timer, Happened]]:
    """Those of the rows whose record is alive, with the record as it is now."""
    plan = Plan.over(reader, work)
    plan.at_hand.load(rule.entity, [each.record for each in rows])
    found = []
    for each in rows:
        values = plan.at_hand.values[rule.entity, each.record]
        if values is not None:
            subject = plan.at_hand.subject(work, rule.entity, each.record, values, values)
            found.append((each, Happened(work, rule.entity, each.record, Trigger(kind), subject)))
    return found


def _without(rows: Sequence[Timer], found: Iterable[tuple[Timer, Happened]]) -> list[Timer]:
    known = {each.record for each, _ in found}
    return [each for each in rows if each.record not in known]


def _sort_out(
    reader: Reader, work: Work, rule: Rule, rows: Sequence[Timer], now: datetime
) -> tuple[list[_Due], list[Rest]]:
    """Which rows are to fire now, and which are to wait for how long."""
    found = _happened(reader, work, rule, rows, "absence")
    resting = [Rest(each, None) for each in _without(rows, found)]
    due: list[_Due] = []
    calendars = _calendars(reader, work, rule, [happened.subject for _, happened in found])
    for row, happened in found:
        person = _person(rule, happened.subject)
        since, moment = _moments(work, rule, happened.subject, calendars.get(person, work.context.calendar))
        passed = moment is not None and moment <= now and row.state == timers.SETTLE
        if since is None or moment is None or row.fired_for == since or passed:
            resting.append(Rest(row, None, person or None))
        elif moment > now:
            resting.append(Rest(row, milliseconds(moment), person or None))
        else:
            due.append(
                _Due(row, rule, since, replace(happened, waited=_seen(work, rule, happened.subject, moment)))
            )
    return due, resting


def _moments(
    work: Work, rule: Rule, subject: Subject, calendar: Calendar
) -> tuple[int | None, datetime | None]:
    """Since when (ms) is waited for the record, and until when."""
    timing, zone = rule.timing, work.context.zone
    if timing is None or timing.since is None or timing.span is None:
        return None, None
    since, span = (value_of(each, subject, work.context) for each in (timing.since, timing.span))
    if since is None or span is None:
        return None, None
    start = (
        since if isinstance(since, datetime) else datetime(since.year, since.month, since.day, tzinfo=zone)
    )
    return milliseconds(start), due_at(since, timing.unit, span, calendar, zone)


def _seen(work: Work, rule: Rule, subject: Subject, due: datetime) -> Mapping[str, Any]:
    timing = rule.timing
    pair = (timing.since, timing.span) if timing is not None else (None, None)
    trees = [None if each is None else explain(each, subject, work.context) for each in pair]
    return {"since": trees[0], "span": trees[1], "due": due.astimezone(UTC).isoformat()}


def _person(rule: Rule, subject: Subject) -> str:
    """With whose leave working days do not count; nobody's for other units."""
    timing = rule.timing
    if timing is None or timing.unit != WORKING_DAYS or not timing.person:
        return ""
    value = subject.values.get(timing.person)
    return value if isinstance(value, str) else ""


def _calendars(reader: Reader, work: Work, rule: Rule, subjects: Sequence[Subject]) -> dict[str, Calendar]:
    """The calendars of people who are on leave at some time: the workspace's without their days of leave."""
    people = sorted({_person(rule, each) for each in subjects} - {""})
    found = working_calendar.leaves(reader, work.model, people)
    return {person: _without_leave(work.context.calendar, spans) for person, spans in found.items()}


def _without_leave(calendar: Calendar, spans: Iterable[tuple[date, date]]) -> Calendar:
    off, extra = set(calendar.off), set(calendar.extra)
    for first, last in spans:
        for number in range(min((last - first).days + 1, LONGEST_LEAVE)):
            day = first + timedelta(days=number)
            if is_working_day(day, calendar):
                (off.add if day.weekday() < 5 else extra.discard)(day.isoformat())
    return Calendar(tuple(sorted(off)), tuple(sorted(extra)))


def _prepared(reader: Reader, due: _Due, rule: Rule) -> Prepared:
    """What the firing will do, planned on the record as it is in this very look."""
    happened = due.happened
    work = happened.work
    plan = Plan.over(reader, work)
    values = plan.at_hand.lookup(happened.ref, happened.id)
    if values is None:
        raise Moved
    subject = plan.at_hand.subject(work, happened.ref, happened.id, values, values)
    run_timed(plan, replace(happened, subject=subject), rule)
    return Prepared(
        Write("update", happened.ref, happened.id),
        happened.id,
        int(values["version"]),
        "",
        tuple(plan.steps),
        tuple(plan.writes),
        tuple(plan.traces),
        tuple(plan.messages),
        tuple(plan.guards),
    )
