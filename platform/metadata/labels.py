"""The words of all apps: slots and terms per locale, compiled to one table that can be swapped alone."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from dacheng.metadata.slots import SLOTS, manifest_slots

if TYPE_CHECKING:
    from dacheng.metadata.definition import Catalogue, Entity, Field, Package
    from dacheng.metadata.kinds import Kinds, Slot

Texts = Mapping[str, str]
Terms = Mapping[str, Mapping[str, str]]
TERM = re.compile(r"\{term:([a-z][a-z0-9_]*)((?:\|(?:plural|title))*)\}")
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
SYSTEM_APP = "core"  # its `system:…` slots name the system fields of every entity
_EMPTY: Mapping[str, str] = MappingProxyType({})
_OPTIONAL = ("help:", "app:", "message:", "guard:")  # no words are better than an id here


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many of the needed slots of an app have words of their own in one locale."""

    filled: int
    total: int
    missing: tuple[str, ...]

    @property
    def ratio(self) -> float:
        """Between 0 and 1; an app without slots is covered."""
        return self.filled / self.total if self.total else 1.0


@dataclass(frozen=True, slots=True)
class Labels:
    """Every text of every app, ready to show; equal words give an equal `hash`.

    `tables[app][locale]` is complete: what a locale lacks comes from the app's other locales, at last from the id.
    """

    tables: Mapping[str, Mapping[str, Texts]]
    terms: Mapping[str, Mapping[str, Terms]]
    coverages: Mapping[tuple[str, str], Coverage]
    hash: str
    _matches: dict[tuple[str, str], Texts] = field(default_factory=dict, compare=False, repr=False)

    def text(self, locale: str, app: str, slot: str) -> str:
        """The words of a slot; an unknown one reads as its id, an optional one as nothing."""
        found = self._table(locale, app).get(slot)
        if found is not None:
            return found
        return "" if slot.startswith(_OPTIONAL) else humanised(slot)

    def field(self, locale: str, field: Field, short: bool = False) -> str:
        """A field's name; `short` prefers the `short:…` slot, for narrow columns."""
        app = field.entity.split(".", 1)[0]
        if short:
            found = self._table(locale, app).get("short" + field.slot.removeprefix("field"))
            if found:
                return found
        return self.text(locale, app, field.slot)

    def help(self, locale: str, field: Field) -> str:
        """A field's help text, or nothing."""
        app = field.entity.split(".", 1)[0]
        return self._table(locale, app).get("help" + field.slot.removeprefix("field"), "")

    def entity(self, locale: str, entity: Entity, form: str = "one") -> str:
        """An entity's name in one of the forms `one` and `plural`."""
        slot = f"entity:{entity.id}"
        if form == "plural":
            return self.text(locale, entity.app, f"{slot}|plural")
        return self.text(locale, entity.app, slot)

    def option(self, locale: str, field: Field, option_id: str) -> str:
        """The words of one option of a choice; an option that no longer exists reads as its id."""
        field = field.shows[-1] if field.shows else field
        field = field.names or field
        app = field.entity.split(".", 1)[0]
        slot = f"option{field.slot.removeprefix('field')}.{option_id}"
        return self._table(locale, app).get(slot, option_id)

    def coverage(self, locale: str, app: str) -> Coverage:
        """How complete an app's words are in one locale, fallbacks not counted."""
        return self.coverages.get((app, locale), Coverage(0, 0, ()))

    def locales(self, app: str) -> tuple[str, ...]:
        """The locales an app has words in, its own order."""
        return tuple(self.tables.get(app, ()))

    def _table(self, locale: str, app: str) -> Texts:
        found = self._matches.get((locale, app))
        if found is None:
            tables = self.tables.get(app, {})
            found = tables[best_locale(locale, tuple(tables))] if tables else _EMPTY
            if len(self._matches) < 1000:
                self._matches[locale, app] = found
        return found


def best_locale(wanted: str, offered: Sequence[str]) -> str:
    """The locale of `offered` that serves `wanted` best: itself, the same language, else the first."""
    if wanted in offered:
        return wanted
    language = re.split("[-_]", wanted, maxsplit=1)[0].lower()
    return next((found for found in offered if found.split("-")[0] == language), offered[0])


def humanised(slot: str) -> str:
    """What a slot without words reads as: the last part of its id, spaced."""
    return re.split(r"[.:]", slot.split("|", 1)[0])[-1].replace("_", " ")


def fill(text: str, terms: Terms, plural: bool = False) -> str:
    """`text` with each `{term:…}` replaced by its words; `plural` asks for the plural of all of them."""
    return TERM.sub(lambda found: _term(found, terms, plural), text) if "{term:" in text else text


def _term(found: re.Match[str], terms: Terms, plural: bool) -> str:
    forms = terms.get(found[1])
    if forms is None:
        return found[1].replace("_", " ")
    modifiers = found[2].split("|")
    words = forms.get("plural", forms["one"]) if plural or "plural" in modifiers else forms["one"]
    return words[:1].upper() + words[1:] if "title" in modifiers else words


def needed_slots(package: Package, kinds: Kinds | None = None) -> tuple[Slot, ...]:
    """Every label slot of a package in the order of its items; plugin kinds count when `kinds` is given."""
    slots: list[Slot] = list(manifest_slots(package.manifest))
    for (kind, _), item in package.items.items():
        declared = kinds.definitions.get(kind) if kinds is not None else None
        give = declared.slots if declared is not None else SLOTS.get(kind)
        slots.extend(give(item) if give is not None else ())
    return tuple({slot.key: slot for slot in slots}.values())


def compile_labels(packages: Iterable[Package], catalogue: Catalogue, kinds: Kinds | None = None) -> Labels:
    """All words of the packages as one table; `kinds` lets plugin kinds count in the coverage."""
    packages = list(packages)
    tables: dict[str, dict[str, dict[str, str]]] = {}
    coverages: dict[tuple[str, str], Coverage] = {}
    for package in packages:
        slots = needed_slots(package, kinds)
        locales = dict.fromkeys([*package.manifest["locales"], *package.labels])
        own = {locale: _own(package, locale) for locale in locales}
        needed = [slot.key for slot in slots if not slot.optional]
        for locale in locales:
            missing = tuple(key for key in needed if not own[locale].get(key))
            coverages[package.id, locale] = Coverage(len(needed) - len(missing), len(needed), missing)
        tables[package.id] = {locale: _with_fallbacks(locale, own) for locale in locales}
    for package in packages:
        _name_navigation(package, tables[package.id])
    _name_system_fields(tables, catalogue)
    terms = {package.id: dict(package.terms) for package in packages}
    text = json.dumps([tables, terms], sort_keys=True, ensure_ascii=False, default=dict)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    frozen = {
        app: MappingProxyType({k: MappingProxyType(v) for k, v in t.items()}) for app, t in tables.items()
    }
    return Labels(MappingProxyType(frozen), MappingProxyType(terms), MappingProxyType(coverages), digest)


def _own(package: Package, locale: str) -> dict[str, str]:
    terms = {
        **{k: v for other in package.terms.values() for k, v in other.items()},
        **package.terms.get(locale, {}),
    }
    table: dict[str, str] = {}
    for slot, text in package.labels.get(locale, {}).items():
        table[slot] = fill(text, terms)
        if slot.startswith("entity:"):
            table[f"{slot}|plural"] = fill(text, terms, plural=True)
    return table


def _with_fallbacks(locale: str, own: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    table: dict[str, str] = {}
    for other in reversed(list(own)):
        table.update(own[other])
    return {**table, **own[locale]}


def _name_navigation(package: Package, tables: Mapping[str, dict[str, str]]) -> None:
    for key, entry in package.manifest.get("navigation", {}).items():
        kind = next((name for name in ("entity", "dashboard", "list") if name in entry), None)
        for table in tables.values():
            if kind is not None and f"nav:{key}" not in table:
                slot = f"{kind}:{entry[kind]}"
                table[f"nav:{key}"] = table.get(f"{slot}|plural", table.get(slot, humanised(slot)))


def _name_system_fields(tables: Mapping[str, dict[str, dict[str, str]]], catalogue: Catalogue) -> None:
    for entity in catalogue.entities.values():
        for locale, table in tables.get(entity.app, {}).items():
            core = tables.get(SYSTEM_APP) or {locale: {}}
            words = core[best_locale(locale, tuple(core))]
            for one in entity.fields.values():
                if one.system and one.slot not in table:
                    own = f"entity:{(entity.parent or '').split('.')[-1]}"
                    source = table.get(own) if one.id == entity.parent_field else None
                    table[one.slot] = source or words.get(f"system:{one.id}", humanised(one.slot))
