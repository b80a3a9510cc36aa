"""Roles folded into one immutable answer per entity: readable and writable fields, and row conditions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from dacheng.metadata import candidates
from dacheng.metadata.definition import Catalogue, Entity, Field, Grant
from dacheng.metadata.derived import Rollup
from dacheng.metadata.expression import Expression
from dacheng.plugins.context import Actor, Anonymous, Automation, ShareLink, System, User
from dacheng.runtime.services import conditions
from dacheng.runtime.services.standing_fields import standing_fields

ACTIONS = ("create", "read", "update", "delete")
CACHED_POLICIES = 512
Rows = bool | Expression  # True: every row; False: none; an expression: the rows it holds for


@dataclass(frozen=True, slots=True)
class EntityPolicy:
    """What one actor may do with one entity. A field that is not in `readable` does not exist for them.

    `rows[action]` is True (every row), False (none) or a condition on the row; `by_role` is the same without
    records one merely works on, None where there are none.
    """

    entity: Entity
    readable: Mapping[str, Field]
    writable: frozenset[str]
    rows: Mapping[str, Rows]
    export: bool
    by_role: Mapping[str, Rows] | None = None
    share_views: bool = False

    def may(self, action: str) -> bool:
        """Whether the action is allowed on at least some rows."""
        return self.rows[action] is not False

    @property
    def assigned(self) -> frozenset[str]:
        """The fields it sees whose values the product gives to new records."""
        return frozenset(name for name, each in self.readable.items() if each.assigned)

    @property
    def row_rule(self) -> Expression | None:
        """The condition that a readable row meets; None when every row is readable."""
        rule = self.rows["read"]
        return None if isinstance(rule, bool) else rule

    @property
    def title(self) -> Field | None:
        """The title field, when it may be read."""
        return self.readable.get(self.entity.title)


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything one set of roles may do; equal roles on equal definitions share one policy and one `hash`.

    `standing` are the fields of people and departments that any role's row rules look at.
    """

    catalogue: Catalogue
    entities: Mapping[str, EntityPolicy]
    admin: bool
    roles: frozenset[str]
    hash: str
    operations: frozenset[str] = frozenset()
    standing: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    prepared: dict[object, Any] = field(default_factory=dict, compare=False, repr=False)

    def entity(self, ref: str) -> EntityPolicy | None:
        """The entity's policy; None when it does not exist or may not be read: the two are the same."""
        return self.entities.get(ref)

    def allows(self, operation: str) -> bool:
        """Whether a share link's list names this operation; people and automation act by their grants."""
        return operation in self.operations


class _Key(NamedTuple):
    kind: str
    roles: frozenset[str] = frozenset()
    app: str = ""
    operations: frozenset[str] = frozenset()
    shared: frozenset[str] = frozenset()


class _Catalogue:
    """A catalogue that hashes by its content, so that policies are cached across equal ones."""

    __slots__ = ("hash", "value")

    def __init__(self, value: Catalogue) -> None:
        self.value = value
        self.hash = value.hash

    def __hash__(self) -> int:
        return hash(self.hash)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Catalogue) and other.hash == self.hash


def compile_policy(catalogue: Catalogue, actor: Actor) -> Policy:
    """The policy of an actor, from a cache. An actor that is none of the known types is a TypeError."""
    return _compile(_Catalogue(catalogue), _key(actor))


def _key(actor: Actor) -> _Key:
    match actor:
        case System():
            return _Key("system")
        case User():
            return _Key("user", actor.roles, shared=actor.shared)
        case Automation():
            return _Key("automation", app=actor.app)
        case ShareLink():
            return _Key("share", operations=actor.operations)
        case Anonymous():
            return _Key("anonymous")
    raise TypeError(f"not an actor: {actor!r}")


@lru_cache(maxsize=CACHED_POLICIES)
def _compile(holder: _Catalogue, key: _Key) -> Policy:
    catalogue = holder.value
    roles = [catalogue.roles[ref] for ref in sorted(key.roles) if ref in catalogue.roles]
    admin = key.kind == "system" or any(role.admin for role in roles)
    grants: list[Mapping[str, Grant]] = [role.grants for role in roles]
    if key.kind == "automation" and key.app in catalogue.apps:
        grants = [_with_read(catalogue.apps[key.app].automation)]
    if key.kind == "share":
        entities = _public(catalogue, key.operations)
    else:
        entities = _everything(catalogue) if admin else _granted(catalogue, grants, key.shared)
    entities = {ref: _telling_nothing(each) for ref, each in entities.items()}
    asks = (sorted(key.roles), key.app, sorted(key.operations), sorted(key.shared))
    text = repr((catalogue.hash, key.kind, *asks))
    return Policy(
        catalogue=catalogue,
        entities=MappingProxyType(entities),
        admin=admin,
        roles=key.roles,
        hash=hashlib.sha256(text.encode()).hexdigest()[:16],
        operations=key.operations,
        standing=_standing(holder),
    )


def _telling_nothing(policy: EntityPolicy) -> EntityPolicy:
    """The same without what readable fields say of hidden ones: the choice or link that narrows what they offer."""
    said = {name: candidates.without_unseen(each, policy.readable) for name, each in policy.readable.items()}
    if all(said[name] is each for name, each in policy.readable.items()):
        return policy
    return replace(policy, readable=MappingProxyType(said))


@lru_cache(maxsize=16)
def _standing(holder: _Catalogue) -> Mapping[str, frozenset[str]]:
    return standing_fields(holder.value)


def _with_read(grants: Mapping[str, Grant]) -> dict[str, Grant]:
    """Automation that may write an entity knows its fields; what it reads reaches nobody but its rules."""
    return {ref: replace(grant, read=True) for ref, grant in grants.items()}


def _everything(catalogue: Catalogue) -> dict[str, EntityPolicy]:
    rows = MappingProxyType(dict.fromkeys(ACTIONS, True))
    return {
        ref: EntityPolicy(
            entity, entity.fields, _writable(entity, entity.fields), rows, export=True, share_views=True
        )
        for ref, entity in catalogue.entities.items()
    }


def _public(catalogue: Catalogue, operations: Iterable[str]) -> dict[str, EntityPolicy]:
    """What a public link opens: a record can be made with the fields named, and nothing can be read."""
    found: dict[str, EntityPolicy] = {}
    for operation in operations:
        action, _, rest = operation.partition(":")
        ref, _, names = rest.partition(":")
        entity = catalogue.entities.get(ref)
        if action != "create" or entity is None or entity.parent is not None:
            continue
        open_fields = {"id", "version", *names.split(",")}
        readable = {name: each for name, each in entity.fields.items() if name in open_fields}
        chosen = {name: each for name, each in readable.items() if each.to is None}
        rows = MappingProxyType({each: each == "create" for each in ACTIONS})
        writable = frozenset(name for name in _writable(entity, chosen) if name in chosen)
        found[ref] = EntityPolicy(entity, MappingProxyType(chosen), writable, rows, export=False)
    return found


def _granted(
    catalogue: Catalogue, grants: Iterable[Mapping[str, Grant]], shared: frozenset[str]
) -> dict[str, EntityPolicy]:
    """Fold grants entity by entity, then lines by their parents, then take out what derives from the unseen."""
    granted = list(grants)
    found: dict[str, EntityPolicy] = {}
    for ref, entity in catalogue.entities.items():
        if entity.parent is None:
            policy = fold_grants(entity, [each[ref] for each in granted if ref in each])
            if policy is not None:
                found[ref] = _with_shared(policy, shared)
    waiting = [entity for entity in catalogue.entities.values() if entity.parent is not None]
    while waiting:
        ready = [each for each in waiting if each.parent not in {other.ref for other in waiting}]
        for entity in ready or waiting:
            parent = found.get(entity.parent or "")
            policy = parent and _of_lines(entity, parent, [g[entity.ref] for g in granted if entity.ref in g])
            if policy:
                found[entity.ref] = policy
        waiting = [each for each in waiting if each not in ready] if ready else []
    return _without_unseen_inputs(catalogue, found, granted)


def fold_grants(entity: Entity, grants: list[Grant]) -> EntityPolicy | None:
    """Rights add up over roles: rows are OR-ed; a field is seen, or written, where no row would show it that the
    roles showing it do not reach. Two roles never give together what neither gives alone."""
    reading = [grant for grant in grants if grant.read is not False]
    if not reading:
        return None
    readable = {name: each for name, each in entity.fields.items() if _reaches(grants, name, "read", "read")}
    for name in ("id", "version"):
        readable.setdefault(name, entity.fields[name])
    shown = {
        name: each
        for name, each in readable.items()
        if _reaches(grants, name, "write", "create") and _reaches(grants, name, "write", "update")
    }
    rows = {action: _rows(grants, action, entity) for action in ACTIONS}
    ordered = {name: readable[name] for name in entity.fields if name in readable}
    return EntityPolicy(
        entity=entity,
        readable=MappingProxyType(ordered),
        writable=_writable(entity, shown),
        rows=MappingProxyType(rows),
        export=any(grant.export for grant in reading),
        share_views=any(grant.share_views for grant in reading),
    )


def _with_shared(policy: EntityPolicy, shared: frozenset[str]) -> EntityPolicy:
    """Rows on which the actor works as a collaborator are read, and with the right to write changed, besides those
    of the roles; which fields there are stays what the roles say. Who works on nobody's records has no such rule."""
    entity = policy.entity
    if not shared & {f"read:{entity.ref}", f"write:{entity.ref}"}:
        return policy
    rows = dict(policy.rows)
    rows["read"] = conditions.either([rows["read"], conditions.works_on(entity)], entity)
    if f"write:{entity.ref}" in shared and rows["update"] is not False:
        rows["update"] = conditions.either([rows["update"], conditions.works_on(entity, "write")], entity)
    return replace(policy, rows=MappingProxyType(rows), by_role=policy.rows)


def _reaches(grants: list[Grant], name: str, right: str, action: str) -> bool:
    """Whether the roles that give this right on the field reach every row that any role opens for the action."""
    giving = [getattr(grant, action) for grant in grants if _field(grant, name, right)]
    lacking = [getattr(grant, action) for grant in grants if not _field(grant, name, right)]
    return any(rows is True for rows in giving) or all(rows is False or rows in giving for rows in lacking)


def _rows(grants: list[Grant], action: str, entity: Entity) -> Rows:
    return conditions.either([conditions.known(getattr(grant, action), entity) for grant in grants], entity)


def _of_lines(entity: Entity, parent: EntityPolicy, grants: list[Grant]) -> EntityPolicy | None:
    """Lines are seen with their parent and changed by changing it; a grant on them can only hide fields."""
    leading = [each for each in parent.readable.values() if each.is_lines and each.to == entity.ref]
    if not leading or entity.parent_field is None:
        return None
    via = entity.parent_field
    readable = {
        name: each
        for name, each in entity.fields.items()
        if not grants
        or any(_field(grant, name, "read") for grant in grants)
        or name in ("id", "version", via)
    }
    writing = {
        name: each
        for name, each in readable.items()
        if not grants or any(_field(g, name, "write") for g in grants)
    }
    change = conditions.either([parent.rows["update"], parent.rows["create"]], parent.entity)
    may_write = any(each.id in parent.writable for each in leading)
    rows = {"read": conditions.below(parent.rows["read"], via, entity)}
    for action in ("create", "update", "delete"):
        rows[action] = conditions.below(change, via, entity) if may_write else False
    return EntityPolicy(
        entity=entity,
        readable=MappingProxyType(readable),
        writable=_writable(entity, writing) if may_write else frozenset(),
        rows=MappingProxyType(rows),
        export=parent.export,
    )


def _without_unseen_inputs(
    catalogue: Catalogue, found: dict[str, EntityPolicy], grants: list[Mapping[str, Grant]]
) -> dict[str, EntityPolicy]:
    """Take out what leads to or derives from the unseen: links and lines of unreadable entities, lookups through
    them, and formulas and roll-ups without their inputs (the child's field, and every row summed) unless a role
    declassifies them."""
    changed = True
    while changed:
        changed = False
        for ref, policy in found.items():
            unseen = [
                rollup.field
                for rollup in policy.entity.rollups
                if rollup.field in policy.readable
                and not _inputs_readable(policy, found.get(rollup.child), rollup)
                and not any(_declassified(each.get(ref), rollup.field) for each in grants)
            ]
            unseen += [
                formula.field
                for formula in policy.entity.formulas
                if formula.field in policy.readable
                and not formula.inputs <= policy.readable.keys()
                and not any(_declassified(each.get(ref), formula.field) for each in grants)
            ]
            unseen += [
                name
                for name, each in policy.readable.items()
                if each.shows and not _leads_through(policy, each.shows, found)
            ]
            unseen += [
                name for name, each in policy.readable.items() if each.to is not None and each.to not in found
            ]
            if unseen:
                found[ref] = _without(policy, unseen)
                changed = True
    return found


def _inputs_readable(policy: EntityPolicy, child: EntityPolicy | None, rollup: Rollup) -> bool:
    via, asked = rollup.via, {rollup.via, *([rollup.of] if rollup.of is not None else [])}
    if rollup.filter is not None:
        asked |= {path[0] for path in rollup.filter.dependencies}
    if child is None or not asked <= child.readable.keys():
        return False
    inherits = child.entity.parent == policy.entity.ref and child.entity.parent_field == via
    return inherits or child.rows["read"] is True


def _leads_through(policy: EntityPolicy, path: tuple[Field, ...], found: Mapping[str, EntityPolicy]) -> bool:
    """Whether every step of a lookup may be read where it stands."""
    here: EntityPolicy | None = policy
    for step in path:
        if here is None or step.id not in here.readable:
            return False
        here = found.get(step.to or "")
    return True


def _without(policy: EntityPolicy, names: Iterable[str]) -> EntityPolicy:
    gone = set(names)
    return replace(
        policy,
        readable=MappingProxyType({n: each for n, each in policy.readable.items() if n not in gone}),
        writable=policy.writable - gone,
    )


def _writable(entity: Entity, fields: Mapping[str, Field]) -> frozenset[str]:
    names = {name for name, each in fields.items() if not (each.derived or each.assigned or each.system)}
    if entity.owned and "owner" in fields:
        names.add("owner")
    return frozenset(names)


def _field(grant: Grant, name: str, right: str) -> bool:
    rule = grant.fields.get(name)
    if rule is None:
        return True
    return rule.read if right == "read" else rule.read and rule.write


def _declassified(grant: Grant | None, name: str) -> bool:
    rule = grant.fields.get(name) if grant is not None and grant.read is not False else None
    return rule is not None and rule.declassified
