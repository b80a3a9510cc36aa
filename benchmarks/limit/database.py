"""Connections of the hand-written application, and its group writer.

Environment: LIMIT_DB (SQLite path or URL), LIMIT_SYNC (NORMAL | FULL), LIMIT_WRITE (each | group).
"""

from __future__ import annotations

import asyncio
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

Work = Callable[[sa.Connection], Any]

DB = os.environ.get("LIMIT_DB", "limit.db")
URL = DB if "://" in DB else f"sqlite:///{DB}"
IS_SQLITE = URL.startswith("sqlite")
GROUPED = os.environ.get("LIMIT_WRITE", "each") == "group"
PRAGMAS = (
    "busy_timeout=5000",
    "journal_mode=WAL",
    f"synchronous={os.environ.get('LIMIT_SYNC', 'NORMAL')}",
    "foreign_keys=ON",
    "cache_size=-65536",
    "mmap_size=268435456",
    "temp_store=MEMORY",
    "wal_autocheckpoint=0",
)

engine = sa.create_engine(URL, pool_size=5)
write_lock = threading.Lock()  # SQLite has one writer; queue here, not in busy_timeout


def _set_pragmas(connection: sqlite3.Connection, _record: object) -> None:
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def read(work: Work) -> Any:
    """Run a bounded read in the event loop: on SQLite the fastest way there is."""
    with engine.connect() as connection:
        return work(connection)


async def write(work: Work) -> Any:
    """Run a write in a transaction; returns after its commit."""
    if GROUPED:
        future = asyncio.get_running_loop().create_future()
        writer.queue.put((work, future))
        return await future
    with write_lock, engine.begin() as connection:
        return work(connection)


class GroupWriter(threading.Thread):
    """One thread owns writing; everything queued shares one commit.

    A request is answered only after its commit, so durability is unchanged. Each job runs in a
    savepoint, so one failing job does not fail the others.
    """

    limit = 128

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.queue: queue.SimpleQueue[tuple[Work, asyncio.Future[Any]]] = queue.SimpleQueue()

    def run(self) -> None:
        """Take what is queued, commit it, answer; forever."""
        while True:
            jobs = [self.queue.get()]
            while len(jobs) < self.limit and not self.queue.empty():
                jobs.append(self.queue.get_nowait())
            try:
                with write_lock, engine.begin() as connection:
                    done = [self._one(connection, work, future, len(jobs)) for work, future in jobs]
            except sa.exc.DBAPIError as error:  # the commit itself failed
                done = [(future, None, error) for _, future in jobs]
            done[0][0].get_loop().call_soon_threadsafe(self._resolve, done)

    @staticmethod
    def _one(connection: sa.Connection, work: Work, future: asyncio.Future[Any], jobs: int) -> Any:
        try:
            if jobs == 1:
                return future, work(connection), None
            with connection.begin_nested():
                return future, work(connection), None
        except sa.exc.DBAPIError as error:
            return future, None, error

    @staticmethod
    def _resolve(done: list[tuple[asyncio.Future[Any], Any, Exception | None]]) -> None:
        for future, result, error in done:
            if future.done():
                continue
            if error:
                future.set_exception(error)
            else:
                future.set_result(result)


def checkpoint_forever(every: float = 0.5) -> None:
    """Move the write-ahead log into the database outside of requests, every `every` seconds."""
    connection = sqlite3.connect(DB)
    while True:
        time.sleep(every)
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")


writer = GroupWriter()


def start() -> None:
    """Start the threads; called once by the serving process."""
    if IS_SQLITE:
        sa.event.listen(engine, "connect", _set_pragmas)
        engine.connect().close()  # the change to WAL wants the database to itself
        threading.Thread(target=checkpoint_forever, daemon=True).start()
    if GROUPED:
        writer.start()
