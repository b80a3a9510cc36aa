"""Works off the outbox and lets plugins follow the event log; nothing here can stop the server it runs in."""

from __future__ import annotations

import logging
import os
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

from dacheng.metadata.problem import Refused
from dacheng.runtime.services import mail, notices, sign_in, working_calendar
from dacheng.runtime.services.event_consumers import Followers
from dacheng.runtime.services.sessions import milliseconds
from dacheng.runtime.services.site import Site
from dacheng.runtime.services.timed_rules import Timers
from dacheng.runtime.storage import accounts, event_log, notifications, outbox, traces
from dacheng.runtime.storage.outbox import Job
from dacheng.runtime.storage.reader import Transaction

IDLE_SECONDS = 1.0
DAY_MS = 24 * 3600 * 1000
KEEP_DONE_MS = 7 * DAY_MS
KEEP_EVENT_IDS_MS = 35 * DAY_MS  # longer than any sender tries again
KEEP_TRACES_MS = 180 * DAY_MS
KEEP_READ_MS = 90 * DAY_MS
SWEEP_EVERY = 3600
CALENDAR_AFTER = 30  # idle rounds: not while a workspace is being set up
TRIES_OF_POISON = 3
log = logging.getLogger("dacheng.worker")
Handler = Callable[[Site, Job, datetime], None]
Effect = Callable[[Transaction, Job, datetime], None]


def _reset(site: Site, job: Job, now: datetime) -> None:
    sign_in.send_reset(site, dict(job.payload), now, key=f"{job.kind} {job.key}")


def _notice(site: Site, job: Job, now: datetime) -> None:
    """A notification by mail to every active person named; texts were made where it arose."""
    payload: Mapping[str, Any] = job.payload
    mail.demand_ready(site.settings)
    for user in payload.get("users", ()):
        known = site.db.read_now(partial(accounts.credential_of, user=user))
        if known is not None and known.state == accounts.ACTIVE:
            words = {
                "subject": payload.get("subject", ""),
                "text": payload.get("text", ""),
                "link": site.settings.base_url + str(payload.get("path", "")),
            }
            key = f"{job.kind} {job.key}"
            mail.send(site.settings, known.login, "notice", payload.get("locale", ""), words, now, key=key)


def _told(tx: Transaction, job: Job, now: datetime) -> None:
    """A notification inside the product."""
    notices.deliver(tx, job.payload, milliseconds(now))


HANDLERS: Mapping[str, Handler] = {sign_in.RESET_JOB: _reset, "mail.notice": _notice}
EFFECTS: Mapping[str, Effect] = {notices.JOB: _told}


class LeaseLost(Exception):
    """Raised inside a job's transaction, to undo it, when another worker has the job."""


def now_utc() -> datetime:
    """The clock of a worker that was given no other."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Bench:
    """Where one worker works: its name on leases, its clock, and what it can do.

    `handlers` reach outside and may run again after a crash; `effects` are committed together with the end of
    their job, so each of them is there once.
    """

    site: Site
    owner: str = field(default_factory=lambda: f"{os.getpid()}-{uuid.uuid4().hex[:8]}")
    clock: Callable[[], datetime] = now_utc
    handlers: Mapping[str, Handler] = field(default_factory=lambda: HANDLERS)
    effects: Mapping[str, Effect] = field(default_factory=lambda: EFFECTS)


@dataclass(slots=True)
class Worker:
    """A thread that works off the outbox until stopped."""

    thread: threading.Thread
    ending: threading.Event

    def stop(self) -> None:
        """Finish the job in hand and end."""
        self.ending.set()
        self.thread.join(timeout=30)

    def wait(self) -> None:
        """Wait until it is stopped from elsewhere."""
        while self.thread.is_alive():
            self.thread.join(timeout=1.0)


def start(site: Site, bench: Bench | None = None) -> Worker:
    """Start working in a thread of this process."""
    ending = threading.Event()
    at = bench or Bench(site)
    thread = threading.Thread(target=_run, args=(at, ending), name="dacheng-worker", daemon=True)
    thread.start()
    return Worker(thread, ending)


def drain(site: Site, bench: Bench | None = None) -> int:
    """Do everything that is due now; answers how many jobs were done."""
    at = bench or Bench(site)
    done = 0
    while jobs := _take(at):
        done += sum(1 for job in jobs if _do(at, job))
    done += Followers(site, at.owner).follow() + Timers(site, at.owner).run(at.clock())
    while jobs := _take(at):
        done += sum(1 for job in jobs if _do(at, job))
    return done


def _run(at: Bench, ending: threading.Event) -> None:
    followers, clock = Followers(at.site, at.owner), Timers(at.site, at.owner)
    rounds = 0
    while not ending.is_set():
        try:
            jobs = _take(at) if _is_due(at) else []
            for job in jobs:
                _do(at, job)
            followers.follow()
            clock.run(at.clock())
            if not jobs:
                rounds += 1
                if rounds % SWEEP_EVERY == 0:
                    sweep(at.site, at.clock())
                if rounds % SWEEP_EVERY == CALENDAR_AFTER:
                    working_calendar.keep_entered(at.site, _today(at))
        except Exception:
            log.exception("the outbox could not be read")
            jobs = []
        if not jobs:
            ending.wait(IDLE_SECONDS)


def _today(at: Bench) -> date:
    return at.clock().astimezone(at.site.settings.tzinfo).date()


def _is_due(at: Bench) -> bool:
    due = at.site.db.read_now(outbox.next_due)
    return due is not None and due <= milliseconds(at.clock())


def _take(at: Bench) -> list[Job]:
    now = milliseconds(at.clock())
    kinds = (*at.handlers, *at.effects)
    return at.site.db.write_now(lambda tx: outbox.take(tx, at.owner, now, kinds=kinds), urgent=False)


def _do(at: Bench, job: Job) -> bool:
    """One job under a catch-all: what fails is tried again later, and parked in the end.

    A target that can't be reached is tried for a day; what our own code stumbles over, three times.
    """
    now = at.clock()
    try:
        return _effect(at, job, now) if job.kind in at.effects else _handle(at, job, now)
    except Refused as refused:
        plain = [each.code for each in refused.problems if not each.params]
        _fail(at, job, plain[0] if plain else str(refused), now)
    except Exception as error:
        log.exception("job %s %s failed", job.kind, job.seq)
        poison = not isinstance(error, OSError) and job.attempts >= TRIES_OF_POISON
        _fail(at, job, f"{type(error).__name__}: {error}"[:500], now, for_good=poison)
    return False


def _handle(at: Bench, job: Job, now: datetime) -> bool:
    db = at.site.db
    if not db.write_now(lambda tx: outbox.hold(tx, job, milliseconds(now)), urgent=False):
        return False
    at.handlers[job.kind](at.site, job, now)
    return db.write_now(lambda tx: outbox.done(tx, job, milliseconds(now)), urgent=False)


def _effect(at: Bench, job: Job, now: datetime) -> bool:
    """The effect and the end of its job in one transaction; neither when the lease was lost."""

    def work(tx: Transaction) -> None:
        if not outbox.done(tx, job, milliseconds(now)):
            raise LeaseLost
        at.effects[job.kind](tx, job, now)

    try:
        at.site.db.write_now(work, urgent=False)
    except LeaseLost:
        return False
    return True


def _fail(at: Bench, job: Job, reason: str, now: datetime, *, for_good: bool = False) -> None:
    moment = milliseconds(now)
    at.site.db.write_now(lambda tx: outbox.fail(tx, job, reason, moment, for_good=for_good), urgent=False)


def sweep(site: Site, now: datetime) -> None:
    """Drop what has served: finished jobs, ids of old events (the events stay), old traces, notifications read long ago."""
    at = milliseconds(now)

    def work(tx: Transaction) -> None:
        outbox.sweep(tx, at - KEEP_DONE_MS)
        event_log.forget_ids(tx, at - KEEP_EVENT_IDS_MS)
        traces.forget(tx, at - KEEP_TRACES_MS)
        notifications.forget(tx, at - KEEP_READ_MS)

    site.db.write_now(work, urgent=False)
