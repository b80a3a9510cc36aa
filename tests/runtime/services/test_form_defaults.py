"""Defaults that look at other values: decided once the others are known, and never over what was sent."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from dacheng.runtime.services import read_records
from tests.runtime.services.workspace import Workspace, model_of, open_workspace, packages

ORDER = "shop.order"
DEFAULTS: dict[str, Any] = {
    "bonus": {"if": [{"starts_with": [{"var": "number"}, "B"]}, {"*": [{"var": "line_count"}, 2]}, 1]},
    "reason": {"if": [{">": [{"var": "bonus"}, 3]}, "large", {"cat": [{"var": "buyer.level"}, "!"]}]},
}


@pytest.fixture
def shop(database_url: str) -> Any:
    core, base = packages()
    items = {key: item for key, item in base.items.items() if key[0] != "rule"}
    form = items["form", "order"]
    fields = {**form["sections"]["basic"]["fields"]}
    fields |= {name: {"order": at, "default": each} for at, (name, each) in enumerate(DEFAULTS.items(), 80)}
    sections = {**form["sections"], "basic": {**form["sections"]["basic"], "fields": fields}}
    items["form", "order"] = {**form, "sections": sections}
    made = open_workspace(database_url, model_of((core, replace(base, items=items, hash=""))))
    yield made
    made.db.close()


def created(shop: Workspace, **values: Any) -> dict[str, Any]:
    key = shop.create("", ORDER, values)
    return shop.read(partial(read_records.get, work=shop.work(), ref=ORDER, record_id=key)).json()


def test_a_default_follows_another_default_and_the_lines(shop: Workspace) -> None:
    item = shop.create("", "shop.item", {"name": "Lamp"})
    lines = [{"item": item, "quantity": each, "amount": "5"} for each in (1, 2)]
    big = created(shop, number="B1", lines=lines)
    assert (big["bonus"], big["reason"]) == ("4.00", "large")
    small = created(shop, number="2", lines=lines)
    assert (small["bonus"], small["reason"]) == ("1.00", "!")


def test_a_default_follows_the_record_a_link_leads_to(shop: Workspace) -> None:
    buyer = shop.create("", "shop.buyer", {"name": "Ann", "level": "gold"})
    assert created(shop, number="1", buyer=buyer)["reason"] == "gold!"


def test_what_was_sent_stays_and_others_follow_it(shop: Workspace) -> None:
    sent = created(shop, number="B1", bonus="9")
    assert (sent["bonus"], sent["reason"]) == ("9.00", "large")
    empty = created(shop, number="2", bonus=None, reason="")
    assert (empty["bonus"], empty["reason"]) == (None, None)
