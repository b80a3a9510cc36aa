"""A roll-up follows its source when that is retyped: what could not be read is in no figure any more."""

from __future__ import annotations

import copy
from typing import Any

from dacheng.runtime.storage import checks
from tests.runtime.storage.open_shop import Shop, cny
from tests.runtime.storage.shop import shop_items


def test_a_sum_over_a_retyped_field_is_reckoned_anew(shop: Shop) -> None:
    key, lines = shop.purchase(cny("1.25"), cny(2))
    items: dict[Any, Any] = copy.deepcopy(shop_items())
    items["entity", "purchase_line"]["properties"]["amount"] = {"x-kind": "money", "x-scale": 0, "x-order": 3}
    shop.move(items)
    assert shop.json("purchase_line", lines[0])["amount"] is None
    assert shop.json("purchase", key)["total"] == {"amount": "2", "currency": "CNY"}
    assert shop.db.read_now(lambda reader: checks.check_all(reader, shop.model)) == ()
