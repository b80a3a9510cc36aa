"""What is found by words and what records are compared by follow their fields: retyped, or numbered for the first time."""

from __future__ import annotations

import copy
from typing import Any

import sqlalchemy as sa

from dacheng.runtime.storage import checks
from dacheng.runtime.storage.query import Condition
from dacheng.runtime.storage.system_tables import match_key
from tests.runtime.storage.open_shop import Shop
from tests.runtime.storage.shop import shop_items


def test_words_of_a_retyped_field_are_entered_anew(shop: Shop) -> None:
    shop.create("account", name="Acme", code="1e3")
    assert shop.values("account", "name", Condition(search="1e3")) == ["Acme"]
    items: dict[Any, Any] = copy.deepcopy(shop_items())
    items["entity", "account"]["properties"]["code"] = {
        "x-kind": "choice",
        "x-options": {"x": {}},
        "x-order": 2,
        "x-search": True,
    }
    shop.move(items)
    assert shop.values("account", "name", Condition(search="1e3")) == []
    assert shop.db.read_now(lambda reader: checks.check_all(reader, shop.model)) == ()


def test_numbers_given_to_records_that_were_there_are_found_by_words(shop: Shop) -> None:
    shop.create("account", name="Acme")
    items: dict[Any, Any] = copy.deepcopy(shop_items())
    items["entity", "account"]["properties"]["number"] = {
        "x-kind": "autonumber",
        "x-order": 9,
        "x-search": True,
    }
    shop.move(items)
    (number,) = shop.values("account", "number")
    assert shop.values("account", "name", Condition(search=number)) == ["Acme"]
    assert shop.db.read_now(lambda reader: checks.check_all(reader, shop.model)) == ()


def test_what_records_are_compared_by_follows_a_field_of_another_kind(shop: Shop) -> None:
    items: dict[Any, Any] = copy.deepcopy(shop_items())
    keys = {"code": {"field": "code", "compare": "text"}}
    items["match", "same"] = {"id": "same", "entity": "account", "keys": keys, "on_match": "warn"}
    shop.move(items)
    shop.create("account", name="Acme", code="007")
    items = copy.deepcopy(items)
    items["entity", "account"]["properties"]["code"] = {"x-kind": "integer", "x-order": 2}
    shop.move(items)
    assert shop.db.read_now(lambda reader: checks.check_all(reader, shop.model)) == ()
    model, table = shop.model, match_key
    shop.db.write_now(lambda tx: tx.execute(sa.update(table).values(value="else")))
    assert len(shop.db.read_now(lambda reader: checks.check_all(reader, model))) == 1
    shop.db.write_now(lambda tx: checks.repair(tx, model, 0))
    assert shop.db.read_now(lambda reader: checks.check_all(reader, model)) == ()
