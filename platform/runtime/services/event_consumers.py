"""Followers of the event log: each plugin's consumer is given what came after its own cursor, in order, by one worker."""

from __future__ import annotations

import logging
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
        while batch := self._next(name):
            wanted = [each for each in batch if each.type in consumer.types]
            try:
                if wanted:
                    work = self.site.work(cause=Cause("system", f"plugin:{plugin}"))
                    access = PluginAccess.of(self.site, work, plugin, writes=True)
                    consumer.handle(access, [_shown(each) for each in wanted])
            except Exception:
                log.exception("plugin %s failed in its consumer %s", plugin, consumer.id)
                self._resting[name] = now + PAUSE
                return handed
            last, at = batch[-1].seq, milliseconds(datetime.now(UTC))
            self.site.db.write_now(lambda tx, n=name, p=last, a=at: event_log.advance(tx, n, p, a), urgent=False)
            handed += len(wanted)
        return handed

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
