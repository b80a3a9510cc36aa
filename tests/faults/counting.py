"""A worker process whose jobs leave one row each and nothing that would hide a second one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from dacheng.runtime.services import outbox_worker
from dacheng.runtime.services.outbox_worker import Bench
from dacheng.runtime.storage import traces
from dacheng.runtime.storage.outbox import Job
from dacheng.runtime.storage.reader import Transaction
from tests.runtime.workspace import workspace

COUNT = "test.count"


def leave_a_row(tx: Transaction, job: Job, now: datetime) -> None:
    """The effect: a row that says which job made it."""
    traces.put(tx, [("shop.order", job.key, COUNT, "applied", {})], 0)


def run(data: str, url: str, ahead: int) -> None:
    """Work off what is due, with a clock so many minutes ahead: leases of the dead have ended by then."""
    with workspace(Path(data), url) as host:
        clock = lambda: datetime.now(UTC) + timedelta(minutes=ahead)  # noqa: E731
        outbox_worker.drain(host, Bench(host, clock=clock, effects={COUNT: leave_a_row}))
