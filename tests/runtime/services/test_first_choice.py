"""What somebody chose first of several: a formula in the words of the choice, counted, drilled into and filtered by."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import orjson
import pytest

from dacheng.runtime.services import measure, read_records
from dacheng.runtime.services.gate import Query
from tests.runtime.services.workspace import Workspace, model_of, open_workspace, packages

ITEM = "shop.item"
FOCUS: dict[str, Any] = {
    "x-kind": "multi_choice",
    "x-order": 80,
    "x-ordered": True,
    "x-limit": 3,
    "x-options": {name: {"order": at} for at, name in enumerate(("price", "place", "service", "brand"))},
}
FIRST: dict[str, Any] = {
    "x-kind": "formula",
    "x-order": 81,
    "x-result": "text",
    "x-expression": {"first": [{"var": "focus"}]},
}
WORDS = {"price": "Price", "place": "Location", "service": "Service", "brand": "Brand"}


@pytest.fixture
def shop(database_url: str) -> Any:
    core, base = packages()
    items = {key: item for key, item in base.items.items() if key[0] != "rule"}
    item = items["entity", "item"]
    items["entity", "item"] = {**item, "properties": {**item["properties"], "focus": FOCUS, "first": FIRST}}
    items["measure", "first"] = {
        "id": "first", "entity": "item", "aggregate": "count", "dimensions": {"first": {"path": "first"}},
    }  # fmt: skip
    items["measure", "price_first"] = {
        "id": "price_first", "entity": "item", "aggregate": "count",
        "filter": {"==": [{"first": [{"var": "focus"}]}, "price"]},
    }  # fmt: skip
    texts = {f"option:item.focus.{name}": word for name, word in WORDS.items()}
    labels = {**base.labels, "en": {**base.labels["en"], **texts}}
    content = (core, replace(base, items=items, labels=labels, hash=""))
    made = open_workspace(database_url, model_of(content))
    yield made
    made.db.close()


def names(shop: Workspace, filter: Any) -> set[str]:  # noqa: A002 - the request's own word
    asked = Query(ITEM, ("name",), filter)
    page = shop.read(partial(read_records.list_page, work=shop.work(), asked=asked))
    return {each["name"] for each in page.json()}


def test_the_first_of_ordered_choices_is_counted_in_its_words_and_leads_to_its_records(
    shop: Workspace,
) -> None:
    chosen = {
        "A": ["price", "place"], "B": ["place", "price"], "C": ["price"], "D": None, "E": ["price", "brand"],
    }  # fmt: skip
    made = {
        name: shop.create("", ITEM, {"name": name, "price": "1", "focus": each})
        for name, each in chosen.items()
    }
    found = shop.read(partial(measure.run, work=shop.work(), ref="shop.first", dimension="first"))
    assert dict(zip(found.labels, found.values, strict=True)) == {"Price": 3, "Location": 1, "—": 1}
    links = dict(zip(found.labels, found.links, strict=True))
    assert names(shop, orjson.loads(links["Price"])) == {"A", "C", "E"}
    assert names(shop, orjson.loads(links["—"])) == {"D"}
    shop.update("", ITEM, made["B"], {"focus": ["service", "place", "price"]})
    assert names(shop, {"==": [{"var": "first"}, "service"]}) == {"B"}
    whole = shop.read(partial(measure.run, work=shop.work(), ref="shop.price_first"))
    assert whole.values == (3,)
    assert names(shop, {"==": [{"first": [{"var": "focus"}]}, "price"]}) == {"A", "C", "E"}
