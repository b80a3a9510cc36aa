"""What is kept while nobody commits: true inside one snapshot, gone with the first commit of anybody."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from dacheng.runtime.storage.database import Database, open_database
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.storage.system_tables import setting
from tests.runtime.storage.open_shop import Shop

COUNT = sa.select(sa.func.count()).select_from(setting)


def _add(db: Database, key: str) -> None:
    db.write_now(lambda tx: tx.execute(setting.insert().values(key=key, value="x")))


def _kept(reader: Reader) -> int:
    found: int = reader.unchanged("settings", lambda: int(reader.scalar(COUNT)))
    return found


def test_what_is_kept_is_true_after_every_commit(shop: Shop) -> None:
    start = shop.db.read_now(_kept)
    for number in range(3):
        _add(shop.db, f"k{number}")
        assert shop.db.read_now(_kept) == shop.db.read_now(_kept) == start + number + 1


def test_inside_one_snapshot_nothing_moves(shop: Shop) -> None:
    def look(reader: Reader) -> tuple[int, int, int]:
        first = _kept(reader)
        _add(shop.db, "meanwhile")
        return first, _kept(reader), int(reader.scalar(COUNT))

    first, second, counted = shop.db.read_now(look)
    assert first == second == counted
    assert shop.db.read_now(_kept) == first + 1


def test_a_write_sees_what_it_has_just_written(shop: Shop) -> None:
    counts = shop.db.write_now(
        lambda tx: (_kept(tx), tx.execute(setting.insert().values(key="own", value="x")), _kept(tx))
    )
    assert counts[2] == counts[0] + 1


def test_without_a_commit_an_answer_is_not_looked_for_again(tmp_path: object) -> None:
    db = open_database(f"{tmp_path}/one.db")
    answers: Iterator[int] = iter(range(10))

    def ask(reader: Reader) -> tuple[int, int]:
        return reader.unchanged("a", lambda: next(answers)), reader.unchanged("b", lambda: next(answers))

    assert db.read_now(ask) == db.read_now(ask) == (0, 1)
    _add(db, "k")
    assert db.read_now(ask) == (2, 3)
    db.close()
