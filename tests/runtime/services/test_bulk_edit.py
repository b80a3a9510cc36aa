"""Many records at once: counted as they will go, refused ones named, the whole taken back; on both databases."""

from __future__ import annotations

import pytest

from dacheng.metadata.problem import Refused
from dacheng.runtime.services import bulk_edit, read_records
from dacheng.runtime.services.bulk_edit import Change
from dacheng.runtime.services.gate import Query
from tests.runtime.services.test_write_record import codes, get
from tests.runtime.services.workspace import Workspace

BUYER, ORDER = "shop.buyer", "shop.order"
GOLD = Change("update", {"level": "gold"})


def buyers(shop: Workspace, who: str, count: int, first: int = 0) -> list[str]:
    return [shop.create(who, BUYER, {"name": f"B{n}", "visits": 1}) for n in range(first, first + count)]


def levels(shop: Workspace, ids: list[str]) -> list[object]:
    return [get(shop, "kim", BUYER, each).values["level"] for each in ids]


def test_rows_of_others_are_refused_and_the_rest_changes(shop: Workspace) -> None:
    mine, others = buyers(shop, "clara", 3), buyers(shop, "kim", 2, 3)
    work = shop.work("clara")
    before = shop.read(lambda r: bulk_edit.preview(r, work, BUYER, [*mine, *others], GOLD))
    assert (before.count, before.done, {row.id for row in before.refused}) == (5, 3, set(others))
    assert levels(shop, mine) == ["bronze"] * 3
    found = bulk_edit.run(shop.db, work, BUYER, [*mine, *others], GOLD)
    assert (found.done, [row.title for row in found.refused]) == (3, ["B3", "B4"])
    assert {each.code for row in found.refused for each in row.problems} == {"access.not_permitted"}
    assert levels(shop, mine) == ["gold"] * 3
    assert levels(shop, others) == ["bronze"] * 2


def test_the_whole_is_taken_back_but_what_changed_since_stays(shop: Workspace) -> None:
    ids = buyers(shop, "clara", 4)
    shop.update("clara", BUYER, ids[0], {"level": "silver"})
    done = bulk_edit.run(shop.db, shop.work("clara"), BUYER, ids, GOLD)
    shop.update("clara", BUYER, ids[1], {"level": "silver"})
    with pytest.raises(Refused) as refused:
        bulk_edit.take_back(shop.db, shop.work("kim"), BUYER, done.cause)
    assert codes(refused) == {"": "bulk.unknown"}
    back = bulk_edit.take_back(shop.db, shop.work("clara"), BUYER, done.cause)
    assert (back.reversed, back.kept, back.failed) == (3, 1, 0)
    assert levels(shop, ids) == ["silver", "silver", "bronze", "bronze"]


def test_deleted_records_come_back_together(shop: Workspace) -> None:
    ids = [shop.create("clara", ORDER, {"number": f"O-{n}"}) for n in range(3)]
    work = shop.work("clara")
    done = bulk_edit.run(shop.db, work, ORDER, ids, Change("delete"))
    assert done.done == 3
    assert shop.read(lambda r: bulk_edit.selected(r, work, Query(ORDER))) == []
    back = bulk_edit.take_back(shop.db, shop.work("clara"), ORDER, done.cause)
    assert back.reversed == 3
    assert len(shop.read(lambda r: bulk_edit.selected(r, shop.work("clara"), Query(ORDER)))) == 3


def test_a_value_that_is_none_is_refused_on_every_row_and_a_hidden_field_like_a_misspelt_one(
    shop: Workspace,
) -> None:
    ids = buyers(shop, "clara", 2)
    work = shop.work("clara")
    for values, code in (
        ({"level": "platinum"}, "value.no_such_option"),
        ({"credit": "1"}, "record.unknown_field"),
        ({"crdit": "1"}, "record.unknown_field"),
    ):
        found = bulk_edit.run(shop.db, work, BUYER, ids, Change("update", values))
        assert (found.done, found.cause) == (0, "")
        assert {each.code for row in found.refused for each in row.problems} == {code}


def test_two_hundred_rows_go_in_one_call(shop: Workspace) -> None:
    ids = buyers(shop, "clara", 210)
    found = bulk_edit.run(shop.db, shop.work("clara"), BUYER, ids, Change("update", {"visits": 7}))
    assert (found.count, found.done, found.refused) == (210, 210, ())
    work = shop.work("clara")
    seven = Query(BUYER, ("id",), {"==": [{"var": "visits"}, 7]})
    assert shop.read(lambda r: read_records.count(r, work, seven)) == 210


def test_selections_are_bounded_and_not_empty(small_shop: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = buyers(small_shop, "clara", 3)
    work = small_shop.work("clara")
    monkeypatch.setattr(bulk_edit, "MOST", 2)
    for wanted, code in ((ids, "bulk.too_many"), ([], "bulk.nothing")):
        with pytest.raises(Refused) as refused:
            bulk_edit.run(small_shop.db, work, BUYER, wanted, GOLD)
        assert codes(refused) == {"": code}
    with pytest.raises(Refused) as refused:
        small_shop.read(lambda r: bulk_edit.selected(r, work, Query(BUYER)))
    assert codes(refused) == {"": "bulk.too_many"}
    with pytest.raises(Refused) as refused:
        bulk_edit.run(small_shop.db, small_shop.work("gus"), BUYER, ids[:1], GOLD)
    assert codes(refused)[""] in ("access.not_permitted", "query.unknown_entity")
