"""Snapshots: taken while others write, checked, put back whole; and what doctor sees."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from dacheng.metadata.kinds import Primitive
from dacheng.metadata.problem import Refused
from dacheng.runtime.storage import checks, event_log, projections, snapshot
from dacheng.runtime.storage.database import open_database
from dacheng.runtime.storage.projections import Projection
from tests.runtime.storage.open_shop import Shop, cny


def test_a_snapshot_taken_under_load_comes_back_whole(shop: Shop, tmp_path: Path, database_url: str) -> None:
    key, _ = shop.purchase(cny(1), title="before")
    stop = threading.Event()

    def keep_writing() -> None:
        while not stop.is_set():
            shop.purchase(cny(2), cny(3), title="meanwhile")

    writer = threading.Thread(target=keep_writing)
    writer.start()
    taken = snapshot.take(shop.db, tmp_path, "one")
    stop.set()
    writer.join()
    shop.apply(shop.change("update", "purchase", key, title="after"))
    if shop.db.path is not None:
        shop.db.close()
        snapshot.restore_file(Path(taken), shop.db.path)
        shop.db = open_database(database_url)
    else:
        snapshot.restore_schema(shop.db, taken)
    assert shop.json("purchase", key)["title"] == "before"
    assert shop.db.read_now(lambda reader: checks.check_all(reader, shop.model)) == ()
    shop.purchase(cny(4), title="goes on")


def test_a_damaged_snapshot_is_refused(sqlite_url: str, tmp_path: Path) -> None:
    bad = tmp_path / "bad.db"
    bad.write_bytes(b"nothing of the kind" * 100)
    target = tmp_path / "dacheng.db"
    with pytest.raises(Refused, match="snapshot"):
        snapshot.restore_file(bad, target)
    assert not target.exists()


def test_doctor_sees_wrong_figures_words_and_orphans_and_repairs_what_is_derived(shop: Shop) -> None:
    key, _ = shop.purchase(cny(1), title="deal")
    table = shop.model.tables.of("shop.purchase")
    shop.db.write_now(
        lambda tx: tx.execute(sa.update(table).values(line_count=9, title="changed behind its back"))
    )
    found = shop.db.read_now(lambda reader: checks.check_all(reader, shop.model))
    assert any("line_count" in each.message for each in found)
    shop.db.write_now(lambda tx: checks.repair(tx, shop.model, 0))
    assert shop.db.read_now(lambda reader: checks.check_all(reader, shop.model)) == ()
    shop.db.write_now(lambda tx: tx.execute(sa.update(table).where(table.c.id == key).values(deleted_at=1)))
    (orphan,) = shop.db.read_now(lambda reader: checks.check_all(reader, shop.model))
    assert orphan.params["check"] == "lines"


def test_events_are_accepted_once_and_cursors_never_go_back(shop: Shop) -> None:
    events = [
        event_log.Event(
            f"e{n}",
            "view",
            "account",
            "a",
            n,
            1_700_000_000_000 + n * 40 * 86_400_000,
            "me",
            "manual",
            {"n": n},
        )
        for n in range(4)
    ]
    assert shop.db.write_now(lambda tx: event_log.append(tx, [*events, events[0]])) == [
        "e0",
        "e1",
        "e2",
        "e3",
    ]
    assert shop.db.write_now(lambda tx: event_log.append(tx, events)) == []
    first = shop.db.read_now(lambda reader: event_log.after(reader, 0, 2))
    assert [each.payload["n"] for each in first] == [0, 1]
    shop.db.write_now(lambda tx: event_log.advance(tx, "health", first[-1].seq, 1))
    shop.db.write_now(lambda tx: event_log.advance(tx, "health", 0, 2))
    position = shop.db.read_now(lambda reader: event_log.cursor(reader, "health"))
    rest = shop.db.read_now(lambda reader: event_log.after(reader, position))
    assert [each.id for each in rest] == ["e2", "e3"]


def test_a_projection_is_filled_by_a_select_and_by_rows(shop: Shop) -> None:
    table = Projection(
        "per_owner", "targets", {"owner": Primitive.LINK, "n": Primitive.INTEGER}, ("owner",), (("n",),)
    )
    assert shop.db.write_now(lambda tx: projections.install(tx, table)) is True
    assert shop.db.write_now(lambda tx: projections.install(tx, table)) is False
    owner = shop.create("core.user", name="me")
    shop.create("account", name="a", owner=owner)
    accounts = shop.model.tables.of("shop.account")
    count = sa.select(accounts.c.owner.label("owner"), sa.func.count().label("n")).group_by(accounts.c.owner)
    for _ in range(2):
        shop.db.write_now(lambda tx: projections.upsert_select(tx, table, count))
        shop.create("account", name="b", owner=owner)
    shop.db.write_now(lambda tx: projections.put(tx, table, [{"owner": "other", "n": 5}]))
    rows = shop.db.read_now(lambda r: r.rows(sa.select(projections.table_of(table)).order_by(sa.text("n"))))
    assert rows == [(owner, 2), ("other", 5)]
