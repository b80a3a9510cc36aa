"""Reading and changing one property of a package by its path, without touching the original."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from dacheng.metadata.definition import Package
from dacheng.metadata.package import canonical, with_hash

ABSENT: Any = object()
MANIFEST = "app"  # the kind under which operations address the manifest; its item is the app's id


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same value; an absent one equals null."""
    one, other = (None if value is ABSENT else value for value in (one, other))
    return one is other or canonical(one) == canonical(other)


def value_at(item: Any, path: tuple[str, ...]) -> Any:
    """The value under a path of keys; ABSENT when a step is missing or leads into something without keys."""
    for step in path:
        if not isinstance(item, Mapping) or step not in item:
            return ABSENT
        item = item[step]
    return item


class Draft:
    """A package being changed: items are copied when first touched."""

    def __init__(self, base: Package) -> None:
        self.base = base
        self.manifest: dict[str, Any] | None = None
        self.items: dict[tuple[str, str], Any] = dict(base.items)
        self.labels = {locale: dict(words) for locale, words in base.labels.items()}
        self.terms = {
            locale: {term: dict(forms) for term, forms in terms.items()}
            for locale, terms in base.terms.items()
        }
        self._own: set[tuple[str, str]] = set()

    def item(self, kind: str, item_id: str) -> Any:
        """The item as it stands, ABSENT when there is none."""
        if kind == MANIFEST:
            return self.manifest if self.manifest is not None else self.base.manifest
        return self.items.get((kind, item_id), ABSENT)

    def container(self, kind: str, item_id: str, path: tuple[str, ...]) -> dict[str, Any] | None:
        """A changeable table at `path` of an item; None when there is no table there."""
        item = self._changeable(kind, item_id)
        found = value_at(item, path)
        return found if isinstance(found, dict) else None

    def make_table(self, kind: str, item_id: str, path: tuple[str, ...]) -> dict[str, Any] | None:
        """As `container`, making the last step when it is missing and everything before it is there."""
        if path and self.container(kind, item_id, path) is None:
            above = self.container(kind, item_id, path[:-1])
            if above is not None and path[-1] not in above:
                above[path[-1]] = {}
        return self.container(kind, item_id, path)

    def _changeable(self, kind: str, item_id: str) -> Any:
        if kind == MANIFEST:
            if self.manifest is None:
                self.manifest = copy.deepcopy(dict(self.base.manifest))
            return self.manifest
        key = (kind, item_id)
        if key in self.items and key not in self._own:
            self.items[key] = copy.deepcopy(dict(self.items[key]))
            self._own.add(key)
        return self.items.get(key, ABSENT)

    def put_item(self, kind: str, item_id: str, value: dict[str, Any]) -> None:
        """Add or replace a whole item."""
        self.items[kind, item_id] = copy.deepcopy(value)
        self._own.add((kind, item_id))

    def package(self) -> Package:
        """The changed package with its hash."""
        made = Package(
            manifest=self.base.manifest if self.manifest is None else self.manifest,
            items=MappingProxyType(dict(self.items)),
            labels=MappingProxyType(self.labels),
            terms=MappingProxyType(self.terms),
            files=self.base.files,
            assets=self.base.assets,
        )
        return with_hash(made)
