"""Layers at their edges: upgrades touch one property at a time, tables of ids are never replaced, own things may go."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from dacheng.metadata.definition import Package
from dacheng.metadata.layers import ADOPTED, CONFLICT, KEPT, PARKED, fold, merge
from tests.metadata.test_layers import KINDS, SHOP, layer, op


def upgraded(change: Callable[[Any], object]) -> Package:
    """The next version of the shop."""
    items: dict[Any, Any] = copy.deepcopy(dict(SHOP.items))
    change(items)
    return replace(SHOP, items=items, hash="")


def note(items: Any) -> Any:
    return items["entity", "buyer"]["properties"]["note"]


HIDE = op("hide", "entity", "buyer", "properties/note")
MOVE = op("move", "form", "buyer", "sections/basic/fields/note")
FIELDS = "sections/basic/fields"


def in_form(items: Any) -> Any:
    return items["form", "buyer"]["sections"]["basic"]["fields"]


@pytest.mark.parametrize(
    ("operation", "change", "outcome"),
    [
        (HIDE, lambda items: note(items).update(maxLength=33), KEPT),
        (HIDE, lambda items: note(items).update({"x-hidden": True}), ADOPTED),
        (HIDE, lambda items: items["entity", "buyer"]["properties"].pop("note"), ADOPTED),
        (MOVE, lambda items: in_form(items).update(extra={"order": 99}), KEPT),
        (MOVE, lambda items: in_form(items)["note"].update(order=15), CONFLICT),
        (MOVE, lambda items: in_form(items).pop("note"), PARKED),
    ],
)
def test_an_upgrade_meets_hiding_and_moving_property_by_property(
    operation: Any, change: Callable[[Any], object], outcome: str
) -> None:
    new = upgraded(change)
    merged = merge(SHOP, new, layer(operation), KINDS)
    assert [one.kind for one in merged.outcomes if one.operation] == [outcome]
    again = fold(new, [merged.layer], KINDS).outcomes
    assert [one.kind for one in again] == ([outcome] if outcome in (CONFLICT, PARKED) else [])


def test_a_second_change_of_the_same_property_stands_on_the_first() -> None:
    first = op("set", "entity", "buyer", "properties/name/maxLength", 60)
    second = op("set", "entity", "buyer", "properties/name/maxLength", 70, base=60)
    unchanged = merge(SHOP, SHOP, layer(first, second), KINDS)
    assert [one.kind for one in unchanged.outcomes if one.operation] == [KEPT, KEPT]
    assert fold(SHOP, [unchanged.layer], KINDS).outcomes == ()
    new = upgraded(lambda items: items["entity", "buyer"]["properties"]["name"].update(maxLength=50))
    conflicts = [
        one for one in merge(SHOP, new, layer(first, second), KINDS).outcomes if one.kind == CONFLICT
    ]
    assert len(conflicts) == 1


@pytest.mark.parametrize(
    ("kind", "item", "path", "value"),
    [
        ("entity", "buyer", "properties", {}),
        ("entity", "buyer", "properties", None),
        ("entity", "buyer", "properties/note", {"x-kind": "text"}),
        ("entity", "buyer", "properties/note", None),
        ("entity", "buyer", "properties/level/x-options", {}),
        ("form", "buyer", "sections", {}),
        ("form", "buyer", "sections/basic", "x"),
        ("form", "buyer", FIELDS, {"x_new": {"order": 1}}),
        ("list", "orders", "columns", {}),
        ("workflow", "order_state", "transitions", {}),
        ("app", "shop", "navigation", {}),
    ],
)
def test_entries_come_and_go_one_by_one(kind: str, item: str, path: str, value: Any) -> None:
    folded = fold(SHOP, [layer(op("set", kind, item, path, value))], KINDS)
    assert [one.kind for one in folded.outcomes] == [PARKED]
    assert folded.package.items == SHOP.items
    assert folded.package.manifest == SHOP.manifest


def test_a_layer_takes_back_what_it_added() -> None:
    add = op("add", "entity", "buyer", "properties/x_plate", {"x-kind": "text", "x-order": 25})
    remove = op("remove", "entity", "buyer", "properties/x_plate", base={"x-kind": "text", "x-order": 25})
    folded = fold(SHOP, [layer(add, remove)], KINDS)
    assert folded.outcomes == ()
    assert "x_plate" not in folded.package.items["entity", "buyer"]["properties"]
    (kept,) = fold(SHOP, [layer(add), layer(remove, owner="x")], KINDS).outcomes
    assert (kept.kind, kept.reason) == (PARKED, "locked")


@pytest.mark.parametrize("name", ["123", "plate", "٣"])
def test_ids_made_in_a_layer_carry_its_prefix(name: str) -> None:
    made = op("add", "entity", "buyer", f"properties/{name}", {"x-kind": "text", "x-order": 25})
    (outcome,) = fold(SHOP, [layer(made)], KINDS).outcomes
    assert (outcome.kind, outcome.reason, outcome.theirs) == (PARKED, "foreign_id", None)


LENGTH = "properties/note/maxLength"


@pytest.mark.parametrize(
    ("gone", "operation"),
    [
        (
            lambda items: items["entity", "buyer"]["properties"].pop("note"),
            op("set", "entity", "buyer", LENGTH, 9),
        ),
        (lambda items: note(items).pop("maxLength"), op("set", "entity", "buyer", LENGTH, 9)),
        (lambda items: in_form(items).pop("note"), MOVE),
        (lambda items: items.pop(("list", "unpaid")), op("set", "list", "unpaid", "page_size", 7)),
    ],
)
def test_what_is_parked_has_no_effect_and_lives_again_when_its_place_comes_back(
    gone: Callable[[Any], object], operation: Any
) -> None:
    without = upgraded(gone)
    parked = merge(SHOP, without, layer(operation), KINDS)
    assert [one.kind for one in parked.outcomes if one.operation] == [PARKED]
    folded = fold(without, [parked.layer], KINDS)
    assert folded.package.items == without.items
    assert [(one.kind, one.reason) for one in folded.outcomes] == [(PARKED, "removed")]
    still = merge(without, without, parked.layer, KINDS)
    assert still.layer == parked.layer
    back = merge(without, SHOP, still.layer, KINDS)
    assert [one.kind for one in back.outcomes if one.operation] == [KEPT]
    assert fold(SHOP, [back.layer], KINDS).package == fold(SHOP, [layer(operation)], KINDS).package
