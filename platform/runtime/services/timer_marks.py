"""Tells what waits that something moved, in the transaction that moved it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dacheng.metadata.timing import WORKING_DAYS
from dacheng.runtime.services.notices import QUIET
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage import timers
from dacheng.runtime.storage.reader import Transaction
from dacheng.runtime.storage.working_calendar import CALENDAR_DAY, LEAVE, people_of

HISTORY = QUIET - {"system", "claim", "handover"}


def mark(tx: Transaction, work: Work, touched: Mapping[str, Iterable[str]]) -> None:
    """Mark whatever these records, by entity, bear on; nothing to do in an app whose rules don't wait."""
    catalogue = work.model.catalogue
    if not catalogue.watches:
        return
    state = timers.SETTLE if work.context.cause.kind in HISTORY else timers.LOOK
    for ref, ids in touched.items():
        for watch in catalogue.watches.get(ref, ()):
            timers.mark(tx, work.model, watch, list(ids), state)
        if ref == LEAVE:
            for person in people_of(tx, work.model, list(ids)):
                timers.mark_person(tx, person)
        elif ref == CALENDAR_DAY:
            counting = [
                name
                for name, rule in catalogue.timed.items()
                if rule.timing is not None and rule.timing.unit == WORKING_DAYS
            ]
            timers.mark_rules(tx, counting)
