"""Parts of an address: a formula names the province, and lists and measures are grouped and filtered by it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import orjson
import pytest

from dacheng.runtime.services import group_records, measure, read_records
from dacheng.runtime.services.gate import Query
from dacheng.runtime.web.view.groups import groupable
from tests.runtime.services.workspace import Workspace, model_of, open_workspace, packages

ITEM = "shop.item"
PLACE = {"x-kind": "address", "x-order": 80}
PROVINCE: dict[str, Any] = {
    "x-kind": "formula", "x-order": 81, "x-result": "text", "x-expression": {"var": "place.province"},
}  # fmt: skip


@pytest.fixture
def shop(database_url: str) -> Any:
    core, base = packages()
    items = {key: item for key, item in base.items.items() if key[0] != "rule"}
    item = items["entity", "item"]
    items["entity", "item"] = {
        **item, "properties": {**item["properties"], "place": PLACE, "province": PROVINCE},
    }  # fmt: skip
    items["measure", "places"] = {
        "id": "places", "entity": "item", "aggregate": "count", "dimensions": {"province": {"path": "province"}},
    }  # fmt: skip
    made = open_workspace(database_url, model_of((core, replace(base, items=items, hash=""))))
    yield made
    made.db.close()


def test_lists_and_measures_are_grouped_by_the_province_of_an_address(shop: Workspace) -> None:
    lines = (
        "浙江省杭州市西湖区文三路1号",
        "浙江省宁波市海曙区中山西路2号",
        "北京市东城区长安街3号",
        "10 Downing Street",
        None,
    )
    made = [
        shop.create("", ITEM, {"name": f"N{at}", "price": "1", "place": line})
        for at, line in enumerate(lines)
    ]
    found = shop.read(partial(measure.run, work=shop.work(), ref="shop.places", dimension="province"))
    assert dict(zip(found.labels, found.values, strict=True)) == {"浙江省": 2, "北京市": 1, "—": 2}
    for label, link, count in zip(found.labels, found.links, found.values, strict=True):
        page = shop.read(
            partial(
                read_records.list_page, work=shop.work(), asked=Query(ITEM, ("name",), orjson.loads(link))
            )
        )
        assert len(page.ids) == count, label
    shop.update("", ITEM, made[3], {"place": {"province": "浙江省", "city": "杭州市", "street": "文二路"}})
    again = shop.read(partial(measure.run, work=shop.work(), ref="shop.places", dimension="province"))
    assert again.values[0] == 3
    work = shop.work()
    assert "province" in {each.id for each in groupable(work, work.entity(ITEM))}
    groups, more = shop.read(
        partial(group_records.groups, work=work, asked=Query(ITEM, ("name",)), by="province")
    )
    assert {(each.key, each.count) for each in groups} == {("浙江省", 3), ("北京市", 1), (None, 1)}
    assert not more
