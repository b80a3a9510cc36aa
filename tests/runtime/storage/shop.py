"""A small shop as a definition: people, accounts, orders with lines and roll-ups; what storage tests work on."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from dacheng.metadata import builtin
from dacheng.metadata.compile import compile_catalogue
from dacheng.metadata.definition import Catalogue, Package
from dacheng.metadata.kinds import Kinds
from dacheng.metadata.labels import compile_labels
from dacheng.runtime.storage.model import Model
from dacheng.runtime.storage.tables import build_tables

KINDS = Kinds.of([builtin.part()])
NUMBERS = itertools.count(1)
Items = dict[tuple[str, str], Mapping[str, Any]]


def uid(number: int | None = None) -> str:
    """A well-formed id that grows."""
    return f"01900000-0000-7000-8000-{next(NUMBERS) if number is None else number:012x}"


def _properties(**fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: {"x-order": at, **spec} for at, (name, spec) in enumerate(fields.items(), 1)}


CORE: Items = {
    ("entity", "user"): {
        "id": "user", "type": "object", "x-title": "name", "x-owned": False,
        "properties": _properties(
            name={"x-kind": "text", "x-search": True, "maxLength": 120},
            department={"x-kind": "link", "x-to": "department"},
            manager={"x-kind": "link", "x-to": "user"},
        ),
    },
    ("entity", "department"): {
        "id": "department", "type": "object", "x-title": "name", "x-owned": False,
        "properties": _properties(name={"x-kind": "text", "maxLength": 120}),
    },
}  # fmt: skip


def shop_items() -> Items:
    """The shop's items; tests change a copy to make the next version."""
    return {
        ("entity", "account"): {
            "id": "account", "type": "object", "x-title": "name",
            "properties": _properties(
                name={"x-kind": "text", "x-search": True, "x-required": True, "maxLength": 120},
                code={"x-kind": "text", "x-unique": True, "x-search": True, "maxLength": 40},
                parent_account={"x-kind": "link", "x-to": "account", "x-on-delete": "clear"},
                rating={"x-kind": "decimal", "x-scale": 4},
            ),
        },
        ("entity", "purchase"): {
            "id": "purchase", "type": "object", "x-title": "title",
            "properties": _properties(
                title={"x-kind": "text", "x-search": True, "maxLength": 200},
                account={"x-kind": "link", "x-to": "account", "x-on-delete": "restrict"},
                stage={"x-kind": "choice", "x-options": {"open": {"order": 1}, "won": {"order": 2}}},
                closed_on={"x-kind": "date"},
                lines={"x-kind": "lines", "x-entity": "purchase_line"},
                line_count={"x-kind": "rollup", "x-of": "lines", "x-aggregate": "count"},
                total={"x-kind": "rollup", "x-of": "lines", "x-aggregate": "sum", "x-field": "amount"},
                pieces={"x-kind": "rollup", "x-of": "lines", "x-aggregate": "sum", "x-field": "quantity"},
                largest={"x-kind": "rollup", "x-of": "lines", "x-aggregate": "max", "x-field": "amount"},
            ),
        },
        ("entity", "purchase_line"): {
            "id": "purchase_line", "type": "object", "x-title": "product", "x-parent": "purchase",
            "properties": _properties(
                product={"x-kind": "text", "maxLength": 80},
                quantity={"x-kind": "integer"},
                amount={"x-kind": "money"},
            ),
        },
        ("list", "purchases"): {
            "id": "purchases", "entity": "purchase", "default": True,
            "columns": {"title": {"order": 1}, "owner_name": {"order": 2, "path": "owner.name"}},
            "sort": [{"field": "closed_on", "descending": True}, {"field": "title", "descending": False}],
        },
        ("measure", "won"): {
            "id": "won", "entity": "purchase", "aggregate": "sum", "field": "total",
            "filter": {"==": [{"var": "stage"}, "won"]}, "time_field": "closed_on",
            "dimensions": {"stage": {"path": "stage"}, "account": {"path": "account.name"}},
        },
        ("role", "seller"): {
            "id": "seller",
            "entities": {
                "purchase": {"read": {"==": [{"var": "owner"}, {"var": "$user.id"}]}, "create": True},
                "account": {"read": True},
            },
        },
    }  # fmt: skip


def catalogue_of(items: Items | None = None) -> Catalogue:
    """Core and the shop, compiled."""
    core = Package({"id": "core", "version": "1.0.0", "requires": {}, "locales": ["en"]}, CORE)
    shop = Package(
        {"id": "shop", "version": "1.0.0", "requires": {"core": "1.0.0"}, "locales": ["en"]},
        shop_items() if items is None else items,
    )
    return compile_catalogue([core, shop], KINDS)


def model_of(catalogue: Catalogue) -> Model:
    """A model without words."""
    return Model(1, catalogue, compile_labels([], catalogue), build_tables(catalogue))
