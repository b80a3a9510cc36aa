"""Working days by the calendar China decreed for 2026: Spring Festival off, two Saturdays worked for it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from dacheng.metadata.expression.moments import (
    WEEKDAYS,
    Calendar,
    add_working_days,
    is_working_day,
    working_days_between,
)

OFF = [(date(2026, 2, day), False) for day in range(15, 24)]
CALENDAR = Calendar.of([*OFF, (date(2026, 2, 14), True), (date(2026, 2, 28), True)])


@pytest.mark.parametrize(
    ("start", "count", "end"),
    [
        ("2026-02-12", 0, "2026-02-12"),
        ("2026-02-12", 1, "2026-02-13"),
        ("2026-02-12", 2, "2026-02-14"),  # a worked Saturday
        ("2026-02-12", 3, "2026-02-24"),  # after nine days off
        ("2026-02-26", 3, "2026-03-02"),  # Friday, worked Saturday, Monday
        ("2026-03-06", 1, "2026-03-09"),  # an ordinary weekend
        ("2026-02-18", 1, "2026-02-24"),  # from within the days off
    ],
)
def test_working_days_are_added_across_holidays_and_worked_weekends(start: str, count: int, end: str) -> None:
    assert add_working_days(date.fromisoformat(start), count, CALENDAR) == date.fromisoformat(end)


def test_adding_working_days_and_counting_them_agree_on_every_day_of_a_quarter() -> None:
    for shift in range(90):
        start = date(2026, 1, 15) + timedelta(days=shift)
        for count in range(1, 12):
            end = add_working_days(start, count, CALENDAR)
            assert end is not None
            assert is_working_day(end, CALENDAR)
            assert working_days_between(start, end, CALENDAR) == count


def test_without_a_calendar_monday_to_friday_count() -> None:
    assert add_working_days(date(2026, 2, 12), 2, WEEKDAYS) == date(2026, 2, 16)
    assert add_working_days(date(9999, 12, 30), 5, WEEKDAYS) is None
