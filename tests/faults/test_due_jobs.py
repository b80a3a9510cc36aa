"""R10: many due jobs, several workers, some of them killed: each effect is committed exactly once."""

from __future__ import annotations

import multiprocessing
import time
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa

from dacheng.runtime.services import outbox_worker
from dacheng.runtime.services.outbox_worker import Bench
from dacheng.runtime.storage import outbox
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.storage.system_tables import outbox as entries
from dacheng.runtime.storage.system_tables import trace
from tests.faults import counting
from tests.faults.counting import COUNT
from tests.runtime.workspace import workspace

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["tests.faults.counting"])
PATIENCE = 120


def left(reader: Reader) -> int:
    return int(reader.scalar(sa.select(sa.func.count()).where(entries.c.state == "waiting")) or 0)


def made(reader: Reader) -> list[tuple[str, int]]:
    """How many rows each job left."""
    found = sa.select(trace.c.record, sa.func.count()).where(trace.c.rule == COUNT)
    return [(row[0], row[1]) for row in reader.rows(found.group_by(trace.c.record))]


def campaign(data: Path, url: str, jobs: int, workers: int, kills: int) -> None:
    """Queue the jobs, kill workers amid their work, let the rest finish, and count."""
    draw = Random(jobs)
    with workspace(data, url) as host:
        host.db.write_now(lambda tx: [outbox.put(tx, COUNT, {}, f"j{n}") for n in range(jobs)] and None)
    if not url:
        survivors(data, url, kills, draw)
    else:
        crowd(data, url, workers, kills, draw)
    with workspace(data, url) as host:
        outbox_worker.drain(
            host,
            Bench(
                host,
                clock=lambda: datetime.fromtimestamp(time.time() + 86_000, UTC),
                effects={COUNT: counting.leave_a_row},
            ),
        )
        assert host.db.read_now(left) == 0
        rows = host.db.read_now(made)
    assert len(rows) == jobs
    assert {count for _, count in rows} == {1}


def survivors(data: Path, url: str, kills: int, draw: Random) -> None:
    """One process after another: SQLite has a single writer."""
    for number in range(kills):
        process = started(data, url, number * 2)
        process.join(0.3 + draw.random())
        process.kill()
        process.join(PATIENCE)


def crowd(data: Path, url: str, workers: int, kills: int, draw: Random) -> None:
    """Several at once; one of them is killed as soon as work goes on, and another starts in its place."""
    crew = [started(data, url, 0) for _ in range(workers)]
    with workspace(data, url) as host:
        for number in range(kills):
            before = host.db.read_now(left)
            until = time.monotonic() + PATIENCE
            while before and host.db.read_now(left) >= before and time.monotonic() < until:
                time.sleep(0.005)
            victim = crew.pop(draw.randrange(len(crew)))
            victim.kill()
            victim.join(PATIENCE)
            crew.append(started(data, url, number * 2))
    for each in crew:
        each.join(PATIENCE)
        assert each.exitcode == 0


def started(data: Path, url: str, ahead: int) -> Any:
    process = _processes.Process(target=counting.run, args=(str(data), url, ahead))
    process.start()
    return process


def test_r10_the_effect_of_every_due_job_is_committed_once_though_workers_are_killed(
    tmp_path: Path, database_url: str
) -> None:
    url = "" if database_url.startswith("sqlite") else database_url
    campaign(tmp_path / "data", url, 400, 3, 3)


@pytest.mark.soak
def test_r10_ten_thousand_due_jobs_four_workers_and_many_kills(tmp_path: Path, postgres_url: str) -> None:
    campaign(tmp_path / "data", postgres_url, 10_000, 4, 40)


def test_a_worker_whose_lease_was_lost_takes_its_effect_back(tmp_path: Path, database_url: str) -> None:
    url = "" if database_url.startswith("sqlite") else database_url
    with workspace(tmp_path / "data", url) as host:
        host.db.write_now(lambda tx: outbox.put(tx, COUNT, {}, "one"))
        start = datetime.now(UTC).timestamp()

        slow = Bench(host, owner="slow", effects={COUNT: counting.leave_a_row})
        (job,) = outbox_worker._take(slow)
        later = Bench(
            host,
            owner="quick",
            clock=lambda: datetime.fromtimestamp(start + 120, UTC),
            effects={COUNT: counting.leave_a_row},
        )
        assert outbox_worker.drain(host, later) == 1
        assert outbox_worker._do(slow, job) is False
        assert host.db.read_now(made) == [("one", 1)]


@pytest.mark.parametrize("error", [RecursionError("deep"), MemoryError("much"), KeyError("missing")])
def test_t34_a_job_that_our_own_code_stumbles_over_is_parked_after_three_tries(
    tmp_path: Path, error: Exception
) -> None:
    with workspace(tmp_path / "data") as host:
        host.db.write_now(lambda tx: outbox.put(tx, COUNT, {}, "bad"))
        start = datetime.now(UTC).timestamp()
        tries: list[float] = []

        def breaks(tx: Any, job: Any, now: datetime) -> None:
            tries.append(now.timestamp())
            raise error

        for minutes in range(10):
            moment = datetime.fromtimestamp(start + minutes * 60, UTC)
            bench = Bench(host, clock=lambda at=moment: at, effects={COUNT: breaks})  # type: ignore[misc]
            outbox_worker.drain(host, bench)
        assert len(tries) == 3
        state = host.db.read_now(
            lambda reader: reader.scalar(sa.select(entries.c.state).where(entries.c.kind == COUNT))
        )
        assert state == "dead"
