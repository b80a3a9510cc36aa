"""Check-ins: measured just now, stamped, measured against their target, and not brought along by files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dacheng.metadata.checks.references import check_references
from dacheng.metadata.definition import Package
from dacheng.metadata.problem import Refused
from dacheng.runtime.services import undo, write_record
from dacheng.runtime.services.place_record import plan_place
from dacheng.runtime.services.write_record import Write
from tests.runtime.services.test_write_record import get
from tests.runtime.services.workspace import KINDS, NOW, Workspace, model_of, open_workspace, packages

BUYER, ORDER = "shop.buyer", "shop.order"
SQUARE = {"lat": 31.230416, "lng": 121.473701, "accuracy": 12}
VISIT = {"x-kind": "checkin", "x-order": 300, "x-target": "buyer.place"}
OWN = {"==": [{"var": "owner"}, {"var": "$user.id"}]}


def with_visits(visit: Mapping[str, Any] = VISIT) -> Package:
    """The shop whose buyers have a place, and whose orders are checked in at; clerks see buyers of their own."""
    shop = packages()[1]
    buyer, order, clerk = (
        shop.items[key] for key in (("entity", "buyer"), ("entity", "order"), ("role", "clerk"))
    )
    place = {"x-kind": "geolocation", "x-order": 300}
    rights = {**clerk["entities"], "buyer": {**clerk["entities"]["buyer"], "read": OWN}}
    items = {
        **shop.items,
        ("entity", "buyer"): {**buyer, "properties": {**buyer["properties"], "place": place}},
        ("entity", "order"): {**order, "properties": {**order["properties"], "visit": dict(visit)}},
        ("role", "clerk"): {**clerk, "entities": rights},
    }
    return replace(shop, items=items, hash="")


@pytest.fixture
def shop(sqlite_url: str) -> Iterator[Workspace]:
    """The shop with visits."""
    made = open_workspace(sqlite_url, model_of((packages()[0], with_visits())))
    yield made
    made.db.close()


def at(seconds: int) -> str:
    """The moment so many seconds before now."""
    return (NOW - timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def check_in(shop: Workspace, visit: Mapping[str, Any], who: str = "clara", **more: Any) -> Any:
    order = shop.create(who, ORDER, {"number": f"V-{shop.ids()}", "visit": visit, **more})
    return get(shop, "kim", ORDER, order).json()["visit"]


def refused(shop: Workspace, visit: Mapping[str, Any], **more: Any) -> list[tuple[str, str]]:
    with pytest.raises(Refused) as found:
        shop.save("clara", "create", ORDER, values={"number": "V-0", "visit": visit}, **more)
    return [(each.code, each.pointer) for each in found.value.problems]


def test_a_position_measured_just_now_is_kept_with_the_system_it_came_in(shop: Workspace) -> None:
    kept = check_in(shop, {**SQUARE, "at": at(20), "system": "gcj02"})
    assert (kept["at"], kept["origin"], kept["accuracy"]) == (at(20), "gcj02", 12)
    assert (
        0.001 < abs(kept["lng"] - SQUARE["lng"]) < 0.01
    )  # some hundred metres further west, where satellites see it


@pytest.mark.parametrize("seconds", [301, 86_400, -61])
def test_a_position_of_another_time_is_stale(shop: Workspace, seconds: int) -> None:
    assert refused(shop, {**SQUARE, "at": at(seconds)}) == [("checkin.stale", "/visit")]


def test_a_position_cannot_be_typed_unless_the_field_says_so(shop: Workspace) -> None:
    assert refused(shop, SQUARE) == [("checkin.by_hand", "/visit")]
    shop.model = model_of((packages()[0], with_visits({**VISIT, "x-by-hand": True})))
    assert check_in(shop, SQUARE)["at"] == at(0)


def test_a_file_brings_no_check_ins_but_as_history(shop: Workspace) -> None:
    old = shop.model.catalogue.entities[ORDER].fields["visit"].codec.parse({**SQUARE, "at": at(99_999)})
    assert refused(shop, old, typed=True) == [("checkin.not_imported", "/visit")]
    values = {"number": "H-1", "visit": old}
    order = shop.save("", "create", ORDER, values=values, typed=True, historic=True).id
    assert get(shop, "kim", ORDER, order).json()["visit"]["at"] == at(99_999)


def test_a_saved_check_in_stays_when_the_record_is_saved_again_later(shop: Workspace) -> None:
    order = shop.create("clara", ORDER, {"number": "V-1", "visit": {**SQUARE, "at": at(5)}})
    kept = get(shop, "clara", ORDER, order).json()["visit"]
    shop.now += timedelta(days=1)
    shop.update("clara", ORDER, order, {"number": "V-2", "visit": kept})
    assert get(shop, "clara", ORDER, order).json()["visit"] == kept


def test_t06_the_way_to_the_target_is_told_only_to_who_may_see_the_target(shop: Workspace) -> None:
    place = {"lat": 31.231316, "lng": 121.473701}  # 100 m further north
    mine, other = (shop.create(who, BUYER, {"name": who, "place": place}) for who in ("clara", "cody"))
    visit = {**SQUARE, "at": at(5), "distance": 7}
    assert check_in(shop, visit, buyer=mine)["distance"] == 100
    assert check_in(shop, visit)["distance"] is None
    order = shop.create("kim", ORDER, {"number": "V-9", "buyer": other, "owner": shop.people["clara"]})
    shop.update("clara", ORDER, order, {"visit": visit})
    assert get(shop, "kim", ORDER, order).json()["visit"]["distance"] is None


def test_what_was_checked_in_before_comes_back_by_an_undo_alone(shop: Workspace) -> None:
    order = shop.create("clara", ORDER, {"number": "V-1", "visit": {**SQUARE, "at": at(5)}})
    first = get(shop, "clara", ORDER, order).json()["visit"]
    shop.now += timedelta(days=1)
    shop.update("clara", ORDER, order, {"visit": {**SQUARE, "at": at(5 - 86_400)}})
    with pytest.raises(Refused):
        shop.update("clara", ORDER, order, {"visit": first})
    back = Write("update", ORDER, order, {"visit": first})
    write_record.write_now(shop.db, shop.work("clara", cause=undo.UNDO), back)
    assert get(shop, "clara", ORDER, order).json()["visit"] == first


def test_a_check_in_is_not_dragged_to_another_day(shop: Workspace) -> None:
    order = shop.create("clara", ORDER, {"number": "V-1", "visit": {**SQUARE, "at": at(5)}})
    with pytest.raises(Refused) as found:
        shop.read(lambda r: plan_place(r, shop.work("clara"), ORDER, order, "visit", "2026-03-11", 1))
    assert [each.code for each in found.value.problems] == ["view.needs_field"]


@pytest.mark.parametrize("target", ["number", "buyer.name", "nowhere", "buyer"])
def test_lint_asks_for_a_place_as_the_target(target: str) -> None:
    core = model_of(packages()).catalogue.apps["core"]
    found = check_references(with_visits({**VISIT, "x-target": target}), KINDS, {"core": core})
    assert ("definition.not_a_place", "/properties/visit/x-target") in [
        (each.code, each.pointer) for each in found
    ]
