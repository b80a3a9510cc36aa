"""Lint: everything that is wrong with a package, all at once, each problem with file, pointer, message and hint."""

from __future__ import annotations

from collections.abc import Mapping

from dacheng.metadata.checks.inert import RULES as INERT
from dacheng.metadata.checks.records import check_records
from dacheng.metadata.checks.references import check_references
from dacheng.metadata.checks.structure import check_structure
from dacheng.metadata.checks.words import check_words
from dacheng.metadata.checks.world import World
from dacheng.metadata.compile import compile_app, dependency_order
from dacheng.metadata.definition import CompiledApp, Package
from dacheng.metadata.kinds import Kinds
from dacheng.metadata.problem import Problem, Refused

WARNINGS = frozenset(["lint.unused", "lint.unreachable", "label.no_slot"])


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
            found = check_records(compile_app(package, kinds, compiled), compiled)
        except Refused as refused:
            found = list(refused.problems)
    found += check_words(package, kinds)
    found += [one for rule in INERT for one in rule(world, kinds)]
    return tuple(sorted(found, key=lambda one: (one.file, one.pointer, one.code)))


def _compiled(package: Package, others: Mapping[str, Package], kinds: Kinds) -> dict[str, CompiledApp]:
    apps: dict[str, CompiledApp] = {}
    try:
        for other in dependency_order([one for one in others.values() if one.id != package.id]):
            apps[other.id] = compile_app(other, kinds, apps)
    except Refused:
        pass  # an unsound other app counts as not installed, which the reference rules report
    return apps
