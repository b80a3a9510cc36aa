"""Rules on option cascades: what an option stands under is an option of another choice of the same entity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dacheng.metadata.checks.world import World
from dacheng.metadata.kinds import Kinds
from dacheng.metadata.problem import Problem, problem


def options_stand_under_options(world: World, kinds: Kinds) -> Iterator[Problem]:
    """`x-depends-on` names another choice, and each `under` only options of that one."""
    for _, item, file in world.items("entity"):
        properties = item["properties"]
        for field, spec in properties.items():
            options = spec.get("x-options", {})
            parent = spec.get("x-depends-on")
            where = f"/properties/{field}"
            if parent is None:
                for option in (key for key, body in options.items() if "under" in body):
                    yield problem("definition.under_nothing", f"{where}/x-options/{option}/under", file)
            elif "x-options" not in properties.get(parent, {}) or _leads_back(properties, field):
                yield problem("definition.not_a_choice", f"{where}/x-depends-on", file, field=parent)
            else:
                yield from _known(options, parent, properties[parent]["x-options"], where, file)


def _known(
    options: Mapping[str, Any], parent: str, known: Mapping[str, Any], where: str, file: str
) -> Iterator[Problem]:
    for key, body in options.items():
        for index, above in enumerate(body.get("under", ())):
            if above not in known:
                pointer = f"{where}/x-options/{key}/under/{index}"
                yield problem("definition.no_option", pointer, file, option=above, field=parent)


def _leads_back(properties: Mapping[str, Any], field: str) -> bool:
    """Whether going from choice to choice above ends where it began."""
    seen, at = {field}, properties[field].get("x-depends-on")
    while at is not None:
        if at in seen:
            return True
        seen.add(at)
        at = properties.get(at, {}).get("x-depends-on")
    return False


RULES = (options_stand_under_options,)
