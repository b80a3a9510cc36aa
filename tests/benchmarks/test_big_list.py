"""A million accounts: lists, searches, pages far behind and boards stay within their time."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import big_list

BOARD, LIST = 150, 60  # milliseconds


def checked(folder: Path, rows: int) -> None:
    host = big_list.opened(folder, "")
    try:
        big_list.fill(host, rows)
        found = big_list.measure(host)
    finally:
        host.close()
    assert {row["who"] for row in found} == {"admin", "rep"}
    slow = [row for row in found if row["median"] > (BOARD if row["what"].startswith("board") else LIST)]
    assert slow == []


def test_the_measurement_runs_on_a_few_accounts(tmp_path: Path) -> None:
    checked(tmp_path, 1200)


@pytest.mark.soak
def test_a_million_accounts_stay_quick(tmp_path: Path) -> None:
    checked(tmp_path, 1_000_000)
