"""People, their roles and the tree of departments as every request needs them, kept until something moves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import sqlalchemy as sa

from dacheng.plugins.context import User
from dacheng.runtime.storage import accounts, collaborators
from dacheng.runtime.storage.model import Model
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.storage.versions import Versions

USER = "core.user"
DEPARTMENT = "core.department"
SUSPENDED = "suspended"
LOCALES = MappingProxyType({"zh_cn": "zh-CN", "en": "en"})


@dataclass(frozen=True, slots=True)
class Person:
    """Who somebody is as an actor, and the language they chose (empty: none)."""

    user: User
    locale: str = ""


@dataclass(frozen=True, slots=True)
class Directory:
    """What is known at one version of people and definitions; people are looked up once each."""

    versions: Versions | None = None
    below: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    people: dict[str, Person | None] = field(default_factory=dict)

    def at(self, reader: Reader, model: Model, versions: Versions) -> Directory:
        """This directory when it is still true, else a new one with the departments of now."""
        known = self.versions
        if known is not None and (known.directory, known.definitions) == (
            versions.directory,
            versions.definitions,
        ):
            return self
        return Directory(versions, MappingProxyType(_tree(_departments(reader, model))))

    def person(self, reader: Reader, model: Model, user_id: str) -> Person | None:
        """A person with roles and departments; None when there is no such record, or it or its account is suspended."""
        if user_id not in self.people:
            self.people[user_id] = self._look_up(reader, model, user_id)
        return self.people[user_id]

    def _look_up(self, reader: Reader, model: Model, user_id: str) -> Person | None:
        if USER not in model.catalogue.entities:
            return None
        table = model.tables.of(USER)
        query = sa.select(table.c.name, table.c.department, table.c.locale, table.c.status).where(
            table.c.id == user_id, table.c.deleted_at.is_(None)
        )
        row = reader.row(query)
        known = accounts.credential_of(reader, user_id)
        if row is None or SUSPENDED in (row[3], known.state if known is not None else None):
            return None
        name, department, locale, _ = row
        user = User(
            id=user_id,
            name=name or "",
            roles=frozenset(accounts.roles_of(reader, user_id)),
            department=department,
            departments=self.below.get(department, (department,)) if department else (),
            shared=collaborators.shared_with(reader, user_id),
        )
        return Person(user, LOCALES.get(locale or "", ""))


def _departments(reader: Reader, model: Model) -> list[tuple[str, str | None]]:
    if DEPARTMENT not in model.catalogue.entities:
        return []
    table = model.tables.of(DEPARTMENT)
    above = table.c.parent if "parent" in table.c else sa.null()
    query = sa.select(table.c.id, above).where(table.c.deleted_at.is_(None))
    return [(row[0], row[1]) for row in reader.rows(query)]


def _tree(pairs: Iterable[tuple[str, str | None]]) -> dict[str, tuple[str, ...]]:
    """Department → itself and all below it; a ring in the data ends where it closes."""
    children: dict[str, list[str]] = {}
    everyone: list[str] = []
    for identifier, above in pairs:
        everyone.append(identifier)
        if above:
            children.setdefault(above, []).append(identifier)
    return {root: _below(root, children) for root in everyone}


def _below(root: str, children: Mapping[str, list[str]]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    waiting = [root]
    while waiting:
        current = waiting.pop()
        if current not in found:
            found[current] = None
            waiting.extend(children.get(current, ()))
    return tuple(found)
