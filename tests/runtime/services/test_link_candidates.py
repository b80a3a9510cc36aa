"""Links that lead only to what goes with the rest of the record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from dacheng.metadata.compile import compile_catalogue
from dacheng.metadata.definition import Package
from dacheng.metadata.problem import Refused
from dacheng.runtime.services import link_candidates, read_records
from tests.runtime.services.workspace import KINDS, Workspace, model_of, open_workspace, packages

BUYER, ORDER = "shop.buyer", "shop.order"
OF_BUYER = {"==": [{"var": "buyer"}, {"var": "$record.buyer"}]}
FORMER = {"x-kind": "link", "x-to": "order", "x-order": 400, "x-candidates": OF_BUYER}
OTHERS = {**FORMER, "x-kind": "links", "x-order": 410}


def with_fields(fields: Mapping[str, Any], hidden: str = "") -> Package:
    """The shop with more fields of orders; clerks see every order, and not the field `hidden`."""
    shop = packages()[1]
    order, clerk = shop.items["entity", "order"], shop.items["role", "clerk"]
    given = {**clerk["entities"]["order"], "read": True, "update": True}
    given["fields"] = {**given["fields"], **({hidden: {"read": False}} if hidden else {})}
    items = {
        **shop.items,
        ("entity", "order"): {**order, "properties": {**order["properties"], **fields}},
        ("role", "clerk"): {**clerk, "entities": {**clerk["entities"], "order": given}},
    }
    return replace(shop, items=items, hash="")


@pytest.fixture
def shop(database_url: str) -> Iterator[Workspace]:
    """Orders that name former orders, of the same buyer alone."""
    made = open_workspace(
        database_url, model_of((packages()[0], with_fields({"former": FORMER, "others": OTHERS})))
    )
    yield made
    made.db.close()


@pytest.fixture
def orders(shop: Workspace) -> tuple[str, str, str, str]:
    """Two buyers with an order each: (buyer, order, buyer, order)."""
    found: list[str] = []
    for name in ("Acme", "Umbra"):
        found.append(shop.create("kim", BUYER, {"name": name}))
        found.append(shop.create("kim", ORDER, {"number": f"{name}-1", "buyer": found[-1]}))
    return found[0], found[1], found[2], found[3]


def refused(
    shop: Workspace, order: str, values: Mapping[str, Any], who: str = "kim"
) -> list[tuple[str, str]]:
    with pytest.raises(Refused) as found:
        shop.update(who, ORDER, order, values)
    return [(each.code, each.pointer) for each in found.value.problems]


def test_a_link_leads_only_to_what_fits(shop: Workspace, orders: tuple[str, str, str, str]) -> None:
    acme, first, umbra, other = orders
    order = shop.create("kim", ORDER, {"number": "A-2", "buyer": acme, "former": first, "others": [first]})
    assert refused(shop, order, {"former": other}) == [("record.link_not_offered", "/former")]
    assert refused(shop, order, {"others": [first, other]}) == [("record.link_not_offered", "/others")]
    assert refused(shop, order, {"buyer": umbra}) == [
        ("record.link_not_offered", "/former"),
        ("record.link_not_offered", "/others"),
    ]
    shop.update("kim", ORDER, order, {"buyer": umbra, "former": other, "others": None})
    shop.update("kim", ORDER, order, {"buyer": None, "former": first})  # nothing chosen narrows nothing


def test_a_pick_list_offers_what_fits(shop: Workspace, orders: tuple[str, str, str, str]) -> None:
    acme, first, _, other = orders
    work = shop.work("clara")

    def offered(asked: str, given: Mapping[str, str]) -> set[str]:
        wanted = link_candidates.filter_for(work, ORDER, asked, given)
        return {key for key, _ in shop.read(lambda r: read_records.pick_list(r, work, ORDER, wanted=wanted))}

    assert offered("shop.order.former", {"buyer": acme}) == {first}
    assert offered("shop.order.former", {"buyer": ""}) == {first, other}
    assert offered("shop.order.misspelt", {"buyer": acme}) == {first, other}


def test_t04_what_is_hidden_narrows_nothing_and_is_named_nowhere(sqlite_url: str) -> None:
    content = with_fields({"former": FORMER}, hidden="buyer")
    shop = open_workspace(sqlite_url, model_of((packages()[0], content)))
    buyers = [shop.create("kim", BUYER, {"name": name}) for name in ("Acme", "Umbra")]
    first, second = (shop.create("kim", ORDER, {"number": b, "buyer": b}) for b in buyers)
    shop.update("clara", ORDER, first, {"former": second})
    work = shop.work("clara")
    assert link_candidates.filter_for(work, ORDER, "shop.order.former", {"buyer": buyers[0]}) is None
    policy = work.policy.entity(ORDER)
    assert policy is not None
    assert "x-candidates" not in policy.readable["former"].spec
    shop.db.close()


@pytest.mark.parametrize(
    "condition",
    [
        {"==": [{"var": "buyer"}, {"var": "$record.misspelt"}]},
        {"==": [{"var": "buyer"}, {"var": "$record.total"}]},
        {"==": [{"var": "misspelt"}, {"var": "$record.buyer"}]},
        {"cat": [{"var": "number"}, "x"]},
    ],
)
def test_a_condition_that_cannot_be_asked_is_refused(condition: Mapping[str, Any]) -> None:
    content = with_fields({"former": {**FORMER, "x-candidates": condition}})
    with pytest.raises(Refused) as refused:
        compile_catalogue((packages()[0], content), KINDS)
    assert {each.pointer.split("/x-candidates")[0] for each in refused.value.problems} == {
        "/properties/former"
    }
