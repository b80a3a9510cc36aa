"""Opening connections: SQLite's settings, PostgreSQL's session, and a small pool that grows when asked."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from dacheng.runtime.storage import sqlite_functions
from dacheng.runtime.storage.failures import is_disconnect, is_outdated
from dacheng.runtime.storage.reader import Link

_PROGRESS_STEPS = 20_000


@dataclass(frozen=True, slots=True)
class Options:
    """How to open: a SQLite file or a PostgreSQL URL, durability, and the seconds one read may take."""

    url: str
    path: Path | None
    read_only: bool
    synchronous: str = "FULL"
    statement_seconds: float = 5.0

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is a file of our own."""
        return self.path is not None


def connect(options: Options, *, writing: bool) -> Link:
    """Open one connection; on SQLite the product's exact functions are registered on it."""
    if options.is_sqlite:
        return _connect_sqlite(options, writing=writing)
    return _connect_postgresql(options, writing=writing)


def _connect_sqlite(options: Options, *, writing: bool) -> Link:
    query = "?mode=ro&uri=true" if options.read_only else "?uri=true"
    engine = sa.create_engine(
        f"sqlite:///file:{quote(str(options.path))}{query}",
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        connect_args={"check_same_thread": False, "cached_statements": 512, "timeout": 10.0},
    )
    link = Link(engine.connect())
    link.driver.isolation_level = None
    for pragma in _pragmas(options, writing=writing):
        link.driver.execute(f"PRAGMA {pragma}")
    sqlite_functions.register(link.driver)

    def late() -> int:
        return 1 if time.monotonic() > link.deadline or time.thread_time() > link.exhausted else 0

    link.driver.set_progress_handler(late, _PROGRESS_STEPS)
    return link


def _pragmas(options: Options, *, writing: bool) -> Iterator[str]:
    if not options.read_only:
        yield "journal_mode=WAL"
        yield f"synchronous={options.synchronous}"
        yield "wal_autocheckpoint=0"
    yield "foreign_keys=ON"
    yield "busy_timeout=10000"
    yield f"cache_size={-32768 if writing else -16384}"
    yield "mmap_size=268435456"
    yield "temp_store=MEMORY"
    yield "trusted_schema=OFF"
    if not writing:
        yield "query_only=ON"


def _connect_postgresql(options: Options, *, writing: bool) -> Link:
    engine = sa.create_engine(options.url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    link = Link(engine.connect())
    link.command("SET TIME ZONE 'UTC'")
    if not writing:
        link.command(f"SET statement_timeout = {int(options.statement_seconds * 1000)}")
        link.command("SET default_transaction_read_only = on")
    return link


class Turns:
    """So many places, taken in the order they were asked for: one given back goes to who has waited longest.

    With a plain semaphore a thread that comes back at once overtakes those who wait, and some wait for seconds.
    """

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: deque[threading.Lock] = deque()
        self._guard = threading.Lock()

    def acquire(self) -> None:
        """Take a place, waiting for one's turn."""
        with self._guard:
            if self._free:
                self._free -= 1
                return
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        turn.acquire()

    def release(self) -> None:
        """Give the place to whoever waits longest."""
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._free += 1


class Pool:
    """Connections of one use, the last one used first; at most `size` at a time (0: no limit)."""

    def __init__(self, opener: Callable[[], Link], size: int) -> None:
        self._opener = opener
        self._free: deque[Link] = deque()
        self._slots = Turns(size) if size else None
        self._closed = False

    @contextmanager
    def link(self) -> Iterator[Link]:
        """Borrow a connection; one that lost its server, knows an outdated schema, or cannot roll back is not kept."""
        if self._slots is not None:
            self._slots.acquire()
        try:
            link = self._take()
            try:
                yield link
            except BaseException as error:
                self._return_after(error, link)
                raise
            self._keep(link)
        finally:
            if self._slots is not None:
                self._slots.release()

    def close(self) -> None:
        """Close what is free; what is out closes when it comes back."""
        self._closed = True
        while self._free:
            self._free.pop().close()

    def _take(self) -> Link:
        try:
            return self._free.pop()
        except IndexError:
            return self._opener()

    def _keep(self, link: Link) -> None:
        if self._closed:
            link.close()
        else:
            self._free.append(link)

    def _return_after(self, error: BaseException, link: Link) -> None:
        try:
            if is_disconnect(error) or is_outdated(error):
                link.close()
                return
            link.rollback()
        except Exception:  # noqa: BLE001 - a connection that cannot roll back is only good for closing
            _close_quietly(link)
            return
        self._keep(link)


def _close_quietly(link: Any) -> None:
    try:
        link.close()
    except Exception:  # noqa: BLE001 - already broken; there is nobody left to tell
        return
