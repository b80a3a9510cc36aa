"""What became of an operation when layers were folded or a base was upgraded beneath them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from dacheng.metadata.definition import Layer, LayerOperation, Package

KEPT = "kept"  # theirs unchanged: ours stays
ADOPTED = "adopted"  # theirs became what ours was: ours is dropped
PARKED = "parked"  # what ours changed is gone, or may not be changed: set aside and reported
CONFLICT = "conflict"  # both changed: ours stays live until someone decides
CHANGED = "changed"  # the upgrade changed a permission or a rule's effect: always shown
Address = tuple[str, str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One result: its kind, the address it is about, the reason, and the three values that were compared."""

    kind: str
    address: Address
    reason: str = ""
    operation: LayerOperation | None = None
    base: Any = None
    ours: Any = None
    theirs: Any = None


@dataclass(frozen=True, slots=True)
class Folded:
    """The package with all layers applied, who owns each changed property, and what could not be applied."""

    package: Package
    provenance: Mapping[Address, str]
    outcomes: tuple[Outcome, ...] = ()
    bases: Mapping[Address, Any] = field(default_factory=lambda: MappingProxyType({}))

    def owner_of(self, kind: str, item: str, path: tuple[str, ...] = ()) -> str:
        """Who set a property: a layer's owner, or the app itself."""
        for length in range(len(path), -1, -1):
            found = self.provenance.get((kind, item, path[:length]))
            if found is not None:
                return found
        return self.package.id


@dataclass(frozen=True, slots=True)
class Merge:
    """A layer after an upgrade of its base: what is left of it, and the outcome of every operation."""

    layer: Layer
    outcomes: tuple[Outcome, ...]

    def of(self, kind: str) -> tuple[Outcome, ...]:
        """The outcomes of one kind."""
        return tuple(one for one in self.outcomes if one.kind == kind)
