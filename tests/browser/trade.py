"""A small app whose form has what follows from what stands in it: lookups, defaults, figures over lines, files."""

from __future__ import annotations

from typing import Any

from dacheng.metadata.definition import Package
from tests.contracts.field_kinds.house import labelled, manifest

NEW = {"==": [{"var": "kind"}, "new"]}
FIRM: dict[str, Any] = {
    "name": {"x-kind": "text", "x-order": 1, "x-required": True, "x-search": True},
    "region": {"x-kind": "text", "x-order": 2},
    "credit": {"x-kind": "integer", "x-order": 3},
}
PRODUCT: dict[str, Any] = {
    "name": {"x-kind": "text", "x-order": 1, "x-required": True, "x-search": True},
    "price": {"x-kind": "money", "x-order": 2},
}
PART: dict[str, Any] = {
    "goods": {"x-kind": "link", "x-to": "product", "x-order": 1},
    "price": {"x-kind": "lookup", "x-path": "goods.price", "x-order": 2},
    "amount": {"x-kind": "money", "x-order": 3},
}
DEAL: dict[str, Any] = {
    "name": {"x-kind": "text", "x-order": 1, "x-required": True},
    "kind": {"x-kind": "choice", "x-order": 2, "x-options": {"new": {"order": 1}, "old": {"order": 2}}},
    "firm": {"x-kind": "link", "x-to": "firm", "x-order": 3},
    "firm_region": {"x-kind": "lookup", "x-path": "firm.region", "x-order": 4},
    "days": {"x-kind": "integer", "x-order": 5},
    "remind": {"x-kind": "integer", "x-order": 6},
    "rate": {"x-kind": "percent", "x-order": 7},
    "parts": {"x-kind": "lines", "x-entity": "part", "x-order": 8},
    "total": {"x-kind": "rollup", "x-of": "parts", "x-aggregate": "sum", "x-field": "amount", "x-order": 9},
    "fee": {
        "x-kind": "formula",
        "x-result": "money",
        "x-expression": {"*": [{"var": "total.amount"}, {"var": "rate"}]},
        "x-order": 10,
    },
    "papers": {"x-kind": "file", "x-files": 3, "x-bytes": 3_000_000, "x-order": 11},
    "signed": {"x-kind": "signature", "x-order": 12},
    "focus": {
        "x-kind": "multi_choice",
        "x-order": 13,
        "x-ordered": True,
        "x-limit": 2,
        "x-options": {each: {"order": at} for at, each in enumerate(("price", "place", "brand"))},
    },
    "first": {
        "x-kind": "formula",
        "x-result": "text",
        "x-expression": {"first": [{"var": "focus"}]},
        "x-order": 14,
    },
}
DEFAULTS: dict[str, Any] = {
    "days": {"if": [NEW, 7, {"var": "firm.credit"}]},
    "remind": {"-": [{"var": "days"}, 2]},
}


def trade() -> Package:
    """The app, labelled by its ids."""
    fields = {
        name: {"order": at, **({"default": DEFAULTS[name]} if name in DEFAULTS else {})}
        for at, name in enumerate(DEAL)
    }
    entities = {"firm": FIRM, "product": PRODUCT, "deal": DEAL}
    return labelled(
        {
            "app.json": manifest("trade", *entities),
            **{
                f"entities/{name}.json": {
                    "id": name,
                    "type": "object",
                    "x-title": "name",
                    "properties": properties,
                }
                for name, properties in entities.items()
            },
            "entities/part.json": {
                "id": "part",
                "type": "object",
                "x-parent": "deal",
                "x-title": "goods",
                "properties": PART,
            },
            "forms/deal.json": {
                "id": "deal",
                "entity": "deal",
                "default": True,
                "sections": {"all": {"order": 1, "columns": 2, "fields": fields}},
            },
            "roles/seller.json": {
                "id": "seller",
                "entities": {
                    "deal": {"create": True, "read": True, "update": True},
                    "part": {"create": True, "read": True, "update": True},
                    "product": {"read": True},
                    "firm": {
                        "read": {"!=": [{"var": "name"}, "远山"]},
                        "fields": {"credit": {"read": False}},
                    },
                },
            },
        }
    )
