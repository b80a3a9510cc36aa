"""Calendars over HTTP: the days of a month or a week, and a day moved by its menu."""

from __future__ import annotations

import re

import pytest

from tests.security.conftest import API, Workspace

DEALS = "/apps/sales_management/opportunity"
ON = {"show-as": "calendar", "show-on": "next_step_on"}
LISTED = re.compile(r'<ul class="day-events" data-option="([0-9-]+)"[^>]*>(.*?)</ul>', re.DOTALL)


def days(workspace: Workspace, who: str, **more: str) -> dict[str, list[str]]:
    """Day → the records on it."""
    sent = {**ON, **{f"show-{name}": value for name, value in more.items()}}
    answer = workspace.browser(who).get(DEALS, params=sent)
    assert answer.status_code == 200
    return {day: re.findall(r'data-id="([0-9a-f-]+)"', inside) for day, inside in LISTED.findall(answer.text)}


def test_a_month_is_whole_weeks_from_monday_with_each_record_on_its_day(workspace: Workspace) -> None:
    program = workspace.program("rep")
    made = program.post(f"{API}/opportunity", json={"name": "日历", "next_step_on": "2031-05-14"}).json()[
        "id"
    ]
    shown = days(workspace, "rep", at="2031-05-20")
    assert (min(shown), max(shown), len(shown)) == ("2031-04-28", "2031-06-01", 35)
    assert shown["2031-05-14"] == [made]
    assert sum(map(len, shown.values())) == 1
    week = days(workspace, "rep", at="2031-05-14", span="week")
    assert (min(week), max(week)) == ("2031-05-12", "2031-05-18")
    assert days(workspace, "other", at="2031-05-20")["2031-05-14"] == []


def test_a_day_is_moved_and_moved_back(workspace: Workspace) -> None:
    rep, program = workspace.browser("rep"), workspace.program("rep")
    made = program.post(f"{API}/opportunity", json={"name": "改期", "next_step_on": "2031-05-14"}).json()
    sent = {"field": "next_step_on", "value": "2031-05-16", "version": str(made["version"]), "state": DEALS}
    assert rep.post(f"{DEALS}/{made['id']}/place", data=sent).status_code == 303
    record = f"{API}/opportunity/{made['id']}"
    assert program.get(record).json()["next_step_on"] == "2031-05-16"
    undo = re.search(r'action="(/apps/[^"]+place[^"]+)"', rep.get(DEALS).text)
    assert undo is not None
    rep.post(undo[1].replace("&amp;", "&"))
    assert program.get(record).json()["next_step_on"] == "2031-05-14"


@pytest.mark.parametrize("at", ["x", "9999-99-99", "0001-01-01", "9999-12-31"])
def test_any_day_can_be_asked_for(workspace: Workspace, at: str) -> None:
    assert len(days(workspace, "rep", at=at)) >= 28
