"""The working calendar: entered from decrees, edited by administrators, seen by every expression at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import partial
from pathlib import Path

import pytest

from dacheng.metadata.problem import Refused
from dacheng.runtime.host import Host
from dacheng.runtime.services import read_records, working_calendar, write_record
from dacheng.runtime.services.gate import Query
from dacheng.runtime.services.write_record import Write
from dacheng.runtime.storage import working_calendar as kept
from tests.runtime.workspace import add, workspace

DAY, LEAVE = kept.CALENDAR_DAY, kept.LEAVE


@pytest.fixture
def host(tmp_path: Path, database_url: str) -> Iterator[Host]:
    url = "" if database_url.startswith("sqlite") else database_url
    with workspace(tmp_path / "data", url) as opened:
        yield opened


def test_a_decreed_year_is_entered_once_and_expressions_count_by_it(host: Host) -> None:
    assert host.work().context.calendar.off == ()
    entered = working_calendar.enter(host, 2026)
    assert entered == len(working_calendar.decreed(2026)) > 20
    assert working_calendar.enter(host, 2026) == 0
    calendar = host.work().context.calendar
    assert "2026-02-16" in calendar.off
    assert "2026-02-28" in calendar.extra
    shown = {
        "==": [{"working_days_between": [{"date": "2026-02-13"}, {"date": "2026-02-24"}]}, 2]
    }  # a worked Saturday, nine days off
    query = Query(DAY, ("day",), filter=shown, limit=1)
    work = host.work()
    assert host.db.read_now(lambda r: read_records.count(r, work, query)) == entered


def test_an_administrator_changes_a_day_and_it_counts_at_once(host: Host) -> None:
    working_calendar.enter(host, 2026)
    work = host.work()
    values = {"day": "2026-03-11", "kind": "holiday", "name": "厂休"}
    made = write_record.write_now(host.db, work, Write("create", DAY, values=values))
    assert "2026-03-11" in host.work().context.calendar.off
    write_record.write_now(host.db, host.work(), Write("delete", DAY, made.id))
    assert "2026-03-11" not in host.work().context.calendar.off


def test_a_year_without_data_is_named_and_entered_by_nobody(host: Host) -> None:
    assert working_calendar.decreed(2090) == ()
    assert working_calendar.enter(host, 2090) == 0
    assert working_calendar.missing_years(host, [2026, 2090]) == [2026, 2090]
    working_calendar.keep_entered(host, date(2026, 5, 1))
    assert 2026 not in working_calendar.missing_years(host, [2026, 2090])


def test_people_enter_their_own_leave_and_nobody_elses(host: Host) -> None:
    ann, bob = (add(host, f"{name}@example.com", "core.member") for name in ("ann", "bob"))
    model = host.model()
    values = {"person": ann, "first_day": "2026-03-10", "last_day": "2026-03-12"}
    actor = host.db.read_now(lambda r: host._directory.at(r, model, model.versions).person(r, model, ann))
    assert actor is not None
    write_record.write_now(host.db, host.work(actor.user), Write("create", LEAVE, values=values))
    with pytest.raises(Refused):
        write_record.write_now(
            host.db, host.work(actor.user), Write("create", LEAVE, values={**values, "person": bob})
        )
    for day, gone in (
        ("2026-03-09", False),
        ("2026-03-10", True),
        ("2026-03-12", True),
        ("2026-03-13", False),
    ):
        at = partial(kept.away, model=host.model(), people=[ann, bob], day=date.fromisoformat(day))
        found = host.db.read_now(at)
        assert found == ({ann} if gone else set())
