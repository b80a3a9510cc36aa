"""Differences between catalogues: each change once, in an order that can be carried out, with its risk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dacheng.metadata.compile import compile_catalogue
from dacheng.metadata.definition import Package
from dacheng.metadata.diff import Change, diff
from dacheng.metadata.kinds import Kinds

Changes = Callable[[Callable[[dict[str, Any]], object]], list[tuple[str, str, str]]]


@pytest.fixture
def changes(core: Package, shop: Package, kinds: Kinds, edited: Callable[..., Package]) -> Changes:
    def between(
        edit: Callable[[dict[str, Any]], object], file: str = "entities/buyer.json"
    ) -> list[tuple[str, str, str]]:
        old = compile_catalogue([core, shop], kinds)
        new = compile_catalogue([core, edited(file, edit)], kinds)
        return [brief(one) for one in diff(old, new)]

    return between


def brief(change: Change) -> tuple[str, str, str]:
    return (change.kind, change.field, change.risk)


def test_equal_catalogues_do_not_differ(core: Package, shop: Package, kinds: Kinds) -> None:
    catalogue = compile_catalogue([core, shop], kinds)
    assert diff(catalogue, catalogue) == ()


def test_installing_adds_tables_and_removing_archives_them(
    core: Package, shop: Package, kinds: Kinds
) -> None:
    bare, full = compile_catalogue([core], kinds), compile_catalogue([core, shop], kinds)
    assert [(c.kind, c.entity) for c in diff(bare, full)] == [
        ("add_table", f"shop.{name}") for name in ("buyer", "item", "order", "order_line")
    ]
    assert {(c.kind, c.risk) for c in diff(full, bare)} == {("archive_table", "breaking")}


EDITS: list[tuple[Callable[[Any], object], list[tuple[str, str, str]]]] = [
    (lambda d: d["properties"].update(city={"x-kind": "text"}), [("add_column", "city", "safe")]),
    (
        lambda d: d["properties"].update(city={"x-kind": "text", "x-required": True, "x-unique": True}),
        [("add_column", "city", "backfill"), ("add_index", "city", "safe")],
    ),
    (
        lambda d: d["properties"].update(city={"x-kind": "link", "x-to": "buyer"}),
        [("add_column", "city", "safe"), ("add_index", "city", "safe")],
    ),
    (
        lambda d: d["properties"]["visits"].update({"x-kind": "decimal"}),
        [("retype_column", "visits", "lossy")],
    ),
    (lambda d: d["properties"]["discount"].update({"x-scale": 3}), [("retype_column", "discount", "lossy")]),
    (lambda d: d["properties"]["name"].update({"x-index": False}), [("drop_index", "name", "safe")]),
    (lambda d: d["properties"]["born_on"].update({"x-index": True}), [("add_index", "born_on", "safe")]),
    (
        lambda d: d["properties"]["name"].update({"x-unique": True}),
        [("add_index", "name", "backfill"), ("drop_index", "name", "safe")],
    ),
    (
        lambda d: d["properties"]["visits"].update({"x-required": True}),
        [("require_field", "visits", "backfill")],
    ),
    (lambda d: d["properties"]["level"]["x-options"].pop("stone"), [("archive_option", "level", "lossy")]),
    (lambda d: d["properties"]["name"].update({"maxLength": 50, "x-order": 3}), []),
    (lambda d: d.update({"x-unique": {"pair": ["name", "born_on"]}}), [("add_index", "", "backfill")]),
]


@pytest.mark.parametrize(("edit", "expected"), EDITS, ids=[str(i) for i in range(len(EDITS))])
def test_each_edit_gives_its_changes(
    changes: Changes, edit: Callable[[dict[str, Any]], object], expected: list[tuple[str, str, str]]
) -> None:
    assert changes(edit) == expected


def test_a_new_rollup_is_reckoned_after_its_column(
    core: Package, shop: Package, kinds: Kinds, edited: Callable[..., Package]
) -> None:
    def edit(content: dict[str, Any]) -> None:
        content["properties"]["most"] = {
            "x-kind": "rollup",
            "x-of": "lines",
            "x-aggregate": "max",
            "x-field": "amount",
        }

    new = compile_catalogue([core, edited("entities/order.json", edit)], kinds)
    found = diff(compile_catalogue([core, shop], kinds), new)
    assert [brief(one) for one in found] == [
        ("add_column", "most", "backfill"),
        ("add_rollup", "most", "backfill"),
    ]
    assert [column.suffix for column in found[0].columns] == ["", "_currency"]


def test_removing_a_field_archives_its_column(
    core: Package, shop: Package, kinds: Kinds, edited: Callable[..., Package]
) -> None:
    new = compile_catalogue(
        [core, edited("entities/item.json", lambda d: d["properties"].pop("price"))], kinds
    )
    found = diff(compile_catalogue([core, shop], kinds), new)
    assert [brief(one) for one in found] == [("archive_column", "price", "breaking")]
