"""Storing new records by the thousand under one stamp: nothing of them is planned, all of them is checked."""

from __future__ import annotations

from dacheng.metadata.problem import Refused
from dacheng.runtime.services.save_plan import stamp_of
from dacheng.runtime.services.work import Work
from dacheng.runtime.services.write_record import for_this_actor
from dacheng.runtime.storage import record_batch, versions
from dacheng.runtime.storage.reader import Transaction
from dacheng.runtime.storage.record_batch import RecordBatch


def commit_batch(tx: Transaction, work: Work, batch: RecordBatch) -> None:
    """Make all records of a batch or none; refuses with `storage.version_moved` when its ground moved."""
    versions.demand(tx, work.model.versions)
    try:
        record_batch.insert(tx, work.model, batch, stamp_of(work))
    except Refused as refused:
        raise for_this_actor(work, batch.entity.ref, refused) from refused
