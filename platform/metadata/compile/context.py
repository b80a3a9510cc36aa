"""What is shared while one app is compiled: kinds, other apps, the scopes of all entities, the problems found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from dacheng.metadata.definition import CompiledApp, Entity, Field, Package
from dacheng.metadata.derived import Formula
from dacheng.metadata.expression import (
    BOOLEAN,
    TEXT,
    Expression,
    ListOf,
    RecordOf,
    Type,
    check,
    parse,
)
from dacheng.metadata.kinds import Json, Kinds
from dacheng.metadata.lookups import spelled_out
from dacheng.metadata.problem import Problem, Refused, problem
from dacheng.metadata.system_fields import COLLABORATORS

_USER: Mapping[str, Type] = MappingProxyType(
    {"id": TEXT, "department": TEXT, "departments": ListOf(TEXT), "roles": ListOf(TEXT)}
)
USER = RecordOf(_USER.get, "$user")


def user_context() -> dict[str, Type]:
    """The context variables that every expression of an app may read."""
    return {"$user": USER}


def plain(kind: Type) -> Type:
    """The plain type a value has where it stands alone: a link its id, money its amount."""
    if isinstance(kind, RecordOf):
        return kind.fields(kind.stands_for) or TEXT
    return kind


@dataclass(slots=True)
class Compiling:
    """One compilation: entities appear in `entities` as they are made; expressions are checked against them."""

    package: Package
    kinds: Kinds
    others: Mapping[str, CompiledApp]
    entities: dict[str, Entity] = field(default_factory=dict)
    scopes: dict[str, RecordOf] = field(default_factory=dict)
    tables: dict[str, Mapping[str, Field]] = field(default_factory=dict)
    formulas: dict[str, tuple[Formula, ...]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @property
    def app(self) -> str:
        """The app's id."""
        return self.package.id

    def full(self, name: str) -> str:
        """A name within the app, or a full reference → the full reference."""
        return name if "." in name else f"{self.app}.{name}"

    def file(self, kind: str, item_id: str) -> str:
        """The file an item came from."""
        return self.package.files.get((kind, item_id), f"{kind}/{item_id}.json")

    def fields(self, ref: str) -> Mapping[str, Field]:
        """The fields of an entity of this app or another; nothing for an unknown one."""
        found = self.tables.get(ref)
        if found is None:
            app, _, name = ref.partition(".")
            other = self.others.get(app)
            entity = other.entities.get(name) if other is not None else None
            found = self.tables[ref] = entity.fields if entity is not None else MappingProxyType({})
        return found

    def scope(self, ref: str) -> RecordOf:
        """The record type of an entity; links lead on lazily, so cycles do no harm."""
        found = self.scopes.get(ref)
        if found is None:
            found = self.scopes[ref] = RecordOf(_Lookup(self, ref), ref)
        return found

    def expression(
        self,
        raw: Json,
        entity: str,
        file: str,
        pointer: str,
        *,
        wanted: Type | None = BOOLEAN,
        before: bool = False,
    ) -> Expression | None:
        """A checked expression over an entity's records, or None with the problems noted."""
        scope = self.scope(entity)
        context = user_context()
        if before:
            context["$before"] = scope
        try:
            node = spelled_out(parse(raw, operators=self.kinds.operators), entity, self.fields)
            found = check(node, scope, context)
        except Refused as refused:
            self.problems.extend(one.at(pointer, file) for one in refused.problems)
            return None
        given = plain(found.type).name
        if wanted is not None and given not in (plain(wanted).name, "missing"):
            self.problems.append(
                problem("definition.expression_type", pointer, file, wanted=plain(wanted).name, given=given)
            )
            return None
        return found

    def optional(
        self, item: Mapping[str, Any], key: str, entity: str, file: str, pointer: str, *, before: bool = False
    ) -> Expression | None:
        """The condition under a key of an item; None when there is none."""
        if item.get(key) is None:
            return None
        return self.expression(item[key], entity, file, f"{pointer}/{key}", before=before)


COLLABORATOR = RecordOf({"user": TEXT, "right": TEXT}.get, "collaborator")


class _Lookup:
    """field id → type, within one entity; what links lead to is looked up when asked for."""

    __slots__ = ("compiling", "ref")

    def __init__(self, compiling: Compiling, ref: str) -> None:
        self.compiling, self.ref = compiling, ref

    def __call__(self, name: str) -> Type | None:
        found = self.compiling.fields(self.ref).get(name)
        if found is not None and found.virtual:
            return (
                None  # a lookup is written out before, and no condition stands on what is computed when read
            )
        if found is None:
            return ListOf(COLLABORATOR) if name == COLLABORATORS else None
        if found.is_link and found.to is not None:
            return self.compiling.scope(found.to)
        if found.is_lines and found.to is not None:
            return ListOf(self.compiling.scope(found.to))
        return found.codec.type
