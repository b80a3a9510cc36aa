"""Followers of the event log: each plugin's consumer is given what came after its own cursor, in order, by one worker."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from dacheng.plugins.api import Consumer
from dacheng.plugins.context import Cause
from dacheng.runtime.services.plugin_access import PluginAccess
from dacheng.runtime.services.sessions import milliseconds
from dacheng.runtime.services.site import Site
from dacheng.runtime.storage import event_log, leases
from dacheng.runtime.storage.event_log import Event

BATCH: Final = 500
LEASE_MS: Final = 60_000
PAUSE: Final = timedelta(seconds=60)
log = logging.getLogger("dacheng.plugins")


@dataclass(slots=True)
class Followers:
    """The consumers of one worker process, named `owner`; one that fails rests a minute and is named in the log."""

    site: Site
    owner: str
    _resting: dict[str, datetime] = field(default_factory=dict)
    _held: bool = False

    def follow(self) -> int:
        """Give every consumer what is new; answers how many events were handed over."""
        handed = 0
        for plugin, consumers in self.site.plugins.registered("register_consumers").items():
            for consumer in consumers:
                handed += self._follow(plugin, consumer)
        return handed

    def _follow(self, plugin: str, consumer: Consumer) -> int:
        name, now = f"{plugin}.{consumer.id}", datetime.now(UTC)
        if self._resting.get(name, now) > now:
            return 0
        handed = 0
        try:
            while batch := self._next(name):
                handed += self._hand(plugin, consumer, batch)
                self._advance(name, batch[-1].seq)
        except Exception:
            log.exception("plugin %s failed in its consumer %s", plugin, consumer.id)
            self._resting[name] = now + PAUSE
        if self._held:
            self._held = False
            db, owner = self.site.db, self.owner
            db.write_now(lambda tx: leases.give_up(tx, f"consumer.{name}", owner), urgent=False)
        return handed

    def _hand(self, plugin: str, consumer: Consumer, batch: Sequence[Event]) -> int:
        wanted = [_shown(each) for each in batch if each.type in consumer.types]
        if wanted:
            work = self.site.work(cause=Cause("system", f"plugin:{plugin}"))
            consumer.handle(PluginAccess.of(self.site, work, plugin, writes=True), wanted)
        return len(wanted)

    def _advance(self, name: str, position: int) -> None:
        now = milliseconds(datetime.now(UTC))
        self.site.db.write_now(lambda tx: event_log.advance(tx, name, position, now), urgent=False)

    def _next(self, name: str) -> list[Event]:
        """The next events for a consumer, if there are any and no other worker is at them."""
        db = self.site.db
        batch = db.read_now(lambda reader: event_log.after(reader, event_log.cursor(reader, name), BATCH))
        if not batch:
            return []
        now = milliseconds(datetime.now(UTC))
        mine = db.write_now(
            lambda tx: leases.take(tx, f"consumer.{name}", self.owner, now, LEASE_MS), urgent=False
        )
        self._held = mine
        if not mine:
            return []
        return db.read_now(lambda reader: event_log.after(reader, event_log.cursor(reader, name), BATCH))


def _shown(each: Event) -> dict[str, Any]:
    return {
        "id": each.id,
        "type": each.type,
        "subject_kind": each.subject_kind,
        "subject": each.subject,
        "occurred_at": each.occurred_at,
        "recorded_at": each.recorded_at,
        "actor": each.actor,
        "payload": each.payload,
    }
