"""Rules on items that are valid and do nothing, and on ids that belong to someone else."""

from __future__ import annotations

from collections.abc import Iterator

from dacheng.metadata.checks.scenarios import INERT as SCENARIOS
from dacheng.metadata.checks.world import World
from dacheng.metadata.kinds import Kinds
from dacheng.metadata.problem import Problem, problem

_TABLES = {
    "entity": ("properties",),
    "form": ("sections",),
    "list": ("columns",),
    "measure": ("dimensions",),
    "dashboard": ("widgets",),
    "workflow": ("states", "transitions"),
    "rule": ("then",),
    "guide": ("steps",),
}
WORKSPACE_PREFIX = "x_"


def prefixes_are_own(world: World, kinds: Kinds) -> Iterator[Problem]:
    """A package makes no ids with the prefix of the workspace."""
    for (kind, item_id), item in world.package.items.items():
        file = world.file(kind, item_id)
        if item_id.startswith(WORKSPACE_PREFIX):
            yield problem("definition.foreign_prefix", "/id", file, name=item_id)
        for table in _TABLES.get(kind, ()):
            for key in item.get(table, ()):
                if key.startswith(WORKSPACE_PREFIX):
                    yield problem("definition.foreign_prefix", f"/{table}/{key}", file, name=key)


def measures_are_shown(world: World, kinds: Kinds) -> Iterator[Problem]:
    """Each measure is on a dashboard, where the app has any."""
    used = {
        world.full(m)
        for _, item, _ in world.items("dashboard")
        for w in item["widgets"].values()
        for m in w["measures"]
    }
    used |= {
        world.full(item[key])
        for _, item, _ in world.items("measure")
        for key in ("of", "per")
        if used and key in item
    }
    if used:
        for measure, _, file in world.items("measure"):
            if world.full(measure) not in used:
                yield problem("lint.unused", "", file, item=measure)


def forms_and_lists_can_be_opened(world: World, kinds: Kinds) -> Iterator[Problem]:
    """A form that is neither the default nor the only one of its entity is never shown."""
    items = world.items("form")
    for form, item, file in items:
        same = [one for _, one, _ in items if world.full(one["entity"]) == world.full(item["entity"])]
        if len(same) > 1 and not item.get("default"):
            yield problem("lint.unused", "", file, item=form)


def roles_grant_something(world: World, kinds: Kinds) -> Iterator[Problem]:
    """A role without any grant does nothing."""
    for role, item, file in world.items("role"):
        grants = item.get("entities", {}).values()
        if not item.get("admin") and not any(
            grant.get(a) for grant in grants for a in ("create", "read", "update", "delete")
        ):
            yield problem("lint.unused", "/entities", file, item=role)


def dashboards_are_in_the_navigation(world: World, kinds: Kinds) -> Iterator[Problem]:
    """Each dashboard can be reached."""
    reached = {entry.get("dashboard") for entry in world.package.manifest.get("navigation", {}).values()}
    for dashboard, _, file in world.items("dashboard"):
        if dashboard not in reached:
            yield problem("lint.unreachable", "", file, item=dashboard)


RULES = (
    prefixes_are_own,
    measures_are_shown,
    forms_and_lists_can_be_opened,
    roles_grant_something,
    dashboards_are_in_the_navigation,
    *SCENARIOS,
)
