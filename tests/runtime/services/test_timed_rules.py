"""Rules that time fires: at the right instant, once, again after what they wait for, whoever does the work."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dacheng.runtime.host import Host
from dacheng.runtime.services import (
    install_app,
    outbox_worker,
    read_records,
    rule_traces,
    timed_rules,
    working_calendar,
    write_record,
)
from dacheng.runtime.services.effects import run_timed
from dacheng.runtime.services.install_app import Candidate
from dacheng.runtime.services.outbox_worker import Bench
from dacheng.runtime.services.write_record import Write
from tests.runtime.services.waiting_app import CLIENT, MORNING, NEGLECTED, VISIT, package
from tests.runtime.workspace import add, workspace

SECOND = timedelta(seconds=1)
THURSDAY = datetime(2026, 2, 12, 2, 0, tzinfo=UTC)  # ten in the morning, two days before a worked Saturday
AFTER_THE_FESTIVAL = datetime(2026, 2, 24, 16, 0, tzinfo=UTC)  # midnight behind Friday, Saturday and Tuesday


@pytest.fixture
def host(tmp_path: Path, database_url: str) -> Iterator[Host]:
    url = "" if database_url.startswith("sqlite") else database_url
    with workspace(tmp_path / "data", url) as opened:
        working_calendar.enter(opened, 2026)
        install_app.install(opened, opened.work(), Candidate(package(NEGLECTED, MORNING)))
        yield opened


def at(host: Host, moment: datetime) -> None:
    """What a worker does at this moment."""
    outbox_worker.drain(host, Bench(host, clock=lambda: moment))


def make(host: Host, ref: str, **values: Any) -> str:
    given = {"name": "n", **values}
    return write_record.write_now(host.db, host.work(), Write("create", ref, values=given)).id


def change(host: Host, ref: str, record: str, **values: Any) -> None:
    write_record.write_now(host.db, host.work(), Write("update", ref, record, values))


def visit(host: Host, client: str, moment: datetime, kind: str = "visit") -> str:
    return make(host, VISIT, client=client, kind=kind, happened_at=moment.isoformat())


def figure(host: Host, client: str, field: str = "alarms") -> int:
    work = host.work()
    return int(host.db.read_now(lambda r: read_records.get(r, work, CLIENT, client)).values[field])


def why(host: Host, client: str, rule: str = "trips.neglected") -> list[rule_traces.Why]:
    work = host.work()
    found = host.db.read_now(lambda r: rule_traces.why(r, work, CLIENT, client))
    return [each for each in found if each.rule == rule]


def test_no_visit_for_three_working_days_fires_once_at_the_instant_across_a_holiday(host: Host) -> None:
    client = make(host, CLIENT)
    at(host, THURSDAY)
    visit(host, client, THURSDAY)
    at(host, AFTER_THE_FESTIVAL - SECOND)
    assert figure(host, client) == 0
    at(host, AFTER_THE_FESTIVAL)
    assert figure(host, client) == 1
    at(host, AFTER_THE_FESTIVAL + timedelta(days=30))
    assert figure(host, client) == 1


def test_a_visit_arms_it_again_and_a_call_does_not(host: Host) -> None:
    client = make(host, CLIENT)
    visit(host, client, THURSDAY)
    at(host, AFTER_THE_FESTIVAL)
    visit(host, client, AFTER_THE_FESTIVAL + timedelta(hours=9), "call")
    at(host, AFTER_THE_FESTIVAL + timedelta(days=9))
    assert figure(host, client) == 1
    visit(host, client, datetime(2026, 2, 26, 2, tzinfo=UTC))  # then Friday, a worked Saturday, Monday
    at(host, datetime(2026, 3, 2, 16, tzinfo=UTC) - SECOND)
    assert figure(host, client) == 1
    at(host, datetime(2026, 3, 2, 16, tzinfo=UTC))
    assert figure(host, client) == 2


def test_a_visit_in_time_puts_it_off_and_one_taken_back_brings_it_back(host: Host) -> None:
    client = make(host, CLIENT)
    visit(host, client, THURSDAY)
    at(host, THURSDAY + SECOND)
    later = visit(host, client, AFTER_THE_FESTIVAL - timedelta(hours=10))
    at(host, AFTER_THE_FESTIVAL)
    assert figure(host, client) == 0
    write_record.write_now(host.db, host.work(), Write("delete", VISIT, later))
    at(host, AFTER_THE_FESTIVAL)
    assert figure(host, client) == 1


def test_days_on_which_its_owner_is_on_leave_do_not_count(host: Host) -> None:
    ann = add(host, "ann@example.com", "core.member")
    mine, free = make(host, CLIENT, owner=ann), make(host, CLIENT)
    for each in (mine, free):
        visit(host, each, THURSDAY)
    at(host, THURSDAY + SECOND)
    leave = make_leave(host, ann, "2026-02-13", "2026-02-14")
    at(host, AFTER_THE_FESTIVAL)
    assert (figure(host, mine), figure(host, free)) == (0, 1)
    at(host, AFTER_THE_FESTIVAL + timedelta(days=2) - SECOND)
    assert figure(host, mine) == 0
    write_record.write_now(host.db, host.work(), Write("delete", "core.leave", leave))
    at(host, AFTER_THE_FESTIVAL + timedelta(days=1))
    assert figure(host, mine) == 1


def make_leave(host: Host, person: str, first: str, last: str) -> str:
    values = {"person": person, "first_day": first, "last_day": last}
    return write_record.write_now(host.db, host.work(), Write("create", "core.leave", values=values)).id


def test_how_long_it_waits_may_stand_in_the_record_and_change(host: Host) -> None:
    client = make(host, CLIENT, patience=1)
    visit(host, client, THURSDAY)
    at(host, THURSDAY + SECOND)
    change(host, CLIENT, client, patience=2)
    at(host, datetime(2026, 2, 13, 16, tzinfo=UTC))
    assert figure(host, client) == 0
    at(host, datetime(2026, 2, 14, 16, tzinfo=UTC))  # the worked Saturday is over
    assert figure(host, client) == 1


def test_the_trace_tells_what_it_waited_for_and_a_near_miss_is_kept(host: Host) -> None:
    client, lost = make(host, CLIENT), make(host, CLIENT, state="lost")
    for each in (client, lost):
        visit(host, each, THURSDAY)
    at(host, AFTER_THE_FESTIVAL)
    (applied,), (near,) = why(host, client), why(host, lost)
    assert (applied.outcome, applied.trigger, near.outcome) == ("applied", "absence", "near")
    waited: Any = applied.waited
    assert waited["since"]["path"] == "last_visit"
    assert waited["since"]["value"].startswith("2026-02-12")
    assert waited["due"] == AFTER_THE_FESTIVAL.isoformat()
    assert near.condition["args"][0] == {"op": "var", "path": "state", "value": "lost"}
    change(host, CLIENT, lost, state="active")
    at(host, AFTER_THE_FESTIVAL)
    assert figure(host, lost) == 1


def test_a_rule_begins_with_what_falls_due_after_it_came(host: Host) -> None:
    old, young = make(host, CLIENT), make(host, CLIENT)
    visit(host, old, THURSDAY)
    visit(host, young, AFTER_THE_FESTIVAL)
    install_app.install(host, host.work(), Candidate(package(version="2.0.0")), sample=False)
    at(host, AFTER_THE_FESTIVAL + timedelta(hours=1))
    install_app.install(host, host.work(), Candidate(package(NEGLECTED, version="3.0.0")), sample=False)
    at(host, AFTER_THE_FESTIVAL + timedelta(hours=2))
    at(host, AFTER_THE_FESTIVAL + timedelta(days=20))
    assert (figure(host, old), figure(host, young)) == (0, 1)


def test_a_schedule_runs_once_at_its_local_time_and_missed_runs_are_one(host: Host) -> None:
    client, lost = make(host, CLIENT), make(host, CLIENT, state="lost")
    monday = datetime(2026, 3, 9, 1, 0, tzinfo=UTC)  # nine in Shanghai
    at(host, monday - timedelta(hours=1))
    for moment in (monday - SECOND, monday, monday, monday + timedelta(hours=3)):
        at(host, moment)
    assert (figure(host, client, "mornings"), figure(host, lost, "mornings")) == (1, 0)
    at(host, monday + timedelta(days=3, hours=1))
    assert figure(host, client, "mornings") == 2
    at(host, monday - timedelta(days=1))  # a clock put back fires nothing twice
    at(host, monday + timedelta(days=3, hours=2))
    assert figure(host, client, "mornings") == 2
    assert [each.trigger for each in why(host, client, "trips.morning")] == ["schedule", "schedule"]


def test_a_visit_that_comes_while_the_rule_is_looked_at_keeps_it_from_firing(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make(host, CLIENT)
    visit(host, client, THURSDAY)
    at(host, AFTER_THE_FESTIVAL - SECOND)
    came: list[str] = []

    def late(*given: Any) -> None:
        run_timed(*given)
        came.append(visit(host, client, AFTER_THE_FESTIVAL - timedelta(hours=8)))

    monkeypatch.setattr(timed_rules, "run_timed", late)
    at(host, AFTER_THE_FESTIVAL)
    assert len(came) == 1
    assert (figure(host, client), why(host, client)) == (0, [])


def test_a_worker_that_dies_before_it_commits_leaves_the_firing_to_the_next(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make(host, CLIENT)
    visit(host, client, THURSDAY)

    def dies(*given: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(timed_rules, "run_timed", dies)
    with pytest.raises(KeyboardInterrupt):
        at(host, AFTER_THE_FESTIVAL)
    monkeypatch.undo()
    at(host, AFTER_THE_FESTIVAL + timedelta(minutes=2))
    at(host, AFTER_THE_FESTIVAL + timedelta(minutes=4))
    assert (figure(host, client), len(why(host, client))) == (1, 1)
