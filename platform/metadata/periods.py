"""Conditions that mean another day tomorrow and another person for each reader: operators over core operators.

Each takes a field (a day, or an instant whose day in the workspace's zone counts); some take a number of days too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dacheng.metadata.expression import Macro

Json = dict[str, Any]
_DAY: Json = {"date": [{"param": "field"}]}
_TODAY: Json = {"today": []}
_DAYS: Json = {"param": "days"}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


def _between(first: Json, behind: Json) -> Json:
    return {"and": [{">=": [_DAY, first]}, {"<": [_DAY, behind]}]}


def _days_from_now(days: int) -> Json:
    return {"add_days": [_TODAY, days]}


def _start(unit: str, away: int) -> Json:
    """The first day of the week, month, quarter or year that is `away` of them from this one."""
    now: Json = {"start_of": [unit, _TODAY]}
    if away == 0:
        return now
    if unit == "week":
        return {"add_days": [now, 7 * away]}
    return {"add_months": [now, _MONTHS[unit] * away]}


def _periods() -> Iterator[Macro]:
    for name, away in (("yesterday", -1), ("today", 0), ("tomorrow", 1)):
        yield Macro(f"is_{name}", ("field",), {"==": [_DAY, _days_from_now(away)]})
    for unit in ("week", *_MONTHS):
        for name, away in (("last", -1), ("this", 0), ("next", 1)):
            yield Macro(f"is_{name}_{unit}", ("field",), _between(_start(unit, away), _start(unit, away + 1)))


_BACK: Json = {"add_days": [_TODAY, {"-": [_DAYS]}]}
_AHEAD: Json = {"add_days": [_TODAY, _DAYS]}
PERIODS: tuple[Macro, ...] = (
    *_periods(),
    Macro("is_past", ("field",), {"<": [_DAY, _TODAY]}),
    Macro("is_in_last_days", ("field", "days"), {"and": [{">": [_DAY, _BACK]}, {"<=": [_DAY, _TODAY]}]}),
    Macro("is_in_next_days", ("field", "days"), {"and": [{">=": [_DAY, _TODAY]}, {"<": [_DAY, _AHEAD]}]}),
    Macro("is_older_than_days", ("field", "days"), {"<": [_DAY, _BACK]}),
)
PEOPLE: tuple[Macro, ...] = (
    Macro("is_me", ("field",), {"==": [{"param": "field"}, {"var": "$user.id"}]}),
    Macro("is_below_me", ("field",), {"in": [{"param": "field"}, {"var": "$user.departments"}]}),
)
RELATIVE = (*PERIODS, *PEOPLE)
DAY_OPERATORS = tuple(macro.id for macro in PERIODS)
WITH_DAYS = frozenset(macro.id for macro in PERIODS if "days" in macro.parameters)
