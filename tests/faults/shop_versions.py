"""Versions of the fixture app `shop`: an order with lines, whose fields come, go and change kind."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from dacheng.metadata.definition import Package
from dacheng.metadata.kinds import Kinds
from dacheng.metadata.package import read_files
from dacheng.runtime.services.install_app import Candidate

SHOP = Path(__file__).parents[1] / "apps" / "shop"
LOCALES = ("zh-CN", "en")
Items = dict[str, Any]
Change = Callable[[Items], None]


@cache
def _files() -> Mapping[str, bytes]:
    found = {p.relative_to(SHOP).as_posix(): p.read_bytes() for p in SHOP.rglob("*.json")}
    return MappingProxyType(found)


def items() -> Items:
    """The shop's files as JSON values, to be changed."""
    return {name: json.loads(content) for name, content in _files().items()}


def package(kinds: Kinds, version: str, *changes: Change) -> Package:
    """The shop of this version with these changes."""
    made = items()
    made["app.json"]["version"] = version
    for change in changes:
        change(made)
    return read_files({name: json.dumps(value).encode() for name, value in made.items()}, kinds)


def with_field(name: str, spec: Mapping[str, Any], entity: str = "order") -> Change:
    """Add a field, or put another in its place, with its words."""

    def change(made: Items) -> None:
        body = copy.deepcopy(dict(spec))
        made[f"entities/{entity}.json"]["properties"][name] = {"x-order": 500, **body}
        for locale in LOCALES:
            words = made[f"labels/{locale}.json"]["labels"]
            words[f"field:{entity}.{name}"] = name.replace("_", " ").title()
            for option in body.get("x-options", {}):
                words[f"option:{entity}.{name}.{option}"] = option.title()

    return change


def without_field(name: str, entity: str = "order") -> Change:
    """Leave a field out."""

    def change(made: Items) -> None:
        made[f"entities/{entity}.json"]["properties"].pop(name, None)
        for locale in LOCALES:
            made[f"labels/{locale}.json"]["labels"].pop(f"field:{entity}.{name}", None)

    return change


def edition(kinds: Kinds, number: int) -> Candidate:
    """Version `number`.0.0: from one to the next a field of the order is added, one retyped, one archived."""
    odd = number % 2 == 1
    serial = {"x-kind": "text", "maxLength": 40} if odd else {"x-kind": "integer"}
    changes = [
        with_field("serial", serial),
        with_field("edition", {"x-kind": "integer", "x-default": number}),
    ]
    if odd:
        changes.append(with_field("scrap", {"x-kind": "text"}))
        changes.append(with_field("colour", {"x-kind": "text"}, "order_line"))
    else:
        changes.append(with_field("deadline", {"x-kind": "date", "x-index": True}))
        least = {"x-kind": "rollup", "x-of": "lines", "x-aggregate": "min", "x-field": "amount"}
        changes.append(with_field("least", least))
        changes.append(
            with_field("urgency", {"x-kind": "choice", "x-options": {"low": {"order": 1}}, "x-search": True})
        )
    return Candidate(package(kinds, f"{number}.0.0", *changes))
