"""Rules that time fires: schedules, and waiting for something that stays away."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from dacheng.metadata.derived import Formula, Rollup
from dacheng.metadata.expression import Expression
from dacheng.metadata.expression.moments import Calendar, add_working_days

HOURS: Final = "hours"
DAYS: Final = "days"
WORKING_DAYS: Final = "working_days"
UNITS: Final = (HOURS, DAYS, WORKING_DAYS)
_LONGEST: Final = 36_500  # days


@dataclass(frozen=True, slots=True)
class Timing:
    """When time fires a rule: at every match of `cron`, or when `since` lies `span` units back.

    `person` names the field with whose leave working days do not count.
    """

    cron: str = ""
    since: Expression | None = None
    unit: str = ""
    span: Expression | None = None
    person: str = ""


@dataclass(frozen=True, slots=True)
class Watch:
    """A rule that has to look again when a record changes: `via` None is the record itself.

    Else `via` is a link field: of the changed record (`behind`) that leads to the rule's, or of the rule's
    record that leads to the changed one.
    """

    rule: str
    entity: str
    via: str | None = None
    behind: bool = False


def is_cron(text: str) -> bool:
    """Whether a text is a cron expression of five fields that is ever met."""
    try:
        moment = next(CronSim(text, datetime(2026, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration):
        return False
    return len(text.split()) == 5 and moment.year > 0


def next_run(cron: str, after: datetime, zone: ZoneInfo) -> datetime:
    """The first moment after `after` at which the zone's wall clock meets the expression.

    A wall clock time that a change of clocks leaves out is met right behind the gap, one that comes twice once.
    """
    return next(CronSim(cron, after.astimezone(zone))).astimezone(UTC)


def due_at(
    since: date | datetime, unit: str, span: Decimal, calendar: Calendar, zone: ZoneInfo
) -> datetime | None:
    """When the waiting ends: hours and days pass on the clock; working days end with the last of them.

    A plain date counts from its beginning. None when that lies beyond the calendar.
    """
    if not 0 <= span <= _LONGEST * 24:
        return None
    moment = since if isinstance(since, datetime) else datetime.combine(since, time(0), zone)
    try:
        if unit == HOURS:
            return moment.astimezone(UTC) + timedelta(hours=float(span))
        if unit == DAYS:
            local = moment.astimezone(zone)
            return (local + timedelta(days=float(span))).astimezone(UTC)
        last = add_working_days(moment.astimezone(zone).date(), int(span), calendar)
        if last is None:
            return None
        return datetime.combine(last + timedelta(days=1), time(0), zone).astimezone(UTC)
    except OverflowError:
        return None


def watches(
    rule: str,
    entity: str,
    timing: Timing,
    links: Mapping[str, str],
    derived: tuple[Iterable[Rollup], Iterable[Formula]],
) -> Iterator[tuple[str, Watch]]:
    """(entity whose change counts, watch) for everything that a waiting rule looks at to tell when it is due."""
    yield entity, Watch(rule, entity)
    rollups, formulas = derived
    inputs = {each.field: each.inputs for each in formulas}
    found: set[tuple[str, ...]] = set()
    for each in (timing.since, timing.span):
        found |= each.dependencies if each is not None else set()
    names = {path[0] for path in found}
    names |= {name for each in names for name in inputs.get(each, ())}
    for rollup in rollups:
        if rollup.field in names:
            yield rollup.child, Watch(rule, entity, rollup.via, behind=True)
    for link in sorted({path[0] for path in found if len(path) > 1}):
        if link in links:
            yield links[link], Watch(rule, entity, link)
