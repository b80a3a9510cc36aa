"""Rules on check-ins: they stand on records of their own, and their target is a place."""

from __future__ import annotations

from collections.abc import Iterator

from dacheng.metadata.checks.world import World
from dacheng.metadata.kinds import Kinds
from dacheng.metadata.problem import Problem, problem


def check_ins_have_a_place(world: World, kinds: Kinds) -> Iterator[Problem]:
    """Lines have no check-ins of their own; `x-target` leads over links to a geolocation."""
    for entity, item, file in world.items("entity"):
        for field, spec in item["properties"].items():
            if spec["x-kind"] != "checkin":
                continue
            where = f"/properties/{field}"
            if "x-parent" in item:
                yield problem("definition.check_in_on_lines", where, file)
            target = spec.get("x-target")
            found = world.path(entity, target) if target is not None else None
            if target is not None and (found is None or found.kind.id != "geolocation"):
                yield problem("definition.not_a_place", f"{where}/x-target", file, field=target)


RULES = (check_ins_have_a_place,)
