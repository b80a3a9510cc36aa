"""All rules on references, run over one package."""

from __future__ import annotations

from collections.abc import Mapping

from dacheng.metadata.checks import cascades, checkins, entities, items, processes, scenarios
from dacheng.metadata.checks.world import World
from dacheng.metadata.definition import CompiledApp, Package
from dacheng.metadata.kinds import Kinds
from dacheng.metadata.problem import Problem

RULES = (*entities.RULES, *cascades.RULES, *checkins.RULES, *items.RULES, *processes.RULES, *scenarios.RULES)


def check_references(package: Package, kinds: Kinds, others: Mapping[str, CompiledApp]) -> list[Problem]:
    """Everything the package names that is not there; `package` must have passed the structure check."""
    world = World(package, kinds, others)
    return [found for rule in RULES for found in rule(world, kinds)]
