"""Signals that figures went stale: one look at the change log a second for all viewers, and never any data."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from dacheng.metadata.problem import Refused, refuse
from dacheng.runtime.host import Host
from dacheng.runtime.storage.kept_figures import EVERYTHING, News, look
from dacheng.runtime.web.routing import host_of

EVERY_SECONDS = 1.0
BEAT_SECONDS = 15.0  # a sign of life, and a look whether the viewer may still look
LIFE_SECONDS = 600.0  # then the browser comes again
MOST_STREAMS = 500  # in one process; whoever comes later asks once a minute
STREAM = "text/event-stream"
BEGINNING = "retry: 5000\n: open\n\n"
Stale = Mapping[str, frozenset[str]]
Behind = Callable[[], Awaitable[Stale | None]]


class Changes:
    """Which entities changed, for everybody who waits: looks at the database only while somebody does."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._news: News | None = None
        self._round = 0
        self._at: dict[str, int] = {}  # entity → the round in which it changed last
        self._waiting = 0
        self._task: asyncio.Task[None] | None = None
        self._turned = asyncio.Condition()

    @property
    def streams(self) -> int:
        """How many follow now."""
        return self._waiting

    def enter(self) -> int:
        """Begin to follow; answers the round to wait from."""
        self._waiting += 1
        if self._task is None or self._task.done():
            self._news = None
            self._task = asyncio.create_task(self._run())
        return self._round

    def leave(self) -> None:
        """Follow no longer."""
        self._waiting -= 1

    async def behind(self, seen: int, seconds: float) -> tuple[int, frozenset[str]]:
        """The entities that changed after round `seen`; nothing where none did in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds), self._turned:
                await self._turned.wait_for(lambda: self._round > seen)
        return self._round, frozenset(entity for entity, at in self._at.items() if at > seen)

    async def _run(self) -> None:
        while self._waiting > 0:
            with suppress(Refused):
                await self._look()
            await asyncio.sleep(EVERY_SECONDS)

    async def _look(self) -> None:
        before = self._news
        self._news = await self._host.db.read(lambda reader: look(reader, before), bounded=True)
        if before is None or not self._news.entities:
            return
        async with self._turned:
            self._round += 1
            self._at.update(dict.fromkeys(self._news.entities, self._round))
            self._turned.notify_all()


async def live_response(request: Request, behind: Behind) -> Response:
    """A stream of server-sent events: `stale` with the names of cards, `gone` when access is lost.

    `behind` answers what the viewer may see at this moment: card → entities; None when they may not look any more.
    Whoever does not ask for events, as every EventSource does, gets the beginning of the stream alone.
    """
    if STREAM not in request.headers.get("accept", ""):
        return Response(BEGINNING, media_type=STREAM)
    changes = changes_of(request)
    if changes.streams >= MOST_STREAMS:
        raise refuse("web.too_often")
    return StreamingResponse(_events(changes, behind), media_type=STREAM)


def changes_of(request: Request) -> Changes:
    """The one follower of this process."""
    state = request.app.state
    if not hasattr(state, "changes"):
        state.changes = Changes(host_of(request))
    found: Changes = state.changes
    return found


async def _events(changes: Changes, behind: Behind) -> AsyncIterator[str]:
    seen, ends = changes.enter(), time.monotonic() + LIFE_SECONDS
    try:
        yield BEGINNING
        while time.monotonic() < ends:
            seen, changed = await changes.behind(seen, BEAT_SECONDS)
            stale = await behind()
            if stale is None:
                yield "event: gone\ndata:\n\n"
                return
            names = _named(stale, changed)
            yield f"event: stale\ndata: {','.join(names)}\n\n" if names else ":\n\n"
    finally:
        changes.leave()


def _named(stale: Stale, changed: frozenset[str]) -> list[str]:
    every = EVERYTHING in changed
    return sorted(name for name, entities in stale.items() if every or not changed.isdisjoint(entities))
