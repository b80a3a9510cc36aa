"""Records that are there already: found by what counts, told no further than disclosed, made once by two at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dacheng.metadata.problem import Refused
from dacheng.runtime.services import duplicates
from dacheng.runtime.services.duplicates import Duplicate
from dacheng.runtime.storage.model import Model
from tests.runtime.services.workspace import NOW, Workspace, model_of, open_workspace, packages

MATCH = {
    "id": "same_order",
    "entity": "order",
    "keys": {"place": {"field": "place", "compare": "company"}},
    "discloses": ["owner", "state"],
    "arbiters": ["keeper"],
}


def with_match(**more: Any) -> Model:
    """The shop whose orders have a place to be the same by."""
    core, shop = packages()
    items = dict(shop.items)
    order = dict(items["entity", "order"])
    order["properties"] = {**order["properties"], "place": {"x-kind": "text", "x-order": 15}}
    items["entity", "order"] = order
    items["match", "same_order"] = {**MATCH, **more}
    return model_of((core, replace(shop, items=items, hash="")))


@pytest.fixture
def shop(database_url: str) -> Iterator[Workspace]:
    made = open_workspace(database_url, with_match())
    yield made
    made.db.close()


def order(shop: Workspace, who: str, number: str, place: str, **more: Any) -> str:
    return shop.create(who, "shop.order", {"number": number, "place": place}, **more)


def same(shop: Workspace, who: str, values: Mapping[str, Any], but: str = "") -> tuple[Duplicate, ...]:
    return shop.read(lambda reader: duplicates.find(reader, shop.work(who), "shop.order", values, but))


def codes(refused: pytest.ExceptionInfo[Refused]) -> list[tuple[str, str]]:
    return [(each.code, each.pointer) for each in refused.value.problems]


def test_a_record_is_found_by_what_counts_and_one_unseen_is_told_as_disclosed(shop: Workspace) -> None:
    own = order(shop, "clara", "1", "华云科技有限公司")
    order(shop, "cody", "2", "华云（北京）科技")
    first, second = same(shop, "clara", {"place": "华云科技股份有限公司"})
    assert (first.id, first.title, first.disclosed) == (own, "1", ())
    assert (second.id, second.title) == ("", "")
    assert {each.field.id: each.text for each in second.disclosed} == {"owner": "Cody", "state": "Draft"}
    assert same(shop, "clara", {"place": "华云科技"}, but=own) == (second,)
    assert same(shop, "clara", {"place": "别家"}) == ()
    assert same(shop, "clara", {"number": "1"}) == ()


def test_keys_follow_changes_the_recycle_bin_and_purges(shop: Workspace) -> None:
    one = order(shop, "kim", "1", "Acme Ltd")
    assert len(same(shop, "kim", {"place": "ACME"})) == 1
    shop.update("kim", "shop.order", one, {"place": "Umbra"})
    assert same(shop, "kim", {"place": "ACME"}) == ()
    assert len(same(shop, "kim", {"place": "umbra inc"})) == 1
    shop.save("kim", "delete", "shop.order", one)
    assert same(shop, "kim", {"place": "umbra"}) == ()
    shop.save("kim", "restore", "shop.order", one)
    assert len(same(shop, "kim", {"place": "umbra"})) == 1


def test_a_match_that_warns_lets_the_save_pass_and_one_that_refuses_does_not(database_url: str) -> None:
    shop = open_workspace(database_url, with_match(on_match="refuse"))
    one = order(shop, "clara", "1", "Acme")
    with pytest.raises(Refused) as refused:
        order(shop, "clara", "2", "ACME Ltd")
    assert codes(refused) == [("match.duplicate", "/place")]
    assert "1" in str(refused.value.problems[0].params["found"])
    with pytest.raises(Refused) as refused:
        order(shop, "cody", "2", "ACME Ltd")
    assert "Clara" in str(refused.value.problems[0].params["found"])
    assert one not in str(refused.value.problems[0].params)
    two = order(shop, "clara", "2", "Umbra")
    with pytest.raises(Refused) as refused:
        shop.update("clara", "shop.order", two, {"place": "acme"})
    assert codes(refused) == [("match.duplicate", "/place")]
    shop.update("clara", "shop.order", one, {"place": "Acme Inc"})  # itself is no duplicate
    shop.db.close()


def test_a_registered_record_is_protected_for_its_days(database_url: str) -> None:
    shop = open_workspace(database_url, with_match(protection_days=30))
    order(shop, "clara", "1", "Acme")
    with pytest.raises(Refused) as refused:
        order(shop, "cody", "2", "Acme")
    assert codes(refused) == [("match.protected", "/place")]
    assert refused.value.problems[0].params["until"] == "2026-04-09"
    order(shop, "clara", "3", "Acme")  # one's own protection does not stand in one's way
    order(shop, "kim", "4", "Acme")  # who arbitrates decides
    shop.now = NOW + timedelta(days=31)
    order(shop, "cody", "2", "Acme")
    shop.db.close()


def test_two_at_once_make_a_refused_duplicate_once(database_url: str) -> None:
    shop = open_workspace(database_url, with_match(on_match="refuse"))
    barrier, answers = threading.Barrier(6), []

    def make(number: int) -> None:
        barrier.wait()
        try:
            answers.append(order(shop, "clara", str(number), "Acme"))
        except Refused as refused:
            answers.append(refused.problems[0].code)

    threads = [threading.Thread(target=make, args=(n,)) for n in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(answers)[1:] == ["match.duplicate"] * 5
    assert len(same(shop, "clara", {"place": "acme"})) == 1
    shop.db.close()


def test_a_key_over_a_field_one_may_not_read_is_not_asked(database_url: str) -> None:
    shop = open_workspace(database_url, with_match(keys={"bonus": {"field": "bonus", "compare": "exact"}}))
    shop.create("kim", "shop.order", {"number": "1", "bonus": "12.00"})
    found = {who: len(same(shop, who, {"bonus": shop_bonus(shop)})) for who in ("kim", "clara")}
    assert found == {"kim": 1, "clara": 0}
    shop.db.close()


def shop_bonus(shop: Workspace) -> Any:
    return shop.model.catalogue.entities["shop.order"].fields["bonus"].codec.parse("12.00")
