"""The fields every record has without saying so, and the names they reserve."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

USER = "core.user"
DEPARTMENT = "core.department"
COLLABORATORS = (
    "_collaborators"  # what row rules call the people working on a record; no definition can spell it
)
Specs = Mapping[str, Mapping[str, Any]]

EVERY: Specs = MappingProxyType(
    {
        "id": {"x-kind": "text", "maxLength": 36},
        "version": {"x-kind": "integer"},
        "created_at": {"x-kind": "datetime"},
        "updated_at": {"x-kind": "datetime"},
        "created_by": {"x-kind": "link", "x-to": USER},
        "updated_by": {"x-kind": "link", "x-to": USER},
    }
)
OWNED: Specs = MappingProxyType(
    {
        "owner": {"x-kind": "link", "x-to": USER, "x-index": True},
        "department": {"x-kind": "link", "x-to": DEPARTMENT, "x-index": True},
    }
)
HIDDEN = frozenset(["deleted_at", "position", "parent_id", "rowid"])
CORE = "core"


def is_owned(entity: Mapping[str, Any]) -> bool:
    """Whether records of this entity (as written) have an owner; lines never do."""
    return bool(entity.get("x-owned", True)) and "x-parent" not in entity


def system_specs(entity: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The system fields of an entity as written, in order: its own, the owner's, the parent's."""
    specs = dict(EVERY)
    if is_owned(entity):
        specs.update(OWNED)
    if "x-parent" in entity:
        specs[entity["x-parent"]] = {"x-kind": "link", "x-to": entity["x-parent"], "x-on-delete": "cascade"}
        specs["position"] = {"x-kind": "integer"}
    return specs


def reserved_names(entity: Mapping[str, Any]) -> frozenset[str]:
    """Field ids that an entity may not use for its own."""
    return frozenset(system_specs(entity)) | HIDDEN
