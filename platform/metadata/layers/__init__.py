"""Layers: package base → industry pack → workspace, folded in this one place; upgrades as a three-way merge."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from dacheng.metadata.definition import Layer, LayerOperation, Package
from dacheng.metadata.kinds import Kinds
from dacheng.metadata.layers.apply import apply, is_hidden, order_key, predecessor
from dacheng.metadata.layers.outcomes import (
    ADOPTED,
    CHANGED,
    CONFLICT,
    KEPT,
    PARKED,
    Address,
    Folded,
    Merge,
    Outcome,
)
from dacheng.metadata.layers.values import ABSENT, MANIFEST, Draft, same, value_at

__all__ = [
    "ADOPTED",
    "CHANGED",
    "CONFLICT",
    "KEPT",
    "PARKED",
    "Folded",
    "Merge",
    "Outcome",
    "current_value",
    "fold",
    "merge",
]
_SHOWN = {
    "role": ((), "permission"),
    "workflow": (("transitions",), "permission"),
    "rule": ((), "rule_effect"),
}


def address_of(op: LayerOperation) -> Address:
    """What an operation is about."""
    kind = op.op if op.op in ("label", "term") else op.kind
    return (kind, op.item if kind == op.kind else "", op.path)


def fold(base: Package, layers: Sequence[Layer], kinds: Kinds) -> Folded:
    """The package with the layers applied in order; what cannot be applied is set aside, never an error.

    Where the value beneath is not the one an operation was made against, ours stays live and a conflict is reported.
    """
    operations = [
        (layer.owner, op) for layer in layers if layer.app in ("", base.id) for op in layer.operations
    ]
    if not operations:
        return Folded(base, MappingProxyType({}))
    draft = Draft(base)
    provenance: dict[Address, str] = {}
    made: set[tuple[str, Address]] = set()
    bases: dict[Address, Any] = {}
    outcomes: list[Outcome] = []
    for owner, op in operations:
        address = address_of(op)
        before = _current(draft, op)
        reason = "removed" if op.parked else apply(draft, op, owner, kinds, _owns(made, address, owner))
        if reason:
            there = None if before is ABSENT else before
            outcomes.append(Outcome(PARKED, address, reason, op, op.base, op.value, there))
            continue
        foreign = op.op not in ("add", "hide") and provenance.get(address) != owner
        if foreign and not same(before, op.base) and not same(before, op.value):
            there = None if before is ABSENT else before
            outcomes.append(Outcome(CONFLICT, address, "both_changed", op, op.base, op.value, there))
        provenance[address] = owner
        if op.op == "add":
            made.add((owner, address))
        bases.setdefault(address, None if before is ABSENT else before)
    frozen = MappingProxyType(provenance)
    return Folded(draft.package(), frozen, tuple(outcomes), MappingProxyType(bases))


def _owns(made: Set[tuple[str, Address]], address: Address, owner: str) -> bool:
    """Whether the layer itself made the thing, or what it stands in."""
    kind, item, path = address
    return any((owner, (kind, item, path[:length])) in made for length in range(len(path) + 1))


def current_value(package: Package, op: LayerOperation) -> Any:
    """The value an operation replaces in this package: the `base` to record when the operation is made; None if absent."""
    found = _current(Draft(package), op)
    return None if found is ABSENT else found


def _current(draft: Draft, op: LayerOperation) -> Any:
    if op.op == "label":
        return draft.labels.get(op.path[0], {}).get(op.path[-1], ABSENT) if op.path else ABSENT
    if op.op == "term":
        return value_at(draft.terms, op.path)
    item = draft.item(op.kind, op.item)
    found = value_at(item, op.path)
    if op.op == "move" and op.path and found is not ABSENT:
        return predecessor(value_at(item, op.path[:-1]), op.path[-1], order_key(op.kind, op.path))
    return found


def merge(old_base: Package, new_base: Package, layer: Layer, kinds: Kinds) -> Merge:
    """The layer moved from one version of its base to the next.

    Theirs unchanged: kept. Theirs became ours: adopted and dropped. Gone in theirs: parked, kept in the layer without
    effect until a version brings it back. Both changed: conflict, ours stays live with its old base, so that it stays
    reported until someone decides. Permissions and rule effects that the upgrade changes are listed, whatever the
    layer holds.
    """
    old, new = Draft(old_base), Draft(new_base)
    kept: list[LayerOperation] = []
    outcomes: list[Outcome] = []
    made: set[Address] = set()
    for op in layer.operations:
        same_place = [each for each in kept if address_of(each) == address_of(op) and not each.parked]
        before = same_place[-1] if same_place else None
        outcome = _meet(old, new, op, made, layer.owner, kinds) if before is None else _again(op, before)
        outcomes.append(outcome)
        if outcome.kind != ADOPTED:
            moved = op.op == "move" and outcome.kind == KEPT
            kept.append(replace(op, base=outcome.theirs if moved else op.base, parked=outcome.kind == PARKED))
            if op.op == "add" and outcome.kind != PARKED:
                made.add((op.kind, op.item, op.path))
    outcomes.extend(_always_shown(old_base, new_base))
    return Merge(Layer(layer.owner, layer.app, tuple(kept)), tuple(outcomes))


def _again(op: LayerOperation, before: LayerOperation) -> Outcome:
    """An operation on what the layer changed before: it stands on that, not on the base."""
    return Outcome(KEPT, address_of(op), "", op, op.base, op.value, before.value)


def _meet(
    old: Draft, new: Draft, op: LayerOperation, made: set[Address], owner: str, kinds: Kinds
) -> Outcome:
    address, theirs = address_of(op), _current(new, op)

    def outcome(kind: str, reason: str = "") -> Outcome:
        return Outcome(kind, address, reason, op, op.base, op.value, None if theirs is ABSENT else theirs)

    if _grants_on_gone(old, new, op, made):
        return outcome(PARKED, "removed")
    inside = any((op.kind, op.item, op.path[:length]) in made for length in range(len(op.path) + 1))
    if inside and op.op != "add":
        return outcome(KEPT)
    if op.op == "add":
        if theirs is not ABSENT:
            return outcome(ADOPTED if same(theirs, op.value) else CONFLICT, "exists")
        missing = bool(op.path) and not inside and not _has_place(old, new, op)
        return outcome(PARKED, "removed") if missing else outcome(KEPT)
    if theirs is ABSENT and op.op in ("remove", "hide"):
        return outcome(ADOPTED, "removed")
    if theirs is ABSENT and (
        (op.parked and op.base is not None) or _current(old, op) is not ABSENT or not _has_place(old, new, op)
    ):
        return outcome(PARKED, "removed")
    if op.op not in ("label", "term"):
        reason = apply(Draft(new.base), op, owner, kinds, owned=False)
        if reason:
            return outcome(PARKED, "removed" if reason == "missing" else reason)
    if op.op == "hide":  # of one property of the thing: whatever else theirs changed in it stands beside ours
        return outcome(ADOPTED if is_hidden(op, theirs) else KEPT)
    if op.op != "remove" and same(theirs, op.value):
        return outcome(ADOPTED)
    unmoved = op.op == "move" and _stayed(old, new, op)
    return outcome(KEPT) if unmoved or same(theirs, op.base) else outcome(CONFLICT, "both_changed")


def _grants_on_gone(old: Draft, new: Draft, op: LayerOperation, made: Set[Address]) -> bool:
    """Whether an edit of a role is about a field that the new version has no more: it waits for the field."""
    if op.kind != "role" or len(op.path) < 4 or (op.path[0], op.path[2]) != ("entities", "fields"):
        return False
    entity, place = op.path[1].removeprefix(f"{new.base.id}."), ("properties", op.path[3])
    had, has = (value_at(draft.item("entity", entity), place) is not ABSENT for draft in (old, new))
    return not has and (had or op.parked) and ("entity", entity, place) not in made


def _stayed(old: Draft, new: Draft, op: LayerOperation) -> bool:
    """Whether theirs left an entry where it was among those that both versions have."""
    tables = [value_at(draft.item(op.kind, op.item), op.path[:-1]) for draft in (old, new)]
    if not all(isinstance(table, dict) and op.path[-1] in table for table in tables):
        return False
    key, common = order_key(op.kind, op.path), tables[0].keys() & tables[1].keys()
    first, second = ({name: table[name] for name in common} for table in tables)
    return predecessor(first, op.path[-1], key) == predecessor(second, op.path[-1], key)


def _has_place(old: Draft, new: Draft, op: LayerOperation) -> bool:
    """Whether the table an operation works in is still there."""
    if op.op == "label":
        return True
    if op.op == "term":
        return value_at(new.terms, op.path[:-1]) is not ABSENT
    item = new.item(op.kind, op.item)
    if item is ABSENT:
        return False
    above = op.path[:-1]
    if value_at(item, above) is not ABSENT:
        return True
    was = value_at(old.item(op.kind, op.item), above) if old.item(op.kind, op.item) is not ABSENT else ABSENT
    return was is ABSENT and op.op == "add" and value_at(item, above[:-1]) is not ABSENT


def _always_shown(old: Package, new: Package) -> Iterator[Outcome]:
    for key in sorted({*old.items, *new.items}):
        if key[0] not in _SHOWN:
            continue
        path, reason = _SHOWN[key[0]]
        before, after = value_at(old.items.get(key), path), value_at(new.items.get(key), path)
        before, after = (None if value is ABSENT else value for value in (before, after))
        if not same(before, after):
            yield Outcome(CHANGED, (*key, path), reason, None, before, None, after)
    before, after = old.manifest.get("permissions", {}), new.manifest.get("permissions", {})
    if not same(before, after):
        yield Outcome(CHANGED, (MANIFEST, new.id, ("permissions",)), "permission", None, before, None, after)
