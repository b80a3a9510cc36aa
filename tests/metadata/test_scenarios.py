"""A scenario that names what is not there is refused, each mistake with its place."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from dacheng.metadata.builtin import part
from dacheng.metadata.definition import Package
from dacheng.metadata.kinds import Kinds
from dacheng.metadata.lint import is_warning, lint
from dacheng.metadata.package import read_files, read_folder, to_files
from dacheng.runtime.bundled import bundled_packages

KINDS = Kinds.of([part()])
CORE = read_folder(bundled_packages() / "apps" / "core", KINDS)
SHOP = {
    "app.json": {"id": "shop", "version": "1.0.0", "requires": {"core": "1.0.0"}, "locales": ["en"]},
    "entities/item.json": {
        "id": "item", "type": "object", "x-title": "name",
        "properties": {
            "name": {"x-kind": "text", "x-required": True},
            "tone": {"x-kind": "choice", "x-options": {"red": {}, "blue": {}}},
            "state": {"x-kind": "choice", "x-options": {"new": {}, "sold": {}}},
            "like": {"x-kind": "link", "x-to": "item"},
        },
    },
    "workflows/sale.json": {
        "id": "sale", "entity": "item", "field": "state", "initial": "new",
        "states": {"new": {}, "sold": {}}, "transitions": {"sell": {"from": ["new"], "to": "sold"}},
    },
    "roles/clerk.json": {"id": "clerk", "entities": {"item": {"read": True, "create": True}}},
    "labels/en.json": {"labels": {
        "app": "Shop", "entity:item": "Item", "field:item.name": "Name", "field:item.tone": "Tone",
        "option:item.tone.red": "Red", "option:item.tone.blue": "Blue", "field:item.state": "State",
        "option:item.state.new": "New", "option:item.state.sold": "Sold", "field:item.like": "Like",
        "workflow:sale": "Sale", "transition:sale.sell": "Sell", "role:clerk": "Clerk",
    }},
}  # fmt: skip
FIRM: dict[str, Any] = {
    "id": "firm",
    "departments": {"hq": {"name": "HQ"}},
    "people": {"ann": {"name": "Ann", "department": "hq", "roles": ["clerk"], "teams": ["all"]}},
    "words": {"first": ["One", "Two"]},
    "records": {
        "item": {
            "entity": "item",
            "by": "team:all",
            "values": {"name": {"text": "{first} {no}"}, "tone": {"pick": {"red": 2, "blue": 1}}},
            "flow": [{"after": {"days": [1, 2]}, "move": "sell"}],
        }
    },
    "populations": {"items": {"record": "item", "count": 3}},
}


def package(firm: Mapping[str, Any]) -> Package:
    files = {name: json.dumps(body).encode() for name, body in {**SHOP, "scenarios/firm.json": firm}.items()}
    return read_files(files, KINDS)


def wrong(firm: Mapping[str, Any]) -> set[tuple[str, str]]:
    found = lint(package(firm), KINDS, {"core": CORE})
    return {(each.code, each.pointer) for each in found if not is_warning(each) or each.code == "lint.unused"}


def changed(path: str, value: Any) -> dict[str, Any]:
    firm: dict[str, Any] = json.loads(json.dumps(FIRM))
    *steps, last = path.split("/")
    at: Any = firm
    for step in steps:
        at = at[int(step)] if isinstance(at, list) else at[step]
    at[int(last) if isinstance(at, list) else last] = value
    return firm


def test_scenario_in_order_is_accepted_and_written_back_as_it_was() -> None:
    assert wrong(FIRM) == set()
    assert json.loads(to_files(package(FIRM), KINDS)["scenarios/firm.json"]) == FIRM


@pytest.mark.parametrize(
    ("path", "value", "code", "pointer"),
    [
        ("records/item/entity", "thing", "definition.no_entity", "/records/item/entity"),
        ("records/item/values/size", 3, "definition.no_field", "/records/item/values/size"),
        ("records/item/values/tone", "green", "definition.no_option", "/records/item/values/tone"),
        ("records/item/values/tone/pick", {"green": 1}, "definition.no_option", "/records/item/values/tone/pick"),
        ("records/item/values", {"tone": "red"}, "definition.missing_key", "/records/item/values"),
        ("records/item/values/name", {"text": "{last}"}, "definition.no_target", "/records/item/values/name/text"),
        ("records/item/values/like", {"link": "thing"}, "definition.no_target", "/records/item/values/like/link"),
        ("records/item/values/name", {"text": "a", "of": "b"}, "definition.one_maker", "/records/item/values/name"),
        ("records/item/by", "team:none", "definition.no_target", "/records/item/by"),
        ("records/item/flow/0/move", "burn", "definition.no_target", "/records/item/flow/0/move"),
        ("records/item/flow/0", {"make": "thing"}, "definition.no_target", "/records/item/flow/0/make"),
        ("records/item/flow/0", {"set": {"size": 1}}, "definition.no_field", "/records/item/flow/0/set/size"),
        ("people/ann/department", "nowhere", "definition.no_target", "/people/ann/department"),
        ("people/ann/manager", "nobody", "definition.no_target", "/people/ann/manager"),
        ("people/ann/roles", ["admin"], "definition.no_role", "/people/ann/roles/0"),
        ("populations/items/record", "thing", "definition.no_target", "/populations/items/record"),
        ("populations/items/sort", "x", "definition.unknown_key", "/populations/items/sort"),
    ],
)  # fmt: skip
def test_scenario_that_names_what_is_not_there_is_refused(
    path: str, value: Any, code: str, pointer: str
) -> None:
    assert (code, pointer) in wrong(changed(path, value))


def test_template_that_nothing_makes_is_named() -> None:
    spare = {"entity": "item", "values": {"name": "x"}}
    assert ("lint.unused", "/records/spare") in wrong(changed("records/spare", spare))
