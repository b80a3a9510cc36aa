"""Creating takes a short way where nothing looks at the record as a whole; it answers as the long way does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from dacheng.metadata.definition import Package
from dacheng.metadata.problem import Problem, Refused
from dacheng.plugins.hookspecs import hookimpl
from dacheng.plugins.manager import Plugins
from dacheng.runtime.services import read_records
from dacheng.runtime.services.gate import Query
from dacheng.runtime.services.write_shape import shape_of
from tests.runtime.services.workspace import Workspace, model_of, open_workspace, packages

ITEM, LINE = "shop.item", "shop.item_part"
Item = dict[str, Any]
Items = dict[tuple[str, str], Any]
FREE: Any = {"!=": [{"var": "name"}, "Secret"]}
STATE: Mapping[str, Any] = {
    "x-kind": "choice",
    "x-order": 50,
    "x-options": {"new": {"order": 1}, "old": {"order": 2}},
}
FLOW: Mapping[str, Any] = {
    "id": "item_state", "entity": "item", "field": "state", "initial": "new",
    "states": {"new": {"order": 1}, "old": {"order": 2}},
    "transitions": {"age": {"order": 1, "from": ["new"], "to": "old"}},
}  # fmt: skip
RULE: Mapping[str, Any] = {
    "id": "name_it", "entity": "item", "on": {"created": True},
    "then": {"do": {"order": 1, "action": "set_field", "field": "series", "value": "ruled"}},
}  # fmt: skip
PART: Mapping[str, Any] = {
    "id": "item_part", "type": "object", "x-parent": "item", "x-title": "what",
    "properties": {"what": {"x-kind": "text", "x-order": 1, "x-required": True}},
}  # fmt: skip


def granted(items: Items, **grant: Any) -> None:
    """The keeper's rights on items."""
    role = items["role", "keeper"]
    entities = {**role["entities"], "item": {**role["entities"]["item"], **grant}}
    items["role", "keeper"] = {**role, "entities": entities}


def with_field(items: Items, name: str, spec: Mapping[str, Any]) -> None:
    """Items with another field, or a field changed."""
    item = items["entity", "item"]
    properties = {**item["properties"], name: {**item["properties"].get(name, {}), **spec}}
    items["entity", "item"] = {**item, "properties": properties}


def as_it_is(items: Items) -> None:
    """Nothing but values, required fields and rights without a condition."""


def conditional(items: Items) -> None:
    """The right to create has a condition."""
    granted(items, create=FREE)


def unseen(items: Items) -> None:
    """The right to read has a condition; creating has none."""
    granted(items, read=FREE)


def without_right(items: Items) -> None:
    """There is no right to create."""
    granted(items, create=False)


def half_hidden(items: Items) -> None:
    """A field may be read and not written, another not even read."""
    granted(items, fields={"series": {"read": True, "write": False}, "price": {"read": False}})


def with_default(items: Items) -> None:
    """A field has a default."""
    with_field(items, "series", {"x-default": "usual"})


def with_form(items: Items, **more: Any) -> None:
    """A default form with one field treated specially."""
    fields = {"name": {"order": 1}, "series": {"order": 2, **more}}
    items["form", "item"] = {
        "id": "item", "entity": "item", "default": True, "sections": {"one": {"order": 1, "columns": 1, "fields": fields}},
    }  # fmt: skip


def with_form_default(items: Items) -> None:
    """The form fills in a field."""
    with_form(items, default="from the form")


def with_condition(items: Items) -> None:
    """The form demands a field for some names."""
    with_form(items, required={"==": [{"var": "name"}, "Secret"]})


def with_workflow(items: Items) -> None:
    """A state that nobody sets by hand."""
    with_field(items, "state", STATE)
    items["workflow", "item_state"] = FLOW


def with_rule(items: Items) -> None:
    """A rule that fills in a field of every new record."""
    items["rule", "name_it"] = RULE


def with_lines(items: Items) -> None:
    """Lines, and a figure over them."""
    with_field(items, "parts", {"x-kind": "lines", "x-order": 60, "x-entity": "item_part"})
    items["entity", "item_part"] = PART


SHORT = (as_it_is, unseen, half_hidden)
LONG = (
    *(conditional, with_default, with_form_default, with_condition),
    *(with_workflow, with_rule, with_lines),
)
VALUES: tuple[Mapping[str, Any], ...] = (
    {"name": "Lamp"},
    {"name": "Secret"},
    {"name": "Lamp", "series": "S", "price": {"amount": "5", "currency": "CNY"}},
    {"name": "Secret", "series": ""},
    {},
    {"name": ""},
    {"name": None, "price": "much"},
    {"name": "Lamp", "owner": None},
    {"name": "Lamp", "state": "old"},
    {"name": "Lamp", "state": "new"},
    {"name": "Lamp", "parts": [{"what": "Bulb"}, {}]},
    {"name": "Lamp", "parts": [{"what": "Bulb"}]},
    {"name": "Lamp", "misspelt": 1},
    {"name": "x" * 200},
)


class Watcher:
    """A plugin that watches writes, and lets everything pass: for its sake every save takes the long way."""

    @hookimpl
    def before_write(self, write: Any) -> Sequence[Problem]:
        return ()


def shop_with(change: Callable[[Items], None], url: str, hooks: Plugins) -> Workspace:
    """The shop, changed."""
    core, base = packages()
    items = {key: item for key, item in base.items.items() if key[0] != "rule"}
    change(items)
    manifest = {**base.manifest, "permissions": {"item": ["read", "update"]}}
    content: tuple[Package, ...] = (core, replace(base, items=items, manifest=manifest, hash=""))
    return open_workspace(url, model_of(content), hooks)


def answers(shop: Workspace) -> list[Any]:
    """What every try came to: the record as stored, or its problems."""
    found: list[Any] = []
    for number, values in enumerate(VALUES):
        try:
            key = shop.create("kim", ITEM, values)
        except Refused as refused:
            found.append([(each.code, each.pointer) for each in refused.problems])
            continue
        view = shop.read(partial(read_records.get, work=shop.work(), ref=ITEM, record_id=key)).json()
        lines = [(each["what"], each["position"]) for each in view.pop("parts", ())]
        by = {shop.people["kim"]: "kim"}
        kept = {n: by.get(v, v) if isinstance(v, str) else v for n, v in view.items() if n != "id"}
        found.append((kept, lines, number))
    return found


@pytest.mark.parametrize("change", [*SHORT, *LONG], ids=lambda change: str(change.__name__))
def test_both_ways_of_creating_answer_alike(
    change: Callable[[Items], None], tmp_path: Any, database_url: str
) -> None:
    short = shop_with(change, database_url, Plugins({}))
    long = shop_with(change, f"sqlite:///{tmp_path / 'long.db'}", Plugins({"watcher": Watcher()}))
    told, meant = answers(short), answers(long)
    short.db.close()
    long.db.close()
    assert told == meant
    assert any(isinstance(each, tuple) for each in told)
    assert any(isinstance(each, list) for each in told)


@pytest.mark.parametrize("change", [*SHORT, *LONG], ids=lambda change: str(change.__name__))
def test_only_where_nothing_looks_at_the_whole_the_short_way_is_taken(
    change: Callable[[Items], None], sqlite_url: str
) -> None:
    shop = shop_with(change, sqlite_url, Plugins({}))
    assert shape_of(shop.work("kim"), ITEM).plain is (change in SHORT)
    shop.db.close()


def test_who_may_not_create_is_refused_before_anything_is_looked_at(sqlite_url: str) -> None:
    shop = shop_with(without_right, sqlite_url, Plugins({}))
    for values in VALUES:
        with pytest.raises(Refused) as refused:
            shop.create("kim", ITEM, values)
        assert [each.code for each in refused.value.problems] == ["access.not_permitted"]
    assert shop.read(lambda r: read_records.count(r, shop.work(), Query(ITEM))) == 0
    shop.db.close()
