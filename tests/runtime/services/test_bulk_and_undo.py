"""Many records at once, imports of history, one change taken back, and roll-ups that always add up."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dacheng.metadata.problem import Refused
from dacheng.runtime.services import history, undo, write_record
from dacheng.runtime.services.write_record import Prepared, Write
from dacheng.runtime.storage import change_log
from tests.runtime.services.test_write_record import codes, get, order
from tests.runtime.services.workspace import Workspace, open_workspace

BUYER, ORDER, ITEM = "shop.buyer", "shop.order", "shop.item"


def test_many_are_prepared_together_and_one_refused_leaves_the_others(shop: Workspace) -> None:
    buyer = shop.create("kim", BUYER, {"name": "Acme"})
    values: list[dict[str, Any]] = [{"number": f"A-{n}", "buyer": buyer} for n in range(20)]
    values[7] = {"number": "A-7", "buyer": "01900000-0000-7000-8000-000000000000"}
    writes = [Write("create", ORDER, values=each) for each in values]
    work = shop.work("kim")
    prepared = shop.read(lambda r: write_record.prepare_many(r, work, writes))
    good = [each for each in prepared if isinstance(each, Prepared)]
    assert [n for n, each in enumerate(prepared) if isinstance(each, Refused)] == [7]
    made = shop.db.write_now(lambda tx: write_record.commit_many(tx, work, good))
    assert len({each.id for each in made}) == 19
    assert {each.version for each in made} == {1}


def test_history_is_imported_with_its_dates_people_and_states(shop: Workspace) -> None:
    cody = shop.people["cody"]
    values = {"number": "A-1", "state": "paid", "created_at": "2016-10-20T08:00:00.000Z", "owner": cody}
    record = shop.create("", ORDER, values, historic=True)
    found = get(shop, "kim", ORDER, record).values
    assert (found["state"], found["owner"]) == ("paid", cody)
    assert found["created_at"] == datetime(2016, 10, 20, 8, tzinfo=UTC)
    assert found["department"] == shop.people["department"]


def test_history_is_not_for_everyone(shop: Workspace) -> None:
    with pytest.raises(Refused) as refused:
        shop.create("kim", ORDER, {"number": "A-1", "created_at": "2016-10-20T08:00:00.000Z"}, historic=True)
    assert codes(refused) == {"/created_at": "record.unknown_field"}


def test_one_change_is_taken_back(shop: Workspace) -> None:
    buyer = shop.create("clara", BUYER, {"name": "Acme", "visits": 1})
    shop.update("clara", BUYER, buyer, {"visits": 2})
    shop.update("clara", BUYER, buyer, {"name": "Acme 2"})
    entries = shop.read(lambda r: history.read(r, shop.work("clara"), BUYER, buyer)).entries
    visits = entries[1].seq
    asked = shop.read(lambda r: undo.plan_undo(r, shop.work("clara"), BUYER, buyer, visits))
    write_record.write_now(shop.db, shop.work("clara"), asked)
    found = get(shop, "clara", BUYER, buyer).values
    assert (found["visits"], found["name"]) == (1, "Acme 2")
    with pytest.raises(Refused) as refused:
        shop.read(lambda r: undo.plan_undo(r, shop.work("clara"), BUYER, buyer, visits))
    assert codes(refused) == {"/visits": "undo.not_possible"}


def test_a_deletion_is_taken_back(shop: Workspace) -> None:
    record = order(shop)
    shop.save("clara", "delete", ORDER, record)
    seq = shop.read(lambda r: change_log.read(r, ORDER, record, 1))[0].seq
    asked = shop.read(lambda r: undo.plan_undo(r, shop.work("clara"), ORDER, record, seq))
    write_record.write_now(shop.db, shop.work("clara"), asked)
    assert get(shop, "clara", ORDER, record).values["line_count"] == 2


LINES = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**8), st.booleans()), max_size=5)


@settings(max_examples=8)
@given(steps=st.lists(st.one_of(LINES, st.just("delete"), st.just("restore")), min_size=1, max_size=6))
def test_roll_ups_equal_what_their_lines_add_up_to(roll_up_shop: Workspace, steps: list[Any]) -> None:
    shop = roll_up_shop
    record = shop.create("clara", ORDER, {"number": shop.ids()})
    alive = True
    for step in steps:
        if isinstance(step, str):
            if alive == (step == "delete"):
                shop.save("clara", step, ORDER, record)
                alive = not alive
        elif alive:
            _set_lines(shop, record, step)
        if alive:
            _demand_sums(shop, record)


def _set_lines(shop: Workspace, record: str, step: list[tuple[int, int, bool]]) -> None:
    kept = [line["id"] for line in get(shop, "clara", ORDER, record).lines["lines"]]
    lines = []
    for quantity, cents, again in step:
        line: dict[str, Any] = {"quantity": f"{quantity / 1000:.3f}", "amount": f"{cents / 100:.2f}"}
        if again and kept:
            line["id"] = kept.pop()
        lines.append(line)
    shop.update("clara", ORDER, record, {"lines": lines})


def _demand_sums(shop: Workspace, record: str) -> None:
    found = get(shop, "clara", ORDER, record)
    rows = found.lines["lines"]
    assert found.values["line_count"] == len(rows)
    total = found.values["total"]
    assert (total.amount if total else Decimal(0)) == sum((row["amount"].amount for row in rows), Decimal(0))
    assert found.values["largest"] == max((row["quantity"] for row in rows), default=None)
    assert found.values["smallest"] == min((row["quantity"] for row in rows), default=None)


@pytest.fixture(scope="module")
def roll_up_shop(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One shop for all examples."""
    made = open_workspace(f"sqlite:///{tmp_path_factory.mktemp('sums') / 'dacheng.db'}")
    yield made
    made.db.close()
