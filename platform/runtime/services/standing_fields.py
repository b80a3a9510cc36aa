"""Which fields of people and departments decide what somebody may see: those the row rules of roles look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from dacheng.metadata.definition import Catalogue, Entity, Grant
from dacheng.metadata.expression import Expression
from dacheng.runtime.services.directory import DEPARTMENT, USER

STANDING = frozenset({USER, DEPARTMENT})
_ACTOR: Mapping[str, tuple[tuple[str, str], ...]] = MappingProxyType(
    {"department": ((USER, "department"),), "departments": ((USER, "department"), (DEPARTMENT, "parent"))}
)  # what `$user.…` is read from


def standing_fields(catalogue: Catalogue) -> Mapping[str, frozenset[str]]:
    """By entity, every field of a person or department that some role's row rule reads through the actor
    (`$user.…`) or through a link (`owner.…`, `department.…`, `owner.department.…`), whatever app it stands in."""
    found: dict[str, set[str]] = {ref: set() for ref in STANDING}
    for role in catalogue.roles.values():
        for ref, grant in role.grants.items():
            entity = catalogue.entities.get(ref)
            for path in _paths(grant) if entity is not None else ():
                for owner, name in _read(catalogue, entity, path):
                    found[owner].add(name)
    return MappingProxyType({ref: frozenset(names) for ref, names in found.items()})


def _paths(grant: Grant) -> Iterator[tuple[str, ...]]:
    for rows in (grant.create, grant.read, grant.update, grant.delete):
        if isinstance(rows, Expression):
            yield from rows.dependencies


def _read(catalogue: Catalogue, entity: Entity | None, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The fields of people and departments along one path; those of the row itself are no link to anybody."""
    if path[0] == "$user":
        yield from _ACTOR.get(path[1], ()) if len(path) > 1 else ()
        return
    steps, here = path[1:] if path[0] == "$before" else path, entity
    for at, name in enumerate(steps):
        field = here.fields.get(name) if here is not None else None
        if here is None or field is None:
            return
        if at and here.ref in STANDING and not field.system:
            yield here.ref, name
        here = catalogue.entities.get(field.to or "")
