"""One change asked of one record, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from dacheng.metadata.definition import Entity
from dacheng.runtime.storage.change_log import Stamp

ACTIONS = ("create", "update", "delete", "restore", "purge")


@dataclass(frozen=True, slots=True)
class RecordChange:
    """`action` is create, update, delete (to the recycle bin), restore or purge.

    `values` are typed, by field; system fields given there win over the stamp (imports of history). `expected_version` None means: whatever it is now.
    `touch` raises the version even when no value changed, because the record's lines did. `stamp` is who changes
    it and when, where that is not the stamp of the whole call.
    """

    action: str
    entity: Entity
    id: str
    values: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    expected_version: int | None = None
    touch: bool = False
    stamp: Stamp | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    """A record's version after the change (of a purged one: before it); `changed` are the fields that moved."""

    id: str
    version: int
    changed: tuple[str, ...] = ()
