"""The working calendar's beginnings: public holidays and make-up weekends entered once a year, then kept by people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from importlib import import_module

from dacheng.runtime.services import write_record
from dacheng.runtime.services.site import Site
from dacheng.runtime.services.write_record import Write
from dacheng.runtime.storage import working_calendar
from dacheng.runtime.storage.working_calendar import CALENDAR_DAY, WORKDAY

COUNTRY = "CN"
HOLIDAY = "holiday"
FRIDAY = 4
MADE_UP = "调休上班"


def decreed(year: int) -> tuple[tuple[date, str, str], ...]:
    """(day, holiday or workday, name) of every day of a year that differs from Monday to Friday.

    Empty for a year whose make-up weekends have not been decreed yet, or are not known here yet.
    """
    days = import_module("holidays").country_holidays(COUNTRY, years=year, language="zh_CN")
    made_up = sorted(day for day in days.weekend_workdays if day.year == year)
    if not made_up:
        return ()
    off = [(day, HOLIDAY, str(name)[:60]) for day, name in days.items() if day.weekday() <= FRIDAY]
    return tuple(sorted([*off, *((day, WORKDAY, MADE_UP) for day in made_up)]))


def missing_years(site: Site, years: Sequence[int]) -> list[int]:
    """Those of the years of which no day is entered: in them Monday to Friday are taken for the working days."""
    model = site.model()
    if CALENDAR_DAY not in model.catalogue.entities:
        return []
    known = site.db.read_now(lambda reader: working_calendar.years(reader, model))
    return [year for year in years if year not in known]


def enter(site: Site, year: int) -> int:
    """Enter a year's decreed days where nothing is entered yet; answers how many days were entered."""
    work = site.work()
    if not missing_years(site, [year]):
        return 0
    asked = [
        Write(
            "create", CALENDAR_DAY, values={"day": day.isoformat(), "kind": kind, "name": name}, rules=False
        )
        for day, kind, name in decreed(year)
    ]
    if not asked:
        return 0
    found = site.db.read_now(lambda reader: write_record.prepare_many(reader, work, asked))
    ready = [each for each in found if isinstance(each, write_record.Prepared)]
    site.db.write_now(lambda tx: write_record.commit_many(tx, work, ready), urgent=False)
    return len(ready)


def keep_entered(site: Site, today: date) -> int:
    """Enter this year and the next, as soon as they are known."""
    return sum(enter(site, year) for year in missing_years(site, [today.year, today.year + 1]))
