"""Which properties a layer may touch: owner-only, mergeable or locked, as definition and field kinds declare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dacheng.metadata.kinds import Kinds
from dacheng.metadata.layers.values import MANIFEST

MERGEABLE, OWNER, LOCKED = "mergeable", "owner", "locked"
_MANIFEST: Mapping[str, str] = {"navigation.**": MERGEABLE, "icon": MERGEABLE, "**": OWNER}


def matches(pattern: str, path: Sequence[str]) -> bool:
    """Whether a pattern (`a.*.b`, `**` for the rest, none included) covers a path."""
    steps = pattern.split(".")
    for index, step in enumerate(steps):
        if step == "**":
            return True
        if index >= len(path) or step not in ("*", path[index]):
            return False
    return len(steps) == len(path)


def policy(kinds: Kinds, kind: str, path: Sequence[str], field_kind: str = "") -> str:
    """The policy of one property; `field_kind` adds what the kind of an entity's field says of its keys."""
    patterns: Mapping[str, str] = _MANIFEST
    if kind != MANIFEST:
        declared = kinds.definitions.get(kind)
        patterns = declared.merge if declared is not None else {}
    if kind == "entity" and len(path) >= 3 and path[0] == "properties" and field_kind in kinds.fields:
        own = kinds.fields[field_kind].merge.get(path[2])
        if own is not None:
            return own
    return next((found for pattern, found in patterns.items() if matches(pattern, path)), MERGEABLE)
