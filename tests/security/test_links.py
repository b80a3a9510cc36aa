"""T06: a link to a record one may not see gives away neither its id nor anything behind it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from dacheng.metadata.problem import Refused
from dacheng.runtime.services import history, measure, read_records
from dacheng.runtime.services.gate import Query
from tests.runtime.services.workspace import Workspace, model_of, open_workspace, packages

BUYER, ORDER = "shop.buyer", "shop.order"
OWN = {"==": [{"var": "owner"}, {"var": "$user.id"}]}


@pytest.fixture
def shop(database_url: str) -> Iterator[Workspace]:
    """The shop where clerks see all orders, but only buyers of their own."""
    core, base = packages()
    role = base.items["role", "clerk"]
    entities: dict[str, Any] = {**role["entities"]}
    entities["buyer"] = {**entities["buyer"], "read": OWN}
    entities["order"] = {**entities["order"], "read": True, "update": True}
    items = {**base.items, ("role", "clerk"): {**role, "entities": entities}}
    made = open_workspace(database_url, model_of((core, replace(base, items=items, hash=""))))
    yield made
    made.db.close()


@pytest.fixture
def hidden(shop: Workspace) -> tuple[str, str]:
    """An order of Clara's for a buyer of Cody's: (order, buyer)."""
    buyer = shop.create("cody", BUYER, {"name": "Secret", "level": "gold"})
    return shop.create("kim", ORDER, {"number": "A-1", "buyer": buyer, "owner": shop.people["clara"]}), buyer


def count(shop: Workspace, condition: Any) -> int:
    return shop.read(lambda r: read_records.count(r, shop.work("clara"), Query(ORDER, filter=condition)))


def test_lists_show_nothing_behind_the_link(shop: Workspace, hidden: tuple[str, str]) -> None:
    asked = Query(ORDER, ("number", "buyer", "buyer.name", "buyer.level", "buyer.owner.name"))
    page = shop.read(lambda r: read_records.list_page(r, shop.work("clara"), asked))
    assert list(page.rows[0])[:6] == ["A-1", None, None, None, None, None]
    assert page.json()[0]["number"] == "A-1"


def test_filters_do_not_reach_behind_the_link(shop: Workspace, hidden: tuple[str, str]) -> None:
    assert count(shop, {"==": [{"var": "buyer"}, hidden[1]]}) == 0
    assert count(shop, {"==": [{"var": "buyer.name"}, "Secret"]}) == 0
    assert count(shop, {"is_set": [{"var": "buyer"}]}) == 0
    assert count(shop, {"in": [{"var": "buyer.level"}, ["gold"]]}) == 0


def test_the_record_its_history_and_groups_do_not_name_it(shop: Workspace, hidden: tuple[str, str]) -> None:
    order, buyer = hidden
    shop.update("kim", ORDER, order, {"buyer": None})
    shop.update("kim", ORDER, order, {"buyer": buyer})
    found = shop.read(lambda r: read_records.get(r, shop.work("clara"), ORDER, order))
    assert (found.values["buyer"], found.unseen) == (None, frozenset({"buyer"}))
    told = shop.read(lambda r: history.read(r, shop.work("clara"), ORDER, order))
    assert buyer not in repr(told)
    shop.save(
        "kim", "update", ORDER, order, transition="pay", values={"lines": [{"quantity": "1", "amount": "5"}]}
    )
    for dimension in ("buyer", "level", "adviser"):
        groups = shop.read(
            partial(measure.run, work=shop.work("clara"), ref="shop.paid_count", dimension=dimension)
        )
        assert (groups.groups, groups.values) == (((None,),), (1,))


def test_saving_the_empty_link_one_was_shown_keeps_what_it_held(
    shop: Workspace, hidden: tuple[str, str]
) -> None:
    order, buyer = hidden
    shop.update("clara", ORDER, order, {"buyer": None, "number": "A-2"})
    found = shop.read(lambda r: read_records.get(r, shop.work("kim"), ORDER, order))
    assert (found.values["buyer"], found.values["number"]) == (buyer, "A-2")


def test_a_link_cannot_be_set_to_what_one_may_not_see(shop: Workspace, hidden: tuple[str, str]) -> None:
    """The answer is the same as for an id that does not exist."""
    mine = shop.create("clara", ORDER, {"number": "C-1"})
    told = []
    for target in (hidden[1], "01900000-0000-7000-8000-000000000000"):
        with pytest.raises(Refused) as refused:
            shop.update("clara", ORDER, mine, {"buyer": target})
        told.append([(p.code, p.pointer, p.message) for p in refused.value.problems])
    assert told[0] == told[1]


def test_t06_a_conflict_does_not_name_what_a_link_hides(shop: Workspace, hidden: tuple[str, str]) -> None:
    order, buyer = hidden
    mine = shop.create("clara", "shop.buyer", {"name": "Mine"})
    with pytest.raises(Refused) as refused:
        shop.update("clara", ORDER, order, {"buyer": mine}, expected_version=77)
    told = [(each.code, each.pointer, dict(each.params)) for each in refused.value.problems]
    assert told
    assert buyer not in repr(told)
