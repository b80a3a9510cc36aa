"""Links and the recycle bin: nothing alive leads into it, whichever side moved first."""

from __future__ import annotations

import pytest

from dacheng.metadata.problem import Refused
from tests.runtime.storage.open_shop import Shop


def test_a_restored_record_lets_go_of_what_was_deleted_meanwhile(shop: Shop) -> None:
    above = shop.create("account", name="above")
    below = shop.create("account", name="below", parent_account=above)
    shop.apply(shop.change("delete", "account", below))
    shop.apply(shop.change("delete", "account", above))
    shop.apply(shop.change("restore", "account", below))
    assert shop.json("account", below)["parent_account"] is None
    assert shop.json("account", below)["version"] == 4


def test_a_restricting_link_to_what_is_deleted_keeps_a_record_in_the_bin(shop: Shop) -> None:
    account = shop.create("account", name="account")
    key, _ = shop.purchase(account=account)
    shop.apply(shop.change("delete", "purchase", key))
    shop.apply(shop.change("delete", "account", account))
    with pytest.raises(Refused) as refused:
        shop.apply(shop.change("restore", "purchase", key))
    assert [(each.code, each.pointer) for each in refused.value.problems] == [
        ("record.link_missing", "/account")
    ]
    shop.apply(shop.change("restore", "account", account), shop.change("restore", "purchase", key))
    assert shop.json("purchase", key)["account"] == account


def test_a_record_deleted_since_the_save_was_planned_is_not_linked_to(shop: Shop) -> None:
    account, other = shop.create("account", name="account"), shop.create("account", name="other")
    key, _ = shop.purchase(account=other)
    shop.apply(shop.change("delete", "account", account))
    for act in (lambda: shop.purchase(account=account), lambda: _relink(shop, key, account)):
        with pytest.raises(Refused) as refused:
            act()
        assert [(p.code, p.pointer) for p in refused.value.problems] == [("record.link_missing", "/account")]
    assert shop.values("purchase", "account") == [other]


def _relink(shop: Shop, key: str, account: str) -> None:
    shop.apply(shop.change("update", "purchase", key, account=account))
