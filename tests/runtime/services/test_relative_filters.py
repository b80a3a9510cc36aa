"""Conditions that mean another day tomorrow and another person for each reader, on both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from dacheng.metadata.periods import PERIODS
from dacheng.runtime.services import read_records
from dacheng.runtime.services.gate import Query
from tests.runtime.services.workspace import Workspace

ORDER = "shop.order"
EVER = "1900-01-01"
# The shop's clock stands at noon of Tuesday 2026-03-10 in Shanghai.
HELD: dict[str, tuple[str, str, list[Any]]] = {
    # operator: first day it holds for, last day, further operands
    "is_yesterday": ("2026-03-09", "2026-03-09", []),
    "is_today": ("2026-03-10", "2026-03-10", []),
    "is_tomorrow": ("2026-03-11", "2026-03-11", []),
    "is_last_week": ("2026-03-02", "2026-03-08", []),
    "is_this_week": ("2026-03-09", "2026-03-15", []),
    "is_next_week": ("2026-03-16", "2026-03-22", []),
    "is_last_month": ("2026-02-01", "2026-02-28", []),
    "is_this_month": ("2026-03-01", "2026-03-31", []),
    "is_next_month": ("2026-04-01", "2026-04-30", []),
    "is_last_quarter": ("2025-10-01", "2025-12-31", []),
    "is_this_quarter": ("2026-01-01", "2026-03-31", []),
    "is_next_quarter": ("2026-04-01", "2026-06-30", []),
    "is_last_year": ("2025-01-01", "2025-12-31", []),
    "is_this_year": ("2026-01-01", "2026-12-31", []),
    "is_next_year": ("2027-01-01", "2027-12-31", []),
    "is_past": (EVER, "2026-03-09", []),
    "is_in_last_days": ("2026-03-04", "2026-03-10", [7]),
    "is_in_next_days": ("2026-03-10", "2026-03-16", [7]),
    "is_older_than_days": (EVER, "2026-03-02", [7]),
}


def found(shop: Workspace, who: str, condition: Any) -> set[str]:
    work = shop.work(who)
    page = shop.read(
        lambda r: read_records.list_page(r, work, Query(ORDER, ("number",), condition, limit=200))
    )
    return {row[0] for row in page.rows}


def test_every_period_holds_from_its_first_day_to_its_last(shop: Workspace) -> None:
    assert {macro.id for macro in PERIODS} == HELD.keys()
    days = {
        date.fromisoformat(day) for first, last, _ in HELD.values() for day in (first, last) if day != EVER
    }
    days |= {date.fromordinal(day.toordinal() + step) for day in days for step in (-1, 1)}
    for day in days:
        shop.create("kim", ORDER, {"number": day.isoformat(), "ordered_on": day.isoformat()})
    shop.create("kim", ORDER, {"number": "never", "ordered_on": None})
    for operator, (first, last, more) in HELD.items():
        meant = {day.isoformat() for day in days if first <= day.isoformat() <= last}
        assert found(shop, "kim", {operator: [{"var": "ordered_on"}, *more]}) == meant, operator


def test_an_instant_counts_by_its_day_in_the_workspace(shop: Workspace) -> None:
    moments = {
        "late": datetime(2026, 3, 9, 15, 59, tzinfo=UTC),
        "early": datetime(2026, 3, 9, 16, tzinfo=UTC),
    }
    now = shop.now
    for number, moment in moments.items():
        shop.now = moment
        shop.create("kim", ORDER, {"number": number})
    shop.now = now
    assert found(shop, "kim", {"is_today": {"var": "created_at"}}) == {"early"}
    assert found(shop, "kim", {"is_yesterday": {"var": "created_at"}}) == {"late"}


@pytest.mark.parametrize(("who", "mine"), [("clara", {"C"}), ("kim", {"K"})])
def test_me_is_whoever_asks(shop: Workspace, who: str, mine: set[str]) -> None:
    shop.create("clara", ORDER, {"number": "C"})
    shop.create("kim", ORDER, {"number": "K"})
    assert found(shop, who, {"is_me": {"var": "owner"}}) == mine
    assert found(shop, "kim", {"is_below_me": {"var": "department"}}) == {"C", "K"}
