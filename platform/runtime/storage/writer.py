"""The one writer of a SQLite database: a thread that takes work first in, first out, and commits in groups.

Two classes wait in line: people, and jobs that yield to them (imports, events, timers). A job never
starves: after eight of the first class, or when it has waited a quarter of a second, it is next.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from dacheng.metadata.problem import refuse
from dacheng.runtime.storage import fault
from dacheng.runtime.storage.failures import translate
from dacheng.runtime.storage.reader import Link, Transaction

GROUP_SECONDS = 0.002
GROUP_ITEMS = 64
URGENT_IN_A_ROW = 8
PATIENCE_SECONDS = 0.25

Work = Callable[[Transaction], Any]


@dataclass(slots=True)
class _Job:
    work: Work
    future: Any  # concurrent Future, or asyncio Future of `loop`
    loop: asyncio.AbstractEventLoop | None
    since: float = field(default_factory=time.monotonic)
    result: Any = None
    error: BaseException | None = None


class Line:
    """The waiting line: urgent work first, yet the other class always moves."""

    def __init__(self) -> None:
        self._urgent: deque[_Job] = deque()
        self._patient: deque[_Job] = deque()
        self._in_a_row = 0

    def put(self, job: _Job, *, urgent: bool) -> None:
        """Join the end of one class."""
        (self._urgent if urgent else self._patient).append(job)

    def take(self) -> _Job | None:
        """The next in line, or None."""
        if self._patient and (not self._urgent or self._owed()):
            self._in_a_row = 0
            return self._patient.popleft()
        if not self._urgent:
            return None
        self._in_a_row += 1
        return self._urgent.popleft()

    def is_waiting(self) -> bool:
        """Whether anybody stands in line; asked by work that holds everybody up."""
        return bool(self._urgent or self._patient)

    def _owed(self) -> bool:
        waited = time.monotonic() - self._patient[0].since
        return self._in_a_row >= URGENT_IN_A_ROW or waited > PATIENCE_SECONDS


class Writer:
    """Runs works one after the other on its own connection; each is answered only after its commit."""

    def __init__(self, link: Link, committed: Callable[[], None]) -> None:
        self._link = link
        self._committed = committed
        self._line = Line()
        self._wake = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="dacheng-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Work, *, urgent: bool) -> Future[Any]:
        """Queue work from any thread but the writer's own; the future has its result after the commit."""
        if threading.current_thread() is self._thread:
            raise RuntimeError("a write was asked for from inside a write; use the transaction at hand")
        future: Future[Any] = Future()
        self._put(_Job(work, future, None), urgent=urgent)
        return future

    def submit_async(self, work: Work, *, urgent: bool) -> asyncio.Future[Any]:
        """Queue work from an event loop."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._put(_Job(work, future, loop), urgent=urgent)
        return future

    def close(self) -> None:
        """Finish everything queued, then stop; later work is refused."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()
        self._link.close()

    def _put(self, job: _Job, *, urgent: bool) -> None:
        with self._wake:
            if self._closing:
                raise refuse("storage.closed")
            self._line.put(job, urgent=urgent)
            self._wake.notify()

    def _next(self, *, wait: bool) -> _Job | None:
        with self._wake:
            job = self._line.take()
            while job is None and wait and not self._closing:
                self._wake.wait()
                job = self._line.take()
            return job

    def _run(self) -> None:
        while (job := self._next(wait=True)) is not None:
            _answer(self._group(job))

    def _group(self, first: _Job) -> list[_Job]:
        """One transaction for the first job and whatever is queued meanwhile."""
        done = [first]
        transaction = Transaction(self._link, self._line.is_waiting)
        try:
            self._link.command("BEGIN IMMEDIATE")
            first.result = first.work(transaction)
        except BaseException as error:  # noqa: BLE001 - it belongs to whoever waits for this job
            first.error = translate(error)
            _undo(self._link)
            return done
        try:
            until = time.monotonic() + GROUP_SECONDS
            while len(done) < GROUP_ITEMS and time.monotonic() < until:
                job = self._next(wait=False)
                if job is None:
                    break
                done.append(job)
                self._in_savepoint(job, transaction)
            fault.point("storage.before_commit")
            self._link.command("COMMIT")
            fault.point("storage.after_commit")
        except BaseException as error:  # noqa: BLE001 - the group is lost: everyone who shared it is told
            self._lose(done, error)
        self._committed()
        return done

    def _in_savepoint(self, job: _Job, transaction: Transaction) -> None:
        self._link.command("SAVEPOINT work")
        try:
            job.result = job.work(transaction)
        except BaseException as error:
            if not self._link.in_transaction():  # the database itself gave up the whole group
                raise
            job.error = translate(error)
            self._link.command("ROLLBACK TO work")
        self._link.command("RELEASE work")

    def _lose(self, done: list[_Job], error: BaseException) -> None:
        for job in done:
            if job.error is None:
                job.error = translate(error)
        _undo(self._link)


def _undo(link: Link) -> None:
    try:
        link.rollback()
    except Exception:  # noqa: BLE001 - SQLite may have rolled back already; a new BEGIN will tell
        return


def _answer(jobs: list[_Job]) -> None:
    loops: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
    for job in jobs:
        if job.loop is not None:
            loops.setdefault(job.loop, []).append(job)
        else:
            _resolve([job])
    for loop, waiting in loops.items():
        try:
            loop.call_soon_threadsafe(_resolve, waiting)
        except RuntimeError:  # the loop has ended: what was written stays written
            continue


def _resolve(jobs: list[_Job]) -> None:
    for job in jobs:
        if job.future.done():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)
