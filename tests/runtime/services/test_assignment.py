"""Rules that give work to people, in turn or by load, and rules that take a workflow's step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dacheng.metadata.problem import Refused
from dacheng.runtime.host import Host
from dacheng.runtime.services import install_app, outbox_worker, read_records, users, write_record
from dacheng.runtime.services.install_app import Candidate
from dacheng.runtime.services.outbox_worker import Bench
from dacheng.runtime.services.write_record import Prepared, Write
from tests.runtime.services.waiting_app import TASK, package
from tests.runtime.workspace import add, workspace

FREE = {"!": [{"is_set": [{"var": "owner"}]}]}
LATE = {
    "id": "late",
    "entity": "task",
    "on": {"absence": {"since": {"var": "created_at"}, "hours": 72}},
    "when": {"==": [{"var": "state"}, "open"]},
    "then": {"end": {"action": "take_step", "step": "finish", "values": {"why": "too late"}, "order": 1}},
}


@pytest.fixture
def host(tmp_path: Path, database_url: str) -> Iterator[Host]:
    url = "" if database_url.startswith("sqlite") else database_url
    with workspace(tmp_path / "data", url) as opened:
        yield opened


def install(host: Host, by: str = "rotate", **more: Any) -> None:
    """The app with a rule that gives every task of nobody to somebody."""
    deal = {"action": "assign", "role": "seller", "by": by, "order": 1}
    rule = {
        "id": "deal", "entity": "task", "on": {"created": True}, "when": FREE, "then": {"deal": deal}, **more,
    }  # fmt: skip
    install_app.install(host, host.work(), Candidate(package(rule, LATE)), sample=False)


def hire(host: Host, *names: str) -> dict[str, str]:
    """Sellers, by id."""
    found = {}
    for name in names:
        found[add(host, f"{name}@example.com", "trips.seller")] = name
    return found


def given(name: str = "t", **values: Any) -> Write:
    return Write("create", TASK, values={"name": name, **values})


def task(host: Host, **values: Any) -> str:
    return write_record.write_now(host.db, host.work(), given(**values)).id


def seen(host: Host, record: str, field: str = "owner") -> Any:
    work = host.work()
    return host.db.read_now(lambda r: read_records.get(r, work, TASK, record)).values[field]


def test_tasks_go_round_in_turn_and_leave_out_who_is_away_or_suspended(host: Host) -> None:
    install(host)
    crew = hire(host, "ann", "bea", "cid")
    first = [seen(host, task(host)) for _ in range(6)]
    assert first[:3] == first[3:]
    assert {crew[each] for each in first} == {"ann", "bea", "cid"}
    today = host.work().context.today
    leave = {"person": first[0], "first_day": str(today), "last_day": str(today + timedelta(days=1))}
    write_record.write_now(host.db, host.work(), Write("create", "core.leave", values=leave))
    assert first[0] not in {seen(host, task(host)) for _ in range(4)}
    add(host, "kim@example.com", "core.admin")
    users.suspend(host, host.work(), first[1])
    assert {seen(host, task(host)) for _ in range(3)} == {first[2]}


def test_tasks_go_to_who_has_the_least_open_work(host: Host) -> None:
    install(host, "load")
    crew = hire(host, "ann", "bea")
    busy, free = sorted(crew)
    for _ in range(3):
        task(host, owner=busy)
    assert [seen(host, task(host)) for _ in range(3)] == [free, free, free]
    for each in [task(host, owner=free) for _ in range(2)]:
        write_record.write_now(
            host.db, host.work(), Write("update", TASK, each, {"why": "done"}, transition="finish")
        )
    assert seen(host, task(host)) in crew


def test_many_at_once_are_dealt_evenly(host: Host) -> None:
    install(host)
    crew = hire(host, "ann", "bea", "cid")
    work = host.work()
    many = host.db.read_now(lambda r: write_record.prepare_many(r, work, [given(f"t{n}") for n in range(30)]))
    ready = [each for each in many if isinstance(each, Prepared)]
    host.db.write_now(lambda tx: write_record.commit_many(tx, work, ready))
    assert Counter(seen(host, each.id) for each in ready) == dict.fromkeys(crew, 10)


def test_with_nobody_to_assign_the_save_is_refused_or_goes_on_as_the_rule_says(host: Host) -> None:
    install(host)
    with pytest.raises(Refused) as refused:
        task(host)
    assert refused.value.problems[0].code.startswith("rule.effect_refused")


def test_a_rule_that_goes_on_leaves_a_task_of_nobody(host: Host) -> None:
    install(host, on_refused="continue")
    assert seen(host, task(host)) is None


def test_a_rule_takes_a_step_that_only_a_chief_may_take_after_seventy_two_hours(host: Host) -> None:
    install(host, on_refused="continue")
    record = task(host)
    for hours, state in ((71, "open"), (73, "done")):
        moment = datetime.now(UTC) + timedelta(hours=hours)
        outbox_worker.drain(host, Bench(host, clock=lambda at=moment: at))  # type: ignore[misc]
        assert seen(host, record, "state") == state
    assert seen(host, record, "why") == "too late"
