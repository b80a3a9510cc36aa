"""Working days and office hours of one place: holidays, and weekends that are worked to make up for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from importlib import import_module
from random import Random
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
PEAKS = (0.22, 0.7)  # parts of an office day around which most is done
SPREAD = 0.16
LONGEST_REST = 30
SATURDAY = 5


def working_days(country: str) -> Callable[[date], bool]:
    """Whether a day is worked in a country (ISO 3166); without a country, from Monday to Friday.

    A year that the holidays package knows no decree of yet has its holidays but no make-up weekends.
    """
    if not country:
        return lambda day: day.weekday() < SATURDAY
    found = import_module("holidays").country_holidays(country)  # a second to load, and only for this
    worked: Callable[[date], bool] = found.is_working_day
    return worked


@dataclass(frozen=True, slots=True)
class Office:
    """When people work: `rests` False works on every day; hours are of the zone's wall clock."""

    zone: ZoneInfo
    worked: Callable[[date], bool]
    opens: time = time(9)
    closes: time = time(18)
    rests: bool = True
    known: dict[date, bool] = field(default_factory=dict)

    def works(self, day: date) -> bool:
        """Whether anybody is there on this day."""
        return not self.rests or self.is_workday(day)

    def is_workday(self, day: date) -> bool:
        """Whether it is an ordinary working day, whoever is there."""
        if day not in self.known:
            self.known[day] = self.worked(day)
        return self.known[day]

    def on(self, day: date) -> date:
        """The day itself, or the next one that is worked."""
        for _ in range(LONGEST_REST):
            if self.works(day):
                break
            day += DAY
        return day

    def day_of(self, at: datetime) -> date:
        """The local day of an instant."""
        return at.astimezone(self.zone).date()

    def moment(self, day: date, draw: Random) -> datetime:
        """Some instant in the hours of a day, rather in mid-morning or mid-afternoon than at its ends."""
        part = draw.gauss(draw.choice(PEAKS), SPREAD)
        part = part % 1 if not 0 <= part < 1 else part
        return self._start(day) + timedelta(seconds=round(part * self._seconds(), 3))

    def after_days(self, at: datetime, days: float, draw: Random) -> datetime:
        """An instant some working days later; on the same day, later in it."""
        whole = int(days)
        day = self.day_of(at)
        for _ in range(whole):
            day = self.on(day + DAY)
        if whole == 0:
            return self.after_hours(at, days * self._seconds() / 3600)
        return max(self.moment(day, draw), at)

    def after_hours(self, at: datetime, hours: float) -> datetime:
        """The instant some working hours later."""
        left = hours * 3600
        day = self.day_of(at)
        here = at
        while True:
            if self.works(day):
                here = max(here, self._start(day))
                rest = (self._start(day) - here).total_seconds() + self._seconds()
                if left <= rest:
                    return here + timedelta(seconds=round(left, 3))
                left -= max(rest, 0)
            day = self.on(day + DAY)
            here = self._start(day)

    def _start(self, day: date) -> datetime:
        return datetime.combine(day, self.opens, self.zone).astimezone(UTC)

    def _seconds(self) -> float:
        first, last = (each.hour * 3600 + each.minute * 60 for each in (self.opens, self.closes))
        return float(last - first)
