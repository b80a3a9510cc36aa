"""Writing records: lines, roll-ups, change log, policies, versions."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from dacheng.metadata.field_kinds.money import Money
from dacheng.metadata.problem import Refused
from dacheng.runtime.storage import change_log, checks, records
from dacheng.runtime.storage.change_log import Stamp
from tests.runtime.storage.open_shop import STAMP, Shop, cny
from tests.runtime.storage.shop import uid


def _refused(shop: Shop, *changes: records.RecordChange) -> tuple[str, str]:
    with pytest.raises(Refused) as caught:
        shop.apply(*changes)
    return caught.value.problems[0].code, caught.value.problems[0].pointer


def _sound(shop: Shop) -> bool:
    return shop.db.read_now(lambda reader: checks.check_all(reader, shop.model)) == ()


def test_a_new_record_holds_what_was_given_and_its_stamp(shop: Shop) -> None:
    key = shop.create("account", name="上海大成", code="A-1", rating=Decimal("1.2345"))
    found = shop.json("account", key)
    assert (found["name"], found["code"], found["rating"], found["version"]) == (
        "上海大成",
        "A-1",
        "1.2345",
        1,
    )
    assert (found["created_by"], found["created_at"]) == (STAMP.actor_id, "1970-01-01T00:00:01.000Z")


def test_system_fields_given_win_over_the_stamp(shop: Shop) -> None:
    key = shop.create("account", name="old", created_at=None, created_by="history")
    assert shop.json("account", key)["created_at"] is None
    assert shop.json("account", key)["created_by"] == "history"


def test_rollups_follow_every_change_of_their_lines(shop: Shop) -> None:
    key, lines = shop.purchase(cny(100), cny("50.50"), title="deal")

    def total() -> dict[str, Any]:
        return {
            name: shop.json("purchase", key)[name] for name in ("line_count", "total", "largest", "pieces")
        }

    assert total() == {
        "line_count": 2,
        "total": {"amount": "150.50", "currency": "CNY"},
        "largest": {"amount": "100.00", "currency": "CNY"},
        "pieces": 2,
    }
    shop.apply(shop.change("update", "purchase_line", lines[0], amount=cny(10), quantity=5))
    assert total()["total"]["amount"] == "60.50"
    assert total()["largest"]["amount"] == "50.50"
    assert total()["pieces"] == 6
    shop.apply(shop.change("delete", "purchase_line", lines[1]))
    assert (total()["line_count"], total()["total"]["amount"]) == (1, "10.00")
    shop.apply(shop.change("restore", "purchase_line", lines[1]))
    assert (total()["line_count"], total()["total"]["amount"]) == (2, "60.50")
    assert shop.json("purchase", key)["version"] == 1
    assert _sound(shop)


def test_a_line_that_moves_counts_at_its_new_record(shop: Shop) -> None:
    first, lines = shop.purchase(cny(100), title="one")
    second, _ = shop.purchase(title="two")
    shop.apply(shop.change("update", "purchase_line", lines[0], purchase=second))
    assert shop.json("purchase", first)["total"]["amount"] == "0.00"
    assert shop.json("purchase", second)["total"]["amount"] == "100.00"
    assert _sound(shop)


def test_mixed_currencies_are_never_summed(shop: Shop) -> None:
    key, lines = shop.purchase(Money(Decimal(7), "USD"), title="abroad")
    assert shop.json("purchase", key)["total"] == {"amount": "7.00", "currency": "USD"}
    more = uid()
    shop.apply(shop.change("create", "purchase_line", more, purchase=key, amount=cny(1)))
    assert shop.json("purchase", key)["total"] is None
    shop.apply(shop.change("delete", "purchase_line", lines[0]))
    assert shop.json("purchase", key)["total"] == {"amount": "1.00", "currency": "CNY"}
    assert _sound(shop)


def test_the_change_log_says_what_moved_and_nothing_else(shop: Shop) -> None:
    key = shop.create("account", name="before", code="C")
    stamp = Stamp("robot", 2_000, "rule", "r1", "someone", ("shop.rule",))
    shop.apply(shop.change("update", "account", key, name="after", code="C"), stamp=stamp)
    shop.apply(shop.change("delete", "account", key))
    ref = shop.entity("account").ref
    deleted, updated, created = shop.db.read_now(lambda reader: change_log.read(reader, ref, key))
    assert (created.action, created.changes) == ("create", {})
    assert (updated.action, updated.changes) == ("update", {"name": ["before", "after"]})
    assert (updated.actor, updated.cause_kind, updated.cause_id, updated.person, updated.chain, updated.at) == (
        "robot", "rule", "r1", "someone", ("shop.rule",), 2_000,
    )  # fmt: skip
    assert deleted.changes["name"] == ["after", None]
    assert deleted.changes["version"] == [2, None]


def test_lines_are_logged_under_their_record_and_a_cause_is_shared(shop: Shop) -> None:
    key, lines = uid(), [uid(), uid()]
    stamp = Stamp("me", 5, "import", "run-1")
    shop.apply(
        shop.change("create", "purchase", key, title="x"),
        *[shop.change("create", "purchase_line", line, purchase=key) for line in lines],
        stamp=stamp,
    )
    of_lines = shop.db.read_now(lambda reader: change_log.read_lines(reader, key))
    together = shop.db.read_now(lambda reader: change_log.read_cause(reader, "run-1"))
    assert {row.record for row in of_lines} == set(lines)
    assert [row.record for row in together] == [key, *lines]


def test_an_update_that_changes_nothing_leaves_no_trace(shop: Shop) -> None:
    key = shop.create("account", name="same")
    (applied,) = shop.apply(shop.change("update", "account", key, 1, name="same"))
    assert (applied.version, applied.changed) == (1, ())
    touched = records.RecordChange("update", shop.entity("account"), key, {}, 1, touch=True)
    assert shop.apply(touched)[0].version == 2


def test_a_version_that_moved_is_refused_and_nothing_is_written(shop: Shop) -> None:
    key = shop.create("account", name="one")
    shop.apply(shop.change("update", "account", key, 1, name="two"))
    other = shop.change("create", "account", uid(), name="beside")
    assert (
        _refused(shop, other, shop.change("update", "account", key, 1, name="three"))[0]
        == "record.version_moved"
    )
    assert shop.json("account", key)["name"] == "two"
    assert shop.values("account", "name") == ["two"]


def test_unique_values_count_among_the_living(shop: Shop) -> None:
    key = shop.create("account", code="X")
    again = shop.change("create", "account", uid(), code="X")
    assert _refused(shop, again) == ("record.duplicate", "/code")
    shop.apply(shop.change("delete", "account", key), again)
    assert _refused(shop, shop.change("restore", "account", key)) == ("record.duplicate", "/code")


def test_a_link_to_nothing_names_its_field(shop: Shop) -> None:
    assert _refused(shop, shop.change("create", "purchase", uid(), account=uid())) == (
        "record.link_missing",
        "/account",
    )


def test_records_may_link_to_one_made_later_in_the_same_go(shop: Shop) -> None:
    first, second = uid(), uid()
    shop.apply(
        shop.change("create", "account", first, name="a", parent_account=second),
        shop.change("create", "account", second, name="b", parent_account=first),
    )
    assert shop.json("account", first)["parent_account"] == second
    assert shop.json("account", second)["parent_account"] == first


def test_a_restricting_link_keeps_its_target(shop: Shop) -> None:
    account = shop.create("account", name="kept")
    key, _ = shop.purchase(title="deal", account=account)
    assert _refused(shop, shop.change("delete", "account", account))[0] == "record.in_use"
    shop.apply(shop.change("delete", "account", account), shop.change("delete", "purchase", key))
    assert shop.values("account", "name") == []


def test_a_clearing_link_is_cleared_and_logged(shop: Shop) -> None:
    parent = shop.create("account", name="group")
    child = shop.create("account", name="branch", parent_account=parent)
    shop.apply(shop.change("delete", "account", parent))
    assert shop.json("account", child)["parent_account"] is None
    ref = shop.entity("account").ref
    entry = shop.db.read_now(lambda reader: change_log.read(reader, ref, child))[0]
    assert entry.changes == {"parent_account": [parent, None]}


def test_lines_share_the_fate_of_their_record(shop: Shop) -> None:
    key, lines = shop.purchase(cny(1), cny(2), title="deal", closed_on=date(2026, 1, 1))
    shop.apply(shop.change("delete", "purchase_line", lines[0]), stamp=Stamp("me", 500))
    shop.apply(shop.change("delete", "purchase", key), stamp=Stamp("me", 600))
    assert shop.values("purchase_line", "id") == []
    shop.apply(shop.change("restore", "purchase", key))
    assert shop.values("purchase_line", "id") == [lines[1]]
    assert shop.json("purchase", key)["line_count"] == 1
    assert _sound(shop)
    shop.apply(shop.change("delete", "purchase", key))
    shop.apply(shop.change("purge", "purchase", key))
    assert shop.get("purchase", key) is None
    assert shop.get("purchase_line", lines[0]) is None
    assert _sound(shop)


def test_only_what_is_in_the_recycle_bin_can_be_purged(shop: Shop) -> None:
    key = shop.create("account", name="alive")
    assert _refused(shop, shop.change("purge", "account", key))[0] == "record.not_deleted"
    assert _refused(shop, shop.change("restore", "account", key))[0] == "record.not_deleted"
    assert _refused(shop, shop.change("update", "account", uid(), name="x"))[0] == "record.missing"
    assert _refused(shop, shop.change("update", "purchase", key, title="x"))[0] == "record.missing"
