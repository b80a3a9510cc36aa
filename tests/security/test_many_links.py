"""T06: a field of links shows, counts and changes only what its reader may see; what is held besides stays as it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from dacheng.metadata.problem import Refused
from dacheng.runtime.services import export_records, group_records, history, read_records
from dacheng.runtime.services.export_records import Export
from dacheng.runtime.services.gate import Query
from tests.runtime.services.workspace import Workspace, open_workspace

BUYER, ORDER = "shop.buyer", "shop.order"
FIELD = "favourites"
NOBODY = "01900000-0000-7000-8000-000000000000"


@pytest.fixture
def shop(database_url: str) -> Iterator[Workspace]:
    """The shop where clerks see every buyer, but only orders of their own."""
    made = open_workspace(database_url)
    yield made
    made.db.close()


@pytest.fixture
def held(shop: Workspace) -> tuple[str, str, str, str]:
    """A buyer of Clara's that holds an order of hers between two of Cody's: (buyer, Cody's, hers, Cody's)."""
    first, hers, last = (
        shop.create(who, ORDER, {"number": number})
        for who, number in (("cody", "O-1"), ("clara", "C-1"), ("cody", "O-2"))
    )
    buyer = shop.create("clara", BUYER, {"name": "Acme"})
    shop.update("kim", BUYER, buyer, {FIELD: [first, hers, last]})
    return buyer, first, hers, last


def shown(shop: Workspace, who: str, buyer: str) -> Any:
    return shop.read(lambda r: read_records.get(r, shop.work(who), BUYER, buyer)).json()[FIELD]


def count(shop: Workspace, condition: Any) -> int:
    return shop.read(lambda r: read_records.count(r, shop.work("clara"), Query(BUYER, filter=condition)))


def test_t06_record_list_export_and_history_show_the_visible_alone(
    shop: Workspace, held: tuple[str, str, str, str]
) -> None:
    buyer, first, hers, last = held
    assert shown(shop, "kim", buyer) == [first, hers, last]
    assert shown(shop, "clara", buyer) == [hers]
    page = shop.read(lambda r: read_records.list_page(r, shop.work("clara"), Query(BUYER, (FIELD,))))
    assert page.json() == [{FIELD: [hers]}]
    assert list(page.rows[0])[1] == '["C-1"]'
    shop.update("kim", BUYER, buyer, {FIELD: [hers]})
    shop.update("kim", BUYER, buyer, {FIELD: [hers, last]})
    told = shop.read(lambda r: history.read(r, shop.work("clara"), BUYER, buyer))
    assert not {first, last} & set(repr(told).replace("'", '"').split('"'))
    assert [each.action for each in told.entries] == [
        "update",
        "create",
    ]  # the first list of hers, and no other
    full = shop.read(lambda r: history.read(r, shop.work("kim"), BUYER, buyer))
    assert [each.action for each in full.entries] == ["update", "update", "update", "create"]
    wanted = Export(BUYER, ("name", FIELD), headings="ids")
    told_kim = "".join(export_records.export(_site(shop), shop.work("kim"), wanted))
    assert "C-1、O-2" in told_kim


def _site(shop: Workspace) -> Any:
    return shop


def test_t06_conditions_and_groups_reach_the_visible_alone(
    shop: Workspace, held: tuple[str, str, str, str]
) -> None:
    _, first, hers, _ = held
    name = {"var": FIELD}
    assert count(shop, {"in": [hers, name]}) == 1
    assert count(shop, {"in": [first, name]}) == 0
    assert count(shop, {"==": [{"length": [name]}, 1]}) == 1
    assert count(shop, {"all": [name, {"==": [{"var": ""}, hers]}]}) == 1
    groups, _ = shop.read(lambda r: group_records.groups(r, shop.work("clara"), Query(BUYER), FIELD))
    assert [(each.key, each.title, each.count) for each in groups] == [(hers, "C-1", 1)]


def test_t06_what_one_was_shown_can_be_sent_back_changed_or_emptied(
    shop: Workspace, held: tuple[str, str, str, str]
) -> None:
    buyer, first, hers, last = held
    before = shop.read(lambda r: read_records.get(r, shop.work(), BUYER, buyer)).version
    assert shop.update("clara", BUYER, buyer, {FIELD: [hers]}).version == before
    other = shop.create("clara", ORDER, {"number": "C-2"})
    shop.update("clara", BUYER, buyer, {FIELD: [other, hers]})
    assert shown(shop, "kim", buyer) == [first, other, last, hers]
    assert shown(shop, "clara", buyer) == [other, hers]
    shop.update("clara", BUYER, buyer, {FIELD: None})
    assert shown(shop, "kim", buyer) == [first, last]
    assert shown(shop, "clara", buyer) is None


def test_t06_what_one_may_not_see_cannot_be_added_and_is_told_from_nothing(
    shop: Workspace, held: tuple[str, str, str, str]
) -> None:
    _, first, hers, _ = held
    mine = shop.create("clara", BUYER, {"name": "Mine", FIELD: [hers]})
    told = []
    for target in (first, NOBODY):
        with pytest.raises(Refused) as refused:
            shop.update("clara", BUYER, mine, {FIELD: [hers, target]})
        told.append([(each.code, each.pointer, each.message) for each in refused.value.problems])
    assert told[0] == told[1]
    assert told[0][0][:2] == ("record.link_missing", f"/{FIELD}")


def test_t06_a_conflict_does_not_name_what_a_list_hides(
    shop: Workspace, held: tuple[str, str, str, str]
) -> None:
    buyer, first, _, last = held
    with pytest.raises(Refused) as refused:
        shop.update("clara", BUYER, buyer, {FIELD: None}, expected_version=77)
    told = repr([dict(each.params) for each in refused.value.problems])
    assert first not in told
    assert last not in told
