"""The working calendar as it is kept: records that say which days differ from Monday to Friday, and who is away."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import sqlalchemy as sa

from dacheng.metadata.expression.moments import WEEKDAYS, Calendar
from dacheng.runtime.storage.model import Model
from dacheng.runtime.storage.reader import Reader

CALENDAR_DAY = "core.calendar_day"
LEAVE = "core.leave"
WORKDAY = "workday"


def read(reader: Reader, model: Model) -> Calendar:
    """Which days are worked; Monday to Friday where nothing is entered."""
    if CALENDAR_DAY not in model.catalogue.entities:
        return WEEKDAYS
    table = model.tables.of(CALENDAR_DAY)
    found = sa.select(table.c.day, table.c.kind).where(table.c.deleted_at.is_(None))
    return Calendar.of((_day(row[0]), row[1] == WORKDAY) for row in reader.rows(found))


def years(reader: Reader, model: Model) -> frozenset[int]:
    """The years of which any day is entered."""
    if CALENDAR_DAY not in model.catalogue.entities:
        return frozenset()
    table = model.tables.of(CALENDAR_DAY)
    rows = reader.rows(sa.select(table.c.day).where(table.c.deleted_at.is_(None)))
    return frozenset(_day(row[0]).year for row in rows)


def away(reader: Reader, model: Model, people: Sequence[str], day: date) -> frozenset[str]:
    """Which of these people are on leave on a day."""
    if LEAVE not in model.catalogue.entities or not people:
        return frozenset()
    table = model.tables.of(LEAVE)
    text = day.isoformat()
    found = sa.select(table.c.person).where(
        table.c.person.in_(list(people)),
        table.c.first_day <= text,
        table.c.last_day >= text,
        table.c.deleted_at.is_(None),
    )
    return frozenset(row[0] for row in reader.rows(found))


def leaves(reader: Reader, model: Model, people: Sequence[str]) -> dict[str, list[tuple[date, date]]]:
    """First and last day of every leave of these people."""
    found: dict[str, list[tuple[date, date]]] = {}
    if LEAVE not in model.catalogue.entities or not people:
        return found
    table = model.tables.of(LEAVE)
    asked = sa.select(table.c.person, table.c.first_day, table.c.last_day).where(
        table.c.person.in_(list(people)), table.c.deleted_at.is_(None)
    )
    for person, first, last in reader.rows(asked):
        found.setdefault(person, []).append((_day(first), _day(last)))
    return found


def people_of(reader: Reader, model: Model, ids: Sequence[str]) -> list[str]:
    """Whose these leaves are, deleted ones too."""
    table = model.tables.of(LEAVE)
    rows = reader.rows(sa.select(table.c.person).where(table.c.id.in_(list(ids))).distinct())
    return [row[0] for row in rows]


def _day(value: str | date) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)
