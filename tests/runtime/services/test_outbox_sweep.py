"""What has served is swept out after its time, and nothing sooner; events themselves stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from dacheng.runtime.services import outbox_worker
from dacheng.runtime.storage import event_log, outbox, traces
from dacheng.runtime.storage.event_log import Event
from dacheng.runtime.storage.reader import Reader, Transaction
from dacheng.runtime.storage.system_tables import event, event_id, trace
from dacheng.runtime.storage.system_tables import outbox as jobs
from tests.runtime.workspace import workspace

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def test_old_jobs_traces_and_event_ids_go_and_events_stay(tmp_path: Path) -> None:
    with workspace(tmp_path) as host:
        for days in (1, 30, 200):
            at = int((NOW - timedelta(days=days)).timestamp() * 1000)

            def fill(tx: Transaction, at: int = at) -> None:
                event_log.append(tx, [Event(f"e{at}", "visit", "", "", at, at, "system", "trusted", {})])
                traces.put(tx, [("core.user", "u", "core.r", "near", {})], at)
                outbox.put(tx, "notify", {}, f"k{at}", at)
                (job,) = outbox.take(tx, "test", at)
                outbox.done(tx, job, at)

            host.db.write_now(fill)
        outbox_worker.sweep(host, NOW)
        counts = [
            host.db.read_now(partial(Reader.scalar, statement=sa.select(sa.func.count()).select_from(table)))
            for table in (event, event_id, trace, jobs)
        ]
    assert counts == [3, 2, 2, 1]
