"""A read has the time that is its own: what the one before it on the same connection was given is over with it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from dacheng.metadata.problem import Refused
from dacheng.runtime.storage import connections
from dacheng.runtime.storage.database import open_database
from dacheng.runtime.storage.reader import Reader


def test_who_asks_after_a_short_question_is_not_cut_off_by_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_PROGRESS_STEPS", 1)  # time is looked at all along
    db = open_database(tmp_path / "short.db")

    def one(reader: Reader) -> int:
        return int(reader.scalar(sa.text("SELECT 1")))

    async def ask() -> int:
        assert await db.read(one, kind="a short question") == 1
        over = time.thread_time() + 0.02
        while time.thread_time() < over:
            pass
        return await db.read(one, bounded=True, key="who asks")

    try:
        assert asyncio.run(ask()) == 1
    finally:
        db.close()


def test_care_that_goes_through_everything_outlasts_the_time_of_a_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_PROGRESS_STEPS", 1)
    db = open_database(tmp_path / "large.db", statement_seconds=0.05)

    def slowly(reader: Reader) -> int:
        over = time.monotonic() + 0.1
        while time.monotonic() < over:
            pass
        return int(reader.scalar(sa.text("SELECT 1")))

    try:
        with pytest.raises(Refused) as refused:
            db.read_now(slowly)
        assert refused.value.problems[0].code == "storage.too_slow"
        assert db.read_through(slowly) == 1
    finally:
        db.close()
