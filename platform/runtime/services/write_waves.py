"""Steps of many saves put together: what touches different records is written at once, what leans on it after."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from dacheng.runtime.services.save_plan import Step
from dacheng.runtime.storage.record_change import RecordChange

QUIET = frozenset({"create", "update"})


def waves(steps: Sequence[Step]) -> list[list[RecordChange]]:
    """The changes of all steps, each under its step's stamp, in as few groups as keep their order where it matters.

    A record is touched once in a group, and never before the group that makes what it links to. A step that
    deletes or restores anything is a group of its own, behind everything before it.
    """
    groups: list[list[RecordChange]] = []
    last: dict[str, int] = {}  # record → the group that touched it last
    made: dict[str, int] = {}  # record → the group that makes it
    floor = 0
    for step in steps:
        alone = any(change.action not in QUIET for change in step.changes)
        at = len(groups) if alone else max([floor, *_behind(step, last, made)])
        while len(groups) <= at:
            groups.append([])
        for change in step.changes:
            groups[at].append(replace(change, stamp=step.stamp))
            last[change.id] = at
            if change.action == "create":
                made[change.id] = at
        if alone:
            floor = at + 1
    return [_by_entity(group) for group in groups if group]


def _behind(step: Step, last: dict[str, int], made: dict[str, int]) -> Iterator[int]:
    """The first groups that this step may join, for each reason there is."""
    for change in step.changes:
        if change.id in last:
            yield last[change.id] + 1
        for value in change.values.values():
            if isinstance(value, str):
                yield made.get(value, 0)
            elif isinstance(value, tuple):
                yield from (made.get(each, 0) for each in value if isinstance(each, str))


def _by_entity(group: list[RecordChange]) -> list[RecordChange]:
    """New records of one entity side by side, entities in the order of their first record."""
    order: dict[str, int] = {}
    for change in group:
        order.setdefault(change.entity.ref, len(order))
    return sorted(group, key=lambda change: order[change.entity.ref])
