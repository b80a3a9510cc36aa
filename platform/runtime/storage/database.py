"""The database as everything above sees it: reads in a snapshot, writes in one line, errors as problems."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from dacheng.metadata.problem import Refused, refuse
from dacheng.runtime.storage import fault, system_tables
from dacheng.runtime.storage.connections import Options, Pool, connect
from dacheng.runtime.storage.failures import is_retryable, translate
from dacheng.runtime.storage.lock_file import LockFile
from dacheng.runtime.storage.reader import Link, Reader, Transaction
from dacheng.runtime.storage.writer import Writer

T = TypeVar("T")
_READERS = 4
_CHECKPOINT_SECONDS = 1.0
_RETRIES = 40
_MOMENT = 0.005  # seconds a read may compute in the event loop
_LONG_MOMENT = 0.25  # seconds it may keep the event loop waiting, however little of them it was given
_LONG_SECONDS = 60.0
_KINDS = 1000
_FOREVER = float("inf")


def open_database(
    url_or_path: str | Path,
    *,
    read_only: bool = False,
    synchronous: str = "FULL",
    statement_seconds: float = 5.0,
) -> Database:
    """Open (and, when new, prepare) a SQLite file or a `postgresql://` database.

    Refuses with `storage.second_writer` when another process writes the same file, and with
    `storage.newer` when a newer version of the product made it; neither changes anything.
    """
    options = _options(url_or_path, read_only, synchronous, statement_seconds)
    return Database(options)


def _options(given: str | Path, read_only: bool, synchronous: str, seconds: float) -> Options:
    text = str(given)
    if text.startswith(("postgres://", "postgresql://", "postgresql+psycopg://")):
        url = "postgresql+psycopg://" + text.split("://", 1)[1]
        return Options(url, None, read_only, synchronous, seconds)
    path = Path(text.removeprefix("sqlite:///")).absolute()
    return Options(f"sqlite:///{path}", path, read_only, synchronous, seconds)


class Database:
    """One open database. `dialect` is `sqlite` or `postgresql`; works must be safe to run again."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.dialect = "sqlite" if options.is_sqlite else "postgresql"
        self.path = options.path
        self._closed = False
        self._long: dict[
            Hashable, float
        ] = {}  # kinds of questions that took long, until when they count as such
        self._lock = LockFile(options.path) if options.path and not options.read_only else None
        try:
            self._prepare()
            size = _READERS if options.is_sqlite else 2 * _READERS
            self._readers = Pool(lambda: connect(options, writing=False), size)
            self._bounded = Pool(lambda: connect(options, writing=False), 0)
            self._writers = Pool(lambda: connect(options, writing=True), 2 * _READERS)
            self._threads = ThreadPoolExecutor(2 * _READERS, "dacheng-storage")
            self._writer = self._start_writer()
            self._checkpoints = Checkpoints(options) if self._writer else None
        except BaseException:
            if self._lock is not None:
                self._lock.release()
            raise

    # ------------------------------------------------------------ reading
    async def read(
        self,
        work: Callable[[Reader], T],
        bounded: bool = False,
        kind: Hashable | None = None,
        key: Hashable | None = None,
    ) -> T:
        """Run `work` in one snapshot. `bounded` says it is a row by id or a keyset page with a known plan.

        What a bounded work found under `key` on SQLite is answered again while nobody has committed anything;
        the key must name all that it looks at besides the database.

        `kind` names a question that is short as a rule: on SQLite it is tried here and now, which saves the
        way to a thread and back. One that is not done in a moment goes to a thread after all, and for a
        while all of its kind go there at once.
        """
        if bounded and self.options.is_sqlite:
            return self._in_snapshot(self._bounded, work, _FOREVER, key=key)
        if kind is not None and self.options.is_sqlite and time.monotonic() > self._long.get(kind, 0.0):
            try:
                return self._in_snapshot(self._bounded, work, _LONG_MOMENT, _MOMENT)
            except Refused as refused:
                if not any(each.code == "storage.too_slow" for each in refused.problems):
                    raise
            if len(self._long) >= _KINDS:
                self._long.clear()
            self._long[kind] = time.monotonic() + _LONG_SECONDS
        return await asyncio.get_running_loop().run_in_executor(self._threads, self.read_now, work)

    def read_now(self, work: Callable[[Reader], T]) -> T:
        """Run `work` in one snapshot, in this thread, within the statement time limit."""
        return self._in_snapshot(self._readers, work, self.options.statement_seconds)

    def read_through(self, work: Callable[[Reader], T]) -> T:
        """The same for care that goes through everything: its snapshot may last, each of PostgreSQL's statements not."""
        return self._in_snapshot(self._readers, work, _FOREVER)

    def _in_snapshot(
        self,
        pool: Pool,
        work: Callable[[Reader], T],
        seconds: float,
        computing: float = _FOREVER,
        key: Hashable | None = None,
    ) -> T:
        try:
            for _ in range(_RETRIES):
                try:
                    with pool.link() as link:
                        _bound(link, seconds, computing)
                        if key is None:
                            return self._snapshot(link, work)
                        return link.unchanged(key, partial(self._snapshot, link, work))
                except Exception as error:
                    if not is_retryable(error):
                        raise
        except Exception as error:
            meant = translate(error)
            if meant is error:
                raise
            raise meant from error
        raise refuse("storage.busy")

    def _snapshot(self, link: Link, work: Callable[[Reader], T]) -> T:
        begin = "BEGIN" if self.options.is_sqlite else "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        link.command(begin)
        answer = work(Reader(link))
        link.command("COMMIT")
        return answer

    # ------------------------------------------------------------ writing
    async def write(self, work: Callable[[Transaction], T], urgent: bool = True) -> T:
        """Run `work` in one transaction and answer after its commit; imports and jobs are not urgent."""
        self._demand_writable()
        if self._writer is not None:
            answer: T = await self._writer.submit_async(work, urgent=urgent)
            return answer
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._transact, work)

    def write_now(self, work: Callable[[Transaction], T], urgent: bool = True) -> T:
        """The same, waiting in this thread (never in an event loop, never inside another write)."""
        self._demand_writable()
        if self._writer is not None:
            answer: T = self._writer.submit(work, urgent=urgent).result()
            return answer
        return self._transact(work)

    def _demand_writable(self) -> None:
        if self.options.read_only:
            raise refuse("storage.read_only")

    def _transact(self, work: Callable[[Transaction], T]) -> T:
        """One PostgreSQL transaction, run again (with growing pauses) when others came in between."""
        for attempt in range(_RETRIES):
            try:
                return self._attempt(work)
            except Exception as error:
                if not is_retryable(error):
                    meant = translate(error)
                    if meant is error:
                        raise
                    raise meant from error
            time.sleep(random.uniform(0.0, 0.002 * min(attempt + 1, 10)))  # noqa: S311 - only spreads retries
        raise refuse("storage.busy")

    def _attempt(self, work: Callable[[Transaction], T]) -> T:
        with self._writers.link() as link:
            link.command("BEGIN ISOLATION LEVEL REPEATABLE READ")
            answer = work(Transaction(link, link.is_waited_for))
            fault.point("storage.before_commit")
            link.command("COMMIT")
            fault.point("storage.after_commit")
            return answer

    # ------------------------------------------------------------ life
    def _prepare(self) -> None:
        link = connect(self.options, writing=not self.options.read_only)
        try:
            system_tables.prepare(link, create=not self.options.read_only)
        finally:
            link.close()

    def _start_writer(self) -> Writer | None:
        if self.options.read_only or not self.options.is_sqlite:
            return None
        return Writer(connect(self.options, writing=True), self._note_commit)

    def _note_commit(self) -> None:
        if self._checkpoints is not None:
            self._checkpoints.due = True

    def close(self) -> None:
        """Finish what is queued, write the log back into the file, close every connection; twice is once."""
        if self._closed:
            return
        self._closed = True
        if self._writer is not None:
            self._writer.close()
        if self._checkpoints is not None:
            self._checkpoints.close()
        self._threads.shutdown()
        for pool in (self._readers, self._bounded, self._writers):
            pool.close()
        if self._lock is not None:
            self._lock.release()


def _bound(link: Link, seconds: float, computing: float) -> None:
    """Give a borrowed connection the time of this work, before the first statement: the last one's may be over."""
    link.deadline = time.monotonic() + seconds
    link.exhausted = _FOREVER if computing == _FOREVER else time.thread_time() + computing


class Checkpoints:
    """Copies the write-ahead log back in its own thread, so that no request pays for it."""

    def __init__(self, options: Options) -> None:
        self.due = True
        self._link = connect(options, writing=True)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="dacheng-checkpoints", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """A last, complete checkpoint."""
        self._stop.set()
        self._thread.join()
        self._checkpoint("TRUNCATE")
        self._link.close()

    def _run(self) -> None:
        while not self._stop.wait(_CHECKPOINT_SECONDS):
            if self.due:
                self.due = False
                self._checkpoint("PASSIVE")

    def _checkpoint(self, mode: str) -> None:
        try:
            self._link.command(f"PRAGMA wal_checkpoint({mode})")
        except sqlite3.Error:  # a busy or full disk: the log keeps everything, the next round tries again
            self.due = True
