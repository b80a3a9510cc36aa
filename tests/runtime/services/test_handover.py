"""Handing over what a leaving person owns: counted, spread, under one cause, told once, taken back whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType

import pytest

from dacheng.metadata.package import with_hash
from dacheng.metadata.problem import Refused
from dacheng.runtime.services import handover, history
from dacheng.runtime.services.handover import Handover, Holding, Result
from tests.runtime.services.test_write_record import ORDER, codes, get, order
from tests.runtime.services.together import deliver, told, with_roles
from tests.runtime.services.workspace import Workspace, model_of, open_workspace, packages

BUYER = "shop.buyer"


def quiet(_step: str, _done: int, _total: int) -> None:
    """Nobody watches."""


def with_work(shop: Workspace) -> tuple[list[str], str]:
    """Clara's buyer and three orders, one of them paid; answers the open ones and the paid one."""
    with_roles(shop)
    buyer = shop.create("clara", BUYER, {"name": "Acme"})
    orders = [order(shop, number=f"A-{n}", buyer=buyer) for n in range(3)]
    shop.save("clara", "update", ORDER, orders[2], transition="pay")
    deliver(shop)
    shop.now += timedelta(minutes=1)
    return orders[:2], orders[2]


def hand(shop: Workspace, who: str, to: list[str], *, keep_finished: bool = True) -> Result:
    asked = Handover(shop.people["clara"], tuple(shop.people[each] for each in to), (), keep_finished)
    return handover.hand_over(shop.db, shop.work(who), asked, quiet)


def owners(shop: Workspace, records: list[str]) -> list[str]:
    names = {ident: who for who, ident in shop.people.items()}
    return [names[str(get(shop, "kim", ORDER, each).values["owner"])] for each in records]


@pytest.fixture(autouse=True)
def _kim_leads(request: pytest.FixtureRequest) -> None:
    """Kim is Clara's manager; nobody else is anybody's."""
    for name in ("shop", "small_shop"):
        if name in request.fixturenames:
            made: Workspace = request.getfixturevalue(name)
            made.update("", "core.user", made.people["clara"], {"manager": made.people["kim"]})


def test_counts_come_first_and_finished_work_is_told_apart(shop: Workspace) -> None:
    with_work(shop)
    work = shop.work("kim")
    found = shop.read(lambda r: handover.holdings(r, work, shop.people["clara"]))
    assert found == [Holding(BUYER, 1, 0), Holding(ORDER, 3, 1)]


def test_open_work_is_spread_evenly_and_achievements_stay(shop: Workspace) -> None:
    open_ones, paid = with_work(shop)
    done = hand(shop, "kim", ["cody", "kim"])
    assert (done.moved, done.refused) == (3, 0)
    assert sorted(owners(shop, open_ones)) == ["cody", "kim"]
    assert owners(shop, [paid]) == ["clara"]
    found = get(shop, "kim", ORDER, open_ones[0])
    assert found.values["created_by"] == shop.people["clara"]
    entries = shop.read(lambda r: history.read(r, shop.work("kim"), ORDER, open_ones[0])).entries
    assert (entries[0].cause_kind, entries[0].cause, entries[0].person) == (
        "handover", done.id, shop.people["kim"],
    )  # fmt: skip
    deliver(shop, times=2)
    (one,) = told(shop, "cody")
    assert (one.kind, one.actor) == ("handover", "Kim")


def test_finished_work_goes_too_when_asked(shop: Workspace) -> None:
    open_ones, paid = with_work(shop)
    assert hand(shop, "kim", ["cody"], keep_finished=False).moved == 4
    assert owners(shop, [*open_ones, paid]) == ["cody"] * 3


def test_the_whole_is_taken_back_but_for_what_was_given_on_since(shop: Workspace) -> None:
    open_ones, _ = with_work(shop)
    done = hand(shop, "kim", ["cody"])
    shop.now += timedelta(minutes=1)
    shop.update("kim", ORDER, open_ones[1], {"owner": shop.people["kim"]})
    back = handover.undo(shop.db, shop.work("kim"), done.id, quiet)
    assert (back.moved, back.kept, back.refused) == (2, 1, 0)
    assert owners(shop, open_ones) == ["clara", "kim"]
    with pytest.raises(Refused) as refused:
        handover.undo(shop.db, shop.work("cody"), done.id, quiet)
    assert codes(refused) == {"": "web.not_found"}


def test_t13_only_who_is_over_somebody_hands_their_work_over(shop: Workspace) -> None:
    with_work(shop)
    for who in ("cody", "clara"):
        with pytest.raises(Refused) as refused:
            hand(shop, who, ["kim"])
        assert codes(refused) == {"": "access.not_permitted"}
    with pytest.raises(Refused) as refused:
        hand(shop, "gus", ["kim"])
    assert codes(refused) == {"": "record.missing"}


@pytest.mark.parametrize("to", [[], ["clara"], ["cody", "clara"]])
def test_somebody_else_must_take_over(small_shop: Workspace, to: list[str]) -> None:
    with_work(small_shop)
    with pytest.raises(Refused) as refused:
        hand(small_shop, "kim", to)
    assert codes(refused) == {"/to": "handover.receivers"}


def test_what_the_asker_may_not_change_stays_and_is_counted(small_shop: Workspace) -> None:
    shop = small_shop
    with_work(shop)
    shop.update("", "core.user", shop.people["clara"], {"manager": shop.people["cody"]})
    work = shop.work("cody")
    done = handover.hand_over(shop.db, work, Handover(shop.people["clara"], (shop.people["cody"],)), quiet)
    assert (done.moved, done.refused) == (0, 1)


@pytest.fixture
def advised(database_url: str) -> Iterator[Workspace]:
    """The shop, its buyers with several advisers."""
    core, content = packages()
    buyer = dict(content.items["entity", "buyer"])
    advisers = {"x-kind": "links", "x-to": "core.user", "x-order": 96}
    buyer["properties"] = {**buyer["properties"], "advisers": advisers}
    items = MappingProxyType({**content.items, ("entity", "buyer"): buyer})
    made = open_workspace(database_url, model_of((core, with_hash(replace(content, items=items)))))
    made.update("", "core.user", made.people["clara"], {"manager": made.people["kim"]})
    yield made
    made.db.close()


def test_heirs_are_named_where_the_leaver_was_when_asked(advised: Workspace) -> None:
    """In links to people and lists of them, on records of whomever; once, in the same place, and back again."""
    shop = advised
    with_roles(shop)
    clara, cody, kim = (shop.people[each] for each in ("clara", "cody", "kim"))
    own = shop.create("clara", BUYER, {"name": "Acme", "adviser": clara, "advisers": [kim, clara, cody]})
    other = shop.create("kim", BUYER, {"name": "Umbra", "adviser": kim, "advisers": [clara]})
    shop.now += timedelta(minutes=1)

    def named() -> list[tuple[object, ...]]:
        found = [get(shop, "kim", BUYER, each).json() for each in (own, other)]
        return [(each["owner"], each["adviser"], each["advisers"]) for each in found]

    before = named()
    work = shop.work("kim")
    assert shop.read(lambda r: handover.holdings(r, work, clara)) == [Holding(BUYER, 1, 0, 2)]
    hand(shop, "kim", ["cody"])
    assert named() == [(cody, clara, [kim, clara, cody]), before[1]]
    shop.update("", BUYER, own, {"owner": clara})
    asked = Handover(clara, (cody,), (), named=True)
    done = handover.hand_over(shop.db, shop.work("kim"), asked, quiet)
    assert (done.moved, done.refused) == (2, 0)
    assert named() == [(cody, cody, [kim, cody]), (kim, kim, [cody])]
    shop.now += timedelta(minutes=1)
    back = handover.undo(shop.db, shop.work("kim"), done.id, quiet)
    assert (back.moved, back.kept, back.refused) == (2, 0, 0)
    assert named() == before
