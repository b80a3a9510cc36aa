"""What an app says in kinds that nobody adds any more is set aside and reported, so that the rest goes on.

A plugin that is gone or disabled takes its kinds with it. The pieces that name them rest, and then those that
lean on these: a field, a widget, a column where they can be taken out alone, else the whole item, at last the app.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from dacheng.metadata.compile import compile_app, dependency_order
from dacheng.metadata.definition import CompiledApp, Package
from dacheng.metadata.kinds import Kinds
from dacheng.metadata.package import MANIFEST, with_hash
from dacheng.metadata.problem import Problem, Refused, problem

UNKNOWN_OPERATOR: Final = "expression.unknown_operator"
# Kind of item → how long the path of a piece is that can be taken out alone, by its first step.
PIECES: Final[Mapping[str, Mapping[str, int]]] = {
    "entity": {"properties": 2},
    "dashboard": {"widgets": 2},
    "form": {"sections": 4},
    "list": {"columns": 2},
    "role": {"entities": 2},
    MANIFEST: {"navigation": 2, "permissions": 2},
}
Piece = tuple[str, str, tuple[str, ...]]  # kind, item, path inside it (empty: the whole item)


@dataclass(frozen=True, slots=True)
class Parked:
    """One thing that rests: the app, what (`entity visit properties/stars`), and the English reason."""

    app: str
    item: str
    reason: str

    def problem(self) -> Problem:
        """The same as a problem to report."""
        return problem("plugin.parked", app=self.app, item=self.item, reason=self.reason)


def known_files(
    files: Mapping[str, bytes], kinds: Kinds, app: str
) -> tuple[dict[str, bytes], tuple[Parked, ...]]:
    """The files of a package whose folders somebody reads, and the items in the others."""
    folders = {kind.folder for kind in kinds.definitions.values()} | {"labels", "assets", "tests"}
    kept, resting = {}, []
    for name, data in files.items():
        folder, _, rest = name.partition("/")
        if rest and folder not in folders and name.endswith(".json"):
            resting.append(Parked(app, name, f"nothing reads the folder {folder}"))
        else:
            kept[name] = data
    return kept, tuple(resting)


def park(packages: Sequence[Package], kinds: Kinds) -> tuple[tuple[Package, ...], tuple[Parked, ...]]:
    """The packages without what cannot be read, and what that was; raises `Refused` when absent kinds are not why."""
    compiled: dict[str, CompiledApp] = {}
    kept: list[Package] = []
    resting: list[Parked] = []
    for package in dependency_order(packages):
        absent = [(piece, reason) for piece, reason in _absent(package, kinds)]
        found, parked = _taken_out(package, absent)
        resting.extend(parked)
        while found is not None:
            try:
                compiled[found.id] = compile_app(found, kinds, compiled)
                kept.append(found)
                break
            except Refused as refused:
                if not resting and all(each.code != UNKNOWN_OPERATOR for each in refused.problems):
                    raise
                found, parked = _taken_out(found, _leaning(found, refused.problems))
                resting.extend(parked)
    return tuple(kept), tuple(resting)


def _absent(package: Package, kinds: Kinds) -> Iterator[tuple[Piece, str]]:
    """The pieces that name a kind nobody adds."""
    for (kind, item_id), item in package.items.items():
        if kind not in kinds.definitions:
            yield (kind, item_id, ()), f"the definition kind {kind} is not there"
        elif kind == "entity":
            for name, spec in item.get("properties", {}).items():
                if spec.get("x-kind") not in kinds.fields:
                    yield (
                        (kind, item_id, ("properties", name)),
                        f"the field kind {spec.get('x-kind')} is not there",
                    )
        elif kind == "dashboard":
            for name, widget in item.get("widgets", {}).items():
                if widget.get("kind") not in kinds.widgets:
                    yield (kind, item_id, ("widgets", name)), f"the widget {widget.get('kind')} is not there"
        elif kind == "rule":
            gone = [
                one.get("action")
                for one in item.get("then", {}).values()
                if one.get("action") not in kinds.actions
            ]
            if gone:
                yield (kind, item_id, ()), f"the action {gone[0]} is not there"


def _leaning(package: Package, problems: Iterable[Problem]) -> list[tuple[Piece, str]]:
    """The piece each problem stands in."""
    items = {file: place for place, file in package.files.items()}
    found: list[tuple[Piece, str]] = []
    for each in problems:
        kind, item = items.get(each.file, (MANIFEST, ""))
        steps = tuple(each.pointer.split("/")[1:])
        length = PIECES.get(kind, {}).get(steps[0] if steps else "", 0)
        path = steps[:length] if 0 < length <= len(steps) else ()
        found.append(((kind, item, path), each.message))
    return found


def _taken_out(
    package: Package, pieces: Sequence[tuple[Piece, str]]
) -> tuple[Package | None, tuple[Parked, ...]]:
    """The package without these pieces; None when the whole app has to rest."""
    if not pieces:
        return package, ()
    items: dict[tuple[str, str], Any] = dict(package.items)
    manifest = copy.deepcopy(dict(package.manifest))
    resting: list[Parked] = []
    for (kind, item, path), reason in dict(pieces).items():
        if kind == MANIFEST and not path:
            return None, (Parked(package.id, package.id, reason),)
        resting.append(Parked(package.id, " ".join(filter(None, (kind, item, "/".join(path)))), reason))
        if not path:
            items.pop((kind, item), None)
        elif kind == MANIFEST:
            _drop(manifest, path)
        elif (kind, item) in items:
            items[kind, item] = _drop(copy.deepcopy(dict(items[kind, item])), path)
    return with_hash(replace(package, manifest=manifest, items=MappingProxyType(items))), tuple(resting)


def _drop(table: dict[str, Any], path: Sequence[str]) -> dict[str, Any]:
    here: Any = table
    for step in path[:-1]:
        here = here.get(step, {})
    here.pop(path[-1], None)
    return table
