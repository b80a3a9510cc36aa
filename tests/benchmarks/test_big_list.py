"""A million accounts: lists, searches, pages far behind and boards stay within their time, by plans that keep it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from starlette.testclient import TestClient

from benchmarks import big_list
from dacheng.runtime.host import Host
from dacheng.runtime.storage import search
from dacheng.runtime.web.app import build_app
from tests.benchmarks.explaining import faults, listening

LONG = bool(os.environ.get("DACHENG_SOAK"))
ROWS = 1_000_000 if LONG else 20_000
BOARD, LIST = (
    150,
    60,
)  # milliseconds; a single character, which every twentieth record has, may take as long as a board
TABLE = "sales_management_account"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """A workspace with many accounts, and what PostgreSQL's own care would have noted of them."""
    sqlite = request.param == "sqlite"
    url = "" if sqlite else request.getfixturevalue("postgres_server").new_database()
    opened = big_list.opened(tmp_path_factory.mktemp("big"), url)
    big_list.fill(opened, ROWS)
    if not sqlite:
        opened.db.write_now(lambda tx: tx.command("ANALYZE"))
    yield opened
    opened.close()


def test_lists_searches_and_boards_stay_within_their_time(
    host: Host, record_property: Callable[[str, object], None]
) -> None:
    found = big_list.measure(host)
    for row in found:
        record_property(
            f"{row['who']}, {row['what']}", [round(row[n], 1) for n in ("median", "slowest", "clock")]
        )
    assert {row["who"] for row in found} == set(big_list.PEOPLE)
    longer = ("board by sector", "search 张")
    slow = [row for row in found if row["median"] > (BOARD if row["what"] in longer else LIST)]
    assert slow == []


@pytest.mark.parametrize("who", big_list.PEOPLE)
def test_no_plan_reads_or_sorts_all_accounts(host: Host, monkeypatch: pytest.MonkeyPatch, who: str) -> None:
    """An index gives the order asked, to administrators and to who sees the fewest; a rare word goes by its hits."""
    monkeypatch.setattr(
        search, "COMMON", {name: at * ROWS // 1_000_000 for name, at in search.COMMON.items()}
    )
    monkeypatch.setattr(search, "FETCHED", search.FETCHED * ROWS // 1_000_000)
    headers = big_list.headers_of(host, who)
    found: dict[str, list[str]] = {}
    with TestClient(build_app(host)) as client:
        for name, address, params in big_list.questions(big_list.deep(client, headers)):
            with listening(monkeypatch, TABLE) as heard:
                assert client.get(address, params=params, headers=headers).status_code == 200
            assert heard, name
            found[name] = [
                fault for asked in heard for fault in faults(host, asked, TABLE, by_hits="张伟" in name)
            ]
    assert found == {name: [] for name in found}
