"""Lint: everything that is wrong with a package, all at once, each problem with file, pointer, message and hint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dacheng.metadata.checks.computed import check_computed
from dacheng.metadata.checks.inert import RULES as INERT
from dacheng.metadata.checks.records import check_records
from dacheng.metadata.checks.references import check_references
from dacheng.metadata.checks.structure import check_structure
from dacheng.metadata.checks.words import check_words
from dacheng.metadata.checks.world import World
from dacheng.metadata.compile import compile_app, dependency_order
from dacheng.metadata.definition import CompiledApp, Layer, LayerOperation, Package
from dacheng.metadata.kinds import Kinds
from dacheng.metadata.problem import Problem, Refused, catalogue, problem

WARNINGS = frozenset(["lint.unused", "lint.unreachable", "label.no_slot", "label.layer_unfit"])


def is_warning(found: Problem) -> bool:
    """Whether a package with this problem may still be installed."""
    return found.code in WARNINGS


def lint(package: Package, kinds: Kinds, others: Mapping[str, Package]) -> tuple[Problem, ...]:
    """All problems of a package as its maker wrote it; `others` are the packages it may require.

    Later rules lean on earlier ones: a package that breaks its schemas is told only of that.
    """
    structure = check_structure(package, kinds)
    if structure:
        return tuple(structure)
    compiled = _compiled(package, others, kinds)
    world = World(package, kinds, compiled)
    found = check_references(package, kinds, compiled)
    if not found:
        try:
            made = compile_app(package, kinds, compiled)
            found = [*check_records(made, compiled), *check_computed(made, compiled)]
        except Refused as refused:
            found = list(refused.problems)
    found += check_words(package, kinds)
    found += [one for rule in INERT for one in rule(world, kinds)]
    return tuple(sorted(found, key=lambda one: (one.file, one.pointer, one.code)))


def lint_layers(
    found: Sequence[Problem],
    layers: Sequence[Layer],
    folded: Package,
    kinds: Kinds,
    others: Mapping[str, Package],
) -> tuple[Problem, ...]:
    """What is wrong with a folded package and was not with its base (`found`); each problem names its layer.

    Words alone never keep a package from working, so problems of labels and terms are warnings here.
    """
    if not any(each.operations for each in layers):
        return ()
    known = {(each.code, each.file, each.pointer) for each in found}
    return tuple(
        _of_layer(each, folded, layers)
        for each in lint(folded, kinds, others)
        if (each.code, each.file, each.pointer) not in known and not is_warning(each)
    )


def _of_layer(found: Problem, folded: Package, layers: Sequence[Layer]) -> Problem:
    is_word = found.code.startswith("label.")
    reason = {locale: found.message_in(locale) for locale in catalogue()[found.code].message}
    code = "label.layer_unfit" if is_word else "install.layer_unfit"
    layer = _layer_behind(found, folded, layers, is_word=is_word)
    return problem(code, found.pointer, found.file, layer=layer.owner, reason=reason)


def _layer_behind(found: Problem, folded: Package, layers: Sequence[Layer], *, is_word: bool) -> Layer:
    """The layer that last touched the place of a problem, else its item, else the last that touched anything."""
    places = {file: place for place, file in folded.files.items()}
    place = places.get(found.file)
    steps = tuple(found.pointer.split("/")[1:])

    def nearness(op: LayerOperation) -> int:
        if (op.op in ("label", "term")) is not is_word:
            return 0
        if (op.kind, op.item) != place:
            return 1
        return 3 if op.path == steps[: len(op.path)] else 2

    return max(reversed(layers), key=lambda each: max(map(nearness, each.operations), default=0))


def _compiled(package: Package, others: Mapping[str, Package], kinds: Kinds) -> dict[str, CompiledApp]:
    apps: dict[str, CompiledApp] = {}
    try:
        for other in dependency_order([one for one in others.values() if one.id != package.id]):
            apps[other.id] = compile_app(other, kinds, apps)
    except Refused:
        pass  # an unsound other app counts as not installed, which the reference rules report
    return apps
