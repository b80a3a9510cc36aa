"""Fields of links: the join table says what the records say, whatever is deleted, restored, purged or published."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from dacheng.metadata.problem import Refused
from dacheng.runtime.storage import checks, physical
from tests.contracts.storage.test_schema_change import _with
from tests.runtime.storage.open_shop import Shop
from tests.runtime.storage.shop import Items, uid

PARTNERS = _with(partners={"x-kind": "links", "x-to": "account"})
BOUND = _with(partners={"x-kind": "links", "x-to": "account", "x-on-delete": "restrict"})


def linked(shop: Shop, items: Items = PARTNERS) -> tuple[str, str, str]:
    """A purchase with two partners: (purchase, partners)."""
    shop.move(items)
    one, two = shop.create("account", name="one"), shop.create("account", name="two")
    key, _ = shop.purchase(partners=(two, one))
    return key, one, two


def pairs(shop: Shop) -> set[tuple[str, str]]:
    join = shop.model.tables.entity("shop.purchase").joins["partners"]
    found = shop.db.read_now(lambda reader: reader.rows(sa.select(join.c.record, join.c.target)))
    return {(record, target) for record, target in found}


def sound(shop: Shop) -> bool:
    return shop.db.read_now(lambda reader: checks.check_all(reader, shop.model)) == ()


def test_the_join_table_follows_every_save(shop: Shop) -> None:
    key, one, two = linked(shop)
    assert pairs(shop) == {(key, one), (key, two)}
    shop.apply(shop.change("update", "purchase", key, partners=(one,)))
    assert (shop.json("purchase", key)["partners"], pairs(shop)) == ([one], {(key, one)})
    shop.apply(shop.change("update", "purchase", key, partners=None))
    assert (shop.json("purchase", key)["partners"], pairs(shop)) == (None, set())
    assert sound(shop)


def test_an_id_that_leads_nowhere_is_refused_by_the_database(shop: Shop) -> None:
    key, one, _ = linked(shop)
    with pytest.raises(Refused) as refused:
        shop.apply(shop.change("update", "purchase", key, partners=(one, uid())))
    assert [(p.code, p.pointer) for p in refused.value.problems] == [("record.link_missing", "/partners")]


def test_records_made_in_the_same_go_may_be_linked_in_either_order(shop: Shop) -> None:
    shop.move(PARTNERS)
    account, key = uid(), uid()
    shop.apply(
        shop.change("create", "purchase", key, partners=(account,)),
        shop.change("create", "account", account, name="new"),
    )
    assert pairs(shop) == {(key, account)}


def test_deleted_records_leave_the_lists_that_held_them(shop: Shop) -> None:
    key, one, two = linked(shop)
    third = shop.create("account", name="three")
    shop.apply(shop.change("update", "purchase", key, partners=(two, third, one)))
    shop.apply(shop.change("delete", "account", one), shop.change("delete", "account", two))
    assert shop.json("purchase", key)["partners"] == [third]
    assert sound(shop)


def test_a_restricting_list_keeps_its_records_from_being_deleted(shop: Shop) -> None:
    key, one, _ = linked(shop, BOUND)
    with pytest.raises(Refused) as refused:
        shop.apply(shop.change("delete", "account", one))
    assert [p.code for p in refused.value.problems] == ["record.in_use"]
    shop.apply(shop.change("delete", "purchase", key))
    shop.apply(shop.change("delete", "account", one))
    with pytest.raises(Refused) as refused:
        shop.apply(shop.change("restore", "purchase", key))
    assert [(p.code, p.pointer) for p in refused.value.problems] == [("record.link_missing", "/partners")]


def test_a_restored_record_has_its_list_again_but_for_what_is_deleted(shop: Shop) -> None:
    key, one, two = linked(shop)
    shop.apply(shop.change("delete", "purchase", key))
    shop.apply(shop.change("restore", "purchase", key))
    assert shop.json("purchase", key)["partners"] == [two, one]
    shop.apply(shop.change("delete", "purchase", key))
    shop.apply(shop.change("delete", "account", two))
    shop.apply(shop.change("restore", "purchase", key))
    assert shop.json("purchase", key)["partners"] == [one]
    assert sound(shop)


def test_a_purge_takes_a_record_out_of_deleted_lists_too(shop: Shop) -> None:
    key, one, two = linked(shop)
    shop.apply(shop.change("delete", "purchase", key))
    shop.apply(shop.change("delete", "account", two))
    shop.apply(shop.change("purge", "account", two))
    assert (shop.json("purchase", key)["partners"], pairs(shop)) == ([one], {(key, one)})
    shop.apply(shop.change("purge", "purchase", key))
    assert pairs(shop) == set()
    assert sound(shop)


def test_a_field_left_out_is_archived_with_its_table_and_keeps_nobody_from_a_purge(shop: Shop) -> None:
    key, one, _ = linked(shop)
    table = shop.model.tables.entity("shop.purchase").joins["partners"].name
    shop.move(_with())
    assert shop.db.read_now(physical.read).has(table)
    shop.apply(shop.change("delete", "account", one))
    shop.apply(shop.change("purge", "account", one))
    shop.move(_with())
    assert not shop.db.read_now(physical.read).has(table)
    shop.move(PARTNERS)
    assert (shop.json("purchase", key)["partners"], pairs(shop)) == (None, set())
    assert sound(shop)


def test_a_link_that_becomes_a_list_brings_its_record_along(shop: Shop) -> None:
    shop.move(_with(partners={"x-kind": "link", "x-to": "account"}))
    one = shop.create("account", name="one")
    key, _ = shop.purchase(partners=one)
    shop.move(PARTNERS)
    assert (shop.json("purchase", key)["partners"], pairs(shop)) == ([one], {(key, one)})
    assert sound(shop)
