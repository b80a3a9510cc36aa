"""Options that depend on another choice: enforced wherever a record is written, told from nothing one may not see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from dacheng.metadata.checks.references import check_references
from dacheng.metadata.definition import Package
from dacheng.metadata.problem import Refused
from tests.runtime.services.test_write_record import get
from tests.runtime.services.workspace import KINDS, Workspace, model_of, open_workspace, packages

BUYER = "shop.buyer"
TIER = {
    "x-kind": "choice",
    "x-order": 200,
    "x-depends-on": "level",
    "x-options": {
        "start": {"order": 10},
        "plus": {"order": 20, "under": ["silver", "gold"]},
        "top": {"under": ["gold"]},
    },
}
PERKS = {**TIER, "x-kind": "multi_choice", "x-order": 210}


def with_fields(fields: Mapping[str, Any], role: Mapping[str, Any] | None = None) -> Package:
    """The shop with more fields of buyers, and what clerks may do with them."""
    shop = packages()[1]
    buyer = shop.items["entity", "buyer"]
    clerk = shop.items["role", "clerk"]
    given = {**clerk["entities"]["buyer"], **(role or {})}
    items = {
        **shop.items,
        ("entity", "buyer"): {**buyer, "properties": {**buyer["properties"], **fields}},
        ("role", "clerk"): {**clerk, "entities": {**clerk["entities"], "buyer": given}},
    }
    return replace(shop, items=items, hash="")


@pytest.fixture
def shop(sqlite_url: str) -> Iterator[Workspace]:
    """Buyers whose tier and perks depend on their level."""
    made = open_workspace(sqlite_url, model_of((packages()[0], with_fields({"tier": TIER, "perks": PERKS}))))
    yield made
    made.db.close()


def refused(
    shop: Workspace, buyer: str, values: Mapping[str, Any], who: str = "kim"
) -> list[tuple[str, str]]:
    with pytest.raises(Refused) as found:
        shop.update(who, BUYER, buyer, values)
    return [(each.code, each.pointer) for each in found.value.problems]


def test_an_option_is_taken_only_where_the_choice_above_offers_it(shop: Workspace) -> None:
    buyer = shop.create(
        "kim", BUYER, {"name": "A", "level": "silver", "tier": "plus", "perks": ["start", "plus"]}
    )
    assert refused(shop, buyer, {"tier": "top"}) == [("record.option_not_offered", "/tier")]
    assert refused(shop, buyer, {"perks": ["top"]}) == [("record.option_not_offered", "/perks")]
    shop.update("kim", BUYER, buyer, {"level": "gold", "tier": "top"})
    with pytest.raises(Refused) as found:
        shop.create("kim", BUYER, {"name": "B", "level": "bronze", "tier": "top"})
    assert "level" not in found.value.problems[0].message  # by its label, as everything people read


def test_a_choice_above_does_not_change_under_what_depends_on_it(shop: Workspace) -> None:
    buyer = shop.create("kim", BUYER, {"name": "A", "level": "gold", "tier": "top"})
    assert refused(shop, buyer, {"level": "silver"}) == [("record.option_not_offered", "/tier")]
    shop.update("kim", BUYER, buyer, {"level": "silver", "tier": "plus"})
    shop.update("kim", BUYER, buyer, {"level": None, "tier": "start"})
    assert get(shop, "kim", BUYER, buyer).values["tier"] == "start"


def test_what_was_saved_before_stays_until_the_choice_is_touched(shop: Workspace) -> None:
    buyer = shop.create("kim", BUYER, {"name": "A", "level": "gold", "tier": "top"})
    narrowed = {**TIER, "x-options": {**TIER["x-options"], "top": {"under": ["silver"]}}}  # type: ignore[dict-item]
    shop.model = model_of((packages()[0], with_fields({"tier": narrowed, "perks": PERKS})))
    shop.update("kim", BUYER, buyer, {"name": "B"})
    assert refused(shop, buyer, {"level": "bronze"}) == [("record.option_not_offered", "/tier")]


def test_a_row_of_an_import_is_held_to_it_but_history_is_taken_as_it_was(shop: Workspace) -> None:
    row = {"name": "A", "level": "silver", "tier": "top"}
    with pytest.raises(Refused):
        shop.save("kim", "create", BUYER, values=row, typed=True)
    shop.save("", "create", BUYER, values=row, typed=True, historic=True)


def test_t04_a_hidden_choice_above_tells_nothing_by_what_is_refused(sqlite_url: str) -> None:
    content = with_fields({"tier": TIER}, {"update": True, "fields": {"level": {"read": False}}})
    shop = open_workspace(sqlite_url, model_of((packages()[0], content)))
    for level in ("bronze", "gold"):
        buyer = shop.create("kim", BUYER, {"name": level, "level": level})
        shop.update("clara", BUYER, buyer, {"tier": "top"})
        assert get(shop, "kim", BUYER, buyer).values["tier"] == "top"
    shop.db.close()


@pytest.mark.parametrize(
    ("changed", "code", "pointer"),
    [
        ({"x-depends-on": "nothing"}, "definition.not_a_choice", "x-depends-on"),
        ({"x-depends-on": "name"}, "definition.not_a_choice", "x-depends-on"),
        ({"x-depends-on": "tier"}, "definition.not_a_choice", "x-depends-on"),
        ({"x-depends-on": None}, "definition.under_nothing", "x-options/plus/under"),
        ({"x-options": {"a": {"under": ["golden"]}}}, "definition.no_option", "x-options/a/under/0"),
    ],
)
def test_lint_names_what_an_option_cannot_stand_under(
    changed: Mapping[str, Any], code: str, pointer: str
) -> None:
    spec = {k: v for k, v in {**TIER, **changed}.items() if v is not None}
    core = model_of(packages()).catalogue.apps["core"]
    found = check_references(with_fields({"tier": spec}), KINDS, {"core": core})
    assert (code, f"/properties/tier/{pointer}") in [(each.code, each.pointer) for each in found]
