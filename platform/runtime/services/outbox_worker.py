"""Works off the outbox and lets plugins follow the event log; nothing here can stop the server it runs in."""

from __future__ import annotations

import logging
import os
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from dacheng.metadata.problem import Refused
from dacheng.runtime.services import mail, notices, sign_in
from dacheng.runtime.services.event_consumers import Followers
from dacheng.runtime.services.sessions import milliseconds
from dacheng.runtime.services.site import Site
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
log = logging.getLogger("dacheng.worker")
Handler = Callable[[Site, Job, datetime], None]


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


def _told(site: Site, job: Job, now: datetime) -> None:
    """A notification inside the product."""
    site.db.write_now(lambda tx: notices.deliver(tx, job.payload, milliseconds(now)), urgent=False)


HANDLERS: Mapping[str, Handler] = {
    sign_in.RESET_JOB: _reset,
    "mail.notice": _notice,
    notices.JOB: _told,
}


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


def start(site: Site) -> Worker:
    """Start working in a thread of this process."""
    ending = threading.Event()
    thread = threading.Thread(target=_run, args=(site, ending), name="dacheng-worker", daemon=True)
    thread.start()
    return Worker(thread, ending)


def drain(site: Site) -> int:
    """Do everything that is due now; answers how many jobs were done."""
    owner = _owner()
    done = 0
    while jobs := _take(site, owner):
        done += sum(1 for job in jobs if _do(site, job))
    return done + Followers(site, owner).follow()


def _run(site: Site, ending: threading.Event) -> None:
    owner = _owner()
    followers = Followers(site, owner)
    rounds = 0
    while not ending.is_set():
        try:
            jobs = _take(site, owner) if _is_due(site) else []
            for job in jobs:
                _do(site, job)
            followers.follow()
            if not jobs:
                rounds += 1
                if rounds % SWEEP_EVERY == 0:
                    sweep(site, datetime.now(UTC))
        except Exception:
            log.exception("the outbox could not be read")
            jobs = []
        if not jobs:
            ending.wait(IDLE_SECONDS)


def _is_due(site: Site) -> bool:
    due = site.db.read_now(outbox.next_due)
    return due is not None and due <= milliseconds(datetime.now(UTC))


def _take(site: Site, owner: str) -> list[Job]:
    now = milliseconds(datetime.now(UTC))
    kinds = tuple(HANDLERS)
    return site.db.write_now(lambda tx: outbox.take(tx, owner, now, kinds=kinds), urgent=False)


def _do(site: Site, job: Job) -> bool:
    """One job under a catch-all: what fails is tried again later, and parked in the end."""
    now = datetime.now(UTC)
    if not site.db.write_now(lambda tx: outbox.hold(tx, job, milliseconds(now)), urgent=False):
        return False
    try:
        HANDLERS[job.kind](site, job, now)
    except Refused as refused:
        plain = [each.code for each in refused.problems if not each.params]
        _fail(site, job, plain[0] if plain else str(refused), now)
        return False
    except Exception as error:
        log.exception("job %s %s failed", job.kind, job.seq)
        _fail(site, job, f"{type(error).__name__}: {error}"[:500], now)
        return False
    site.db.write_now(lambda tx: outbox.done(tx, job, milliseconds(now)), urgent=False)
    return True


def _fail(site: Site, job: Job, reason: str, now: datetime) -> None:
    site.db.write_now(lambda tx: outbox.fail(tx, job, reason, milliseconds(now)), urgent=False)


def sweep(site: Site, now: datetime) -> None:
    """Drop what has served: finished jobs, ids of old events (the events stay), old traces, notifications read long ago."""
    at = milliseconds(now)

    def work(tx: Transaction) -> None:
        outbox.sweep(tx, at - KEEP_DONE_MS)
        event_log.forget_ids(tx, at - KEEP_EVENT_IDS_MS)
        traces.forget(tx, at - KEEP_TRACES_MS)
        notifications.forget(tx, at - KEEP_READ_MS)

    site.db.write_now(work, urgent=False)


def _owner() -> str:
    return f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
