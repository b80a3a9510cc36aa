"""Every change class on a record with lines keeps all lines; a crash leaves wholly before or after."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dacheng.runtime.storage import checks, physical
from dacheng.runtime.storage.database import open_database
from dacheng.runtime.storage.schema_change import STEPS, Journal, apply, verify
from tests.runtime.storage.open_shop import Shop, cny
from tests.runtime.storage.shop import Items, shop_items

ROOT = Path(__file__).parents[3]
MOVING = Path(__file__).with_name("moving_process.py")


def _with(**changes: Any) -> Items:
    """The shop with some properties of a purchase changed (None: left out)."""
    items: dict[Any, Any] = copy.deepcopy(shop_items())
    properties = items["entity", "purchase"]["properties"]
    for name, spec in changes.items():
        if spec is None:
            del properties[name]
        else:
            properties[name] = {**properties.get(name, {"x-order": 50}), **spec}
    return items


CHANGES: dict[str, Items] = {
    "add_field": _with(budget={"x-kind": "money"}),
    "add_link": _with(partner={"x-kind": "link", "x-to": "account"}),
    "add_unique": _with(title={"x-unique": True}),
    "add_index": _with(title={"x-index": True}),
    "add_search": _with(stage={"x-search": False}, note={"x-kind": "text", "x-search": True}),
    "add_rollup": _with(
        smallest={"x-kind": "rollup", "x-of": "lines", "x-aggregate": "min", "x-field": "amount"}
    ),
    "retype_text_to_integer": _with(title={"x-kind": "integer", "x-search": False, "maxLength": None}),
    "drop_field": _with(closed_on=None),
}
CHANGES["drop_field"].pop(("list", "purchases"))
CHANGES["drop_field"]["measure", "won"] = {
    **CHANGES["drop_field"]["measure", "won"],
    "time_field": "created_at",
}
CHANGES["retype_text_to_integer"]["entity", "purchase"]["properties"]["title"].pop("maxLength")


@pytest.mark.parametrize("name", CHANGES)
def test_no_change_loses_a_line(shop: Shop, name: str) -> None:
    key, lines = shop.purchase(cny(1), cny(2), title="41")
    before = shop.json("purchase", key)
    shop.move(CHANGES[name])
    after = shop.json("purchase", key)
    assert shop.values("purchase_line", "id") == sorted(lines)
    assert after["total"] == before["total"]
    assert shop.db.read_now(lambda reader: checks.check_all(reader, shop.model)) == ()
    if name == "retype_text_to_integer":
        assert after["title"] == 41
    if name == "add_rollup":
        assert after["smallest"] == {"amount": "1.00", "currency": "CNY"}
    other, _ = shop.purchase(cny(3), title=42 if name.startswith("retype") else "other")
    assert shop.json("purchase", other)["total"]["amount"] == "3.00"


def test_a_retyped_field_keeps_what_could_not_be_read(shop: Shop) -> None:
    key, _ = shop.purchase(title="not a number")
    shop.move(CHANGES["retype_text_to_integer"])
    assert shop.json("purchase", key)["title"] is None
    columns = shop.db.read_now(physical.read).columns["shop_purchase"]
    assert [name for name in columns if name.startswith("_archived_") and name.endswith("_title")]


def test_what_is_left_out_is_archived_by_the_next_change_and_comes_back_empty(shop: Shop) -> None:
    key, _ = shop.purchase(title="x", stage="won", closed_on=date(2026, 3, 1))
    assert shop.json("purchase", key)["closed_on"] == "2026-03-01"
    shop.move(CHANGES["drop_field"])
    assert "closed_on" in shop.db.read_now(physical.read).columns["shop_purchase"]
    shop.move(CHANGES["add_field"] | {})
    assert shop.json("purchase", key)["closed_on"] is None
    shop.move(CHANGES["drop_field"])
    shop.move(CHANGES["drop_field"])
    columns = shop.db.read_now(physical.read).columns["shop_purchase"]
    assert "closed_on" not in columns
    assert any(name.endswith("_closed_on") for name in columns)
    assert shop.db.read_now(lambda reader: verify(reader, shop.model.tables)) == ()


def test_a_second_run_finds_nothing_to_do(shop: Shop) -> None:
    before = shop.db.read_now(physical.read)
    shop.db.write_now(lambda tx: apply(tx, [], None, shop.model.tables, Journal("again", 2)))
    assert shop.db.read_now(physical.read) == before


def test_a_failing_change_leaves_nothing_behind(shop: Shop) -> None:
    before = shop.db.read_now(physical.read)
    shop.purchase(title="same")
    shop.purchase(title="same")
    with pytest.raises(Exception, match=r"(?i)unique"):
        shop.move(CHANGES["add_unique"])
    assert shop.db.read_now(physical.read) == before


def test_an_entity_left_out_keeps_its_table_until_the_next_change(shop: Shop) -> None:
    shop.create("account", name="kept", rating=Decimal(1))
    items = {k: v for k, v in shop_items().items() if k not in {("list", "purchases"), ("measure", "won")}}
    for name in ("purchase", "purchase_line"):
        del items["entity", name]
    items["role", "seller"] = {"id": "seller", "entities": {"account": {"read": True}}}
    shop.move(items)
    assert shop.db.read_now(physical.read).has("shop_purchase")
    shop.move(items)
    now = shop.db.read_now(physical.read)
    assert not now.has("shop_purchase")
    assert any(table.endswith("_shop_purchase") for table in now.columns)
    shop.move(shop_items())
    assert shop.db.read_now(lambda reader: checks.check_all(reader, shop.model)) == ()


@pytest.mark.parametrize(
    "point", [*(f"schema.{step}" for step in STEPS), "schema.after", "storage.before_commit"]
)
def test_a_crash_at_a_named_step_leaves_all_as_before(shop: Shop, database_url: str, point: str) -> None:
    if shop.db.dialect == "postgresql" and point not in ("schema.retype", "schema.after"):
        pytest.skip("one transaction on the server; two points are enough")
    key, lines = shop.purchase(cny(1), cny(2), title="41")
    before = shop.db.read_now(physical.read)
    shop.db.close()
    process = subprocess.run(
        [sys.executable, str(MOVING), database_url], cwd=ROOT, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "DACHENG_CRASH_AT": point},
    )  # fmt: skip
    assert process.returncode == 137
    shop.db = open_database(database_url)
    assert shop.db.read_now(physical.read) == before
    assert shop.json("purchase", key)["title"] == "41"
    assert shop.values("purchase_line", "id") == sorted(lines)
    assert shop.db.read_now(lambda reader: checks.check_all(reader, shop.model)) == ()
