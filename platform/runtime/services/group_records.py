"""Records in groups, level by level: counts and subtotals of what one may see, amounts never mixed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from dacheng.metadata.expression import DATE, INSTANT, NUMBER
from dacheng.metadata.problem import refuse
from dacheng.runtime.services import gate, read_records
from dacheng.runtime.services.conditions import surroundings
from dacheng.runtime.services.gate import Query
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage import grouped
from dacheng.runtime.storage.grouped import GroupPlan
from dacheng.runtime.storage.query_plan import Group, Path
from dacheng.runtime.storage.reader import Reader

MOST = 200


@dataclass(slots=True)
class RecordGroup:
    """One group: its stored key (`2026-03` for days and instants), a linked record's title, count, sums by path and currency."""

    key: Any
    title: Any
    count: int = 0
    sums: dict[str, dict[str, int]] = field(default_factory=dict)


def is_groupable(path: Path) -> bool:
    """Whether records can be grouped by what a path leads to: one column, no long text."""
    last = path[-1]
    if last.is_momentary:
        return False
    return len(last.codec.columns) == 1 and int(last.spec.get("maxLength", 0)) <= 255


def grain_of(path: Path) -> str:
    """Days and instants are grouped by month."""
    return "month" if path[-1].codec.type in (DATE, INSTANT) else ""


def groups(
    reader: Reader, work: Work, asked: Query, by: str, sums: Sequence[str] = ()
) -> tuple[list[RecordGroup], bool]:
    """The groups of a request in their keys' order (options in their own), and whether there are more than `MOST`; one statement."""
    path = gate.known(work, asked.entity, by, "/by")
    if not is_groupable(path):
        raise refuse("query.not_sortable", "/by", name=by)
    figures: dict[str, Path] = {}
    for at, name in enumerate(sums):
        figure = gate.known(work, asked.entity, name, f"/sums/{at}")
        if figure[-1].is_momentary or (figure[-1].codec.type != NUMBER and len(figure[-1].codec.columns) < 2):
            raise refuse("query.not_countable", f"/sums/{at}", aggregate="sum", name=name)
        figures[name] = figure
    planned = gate.plan(work, replace(asked, fields=(by, *sums), sort=(), cursor=None))
    titled = planned.columns[0].title >= 0 and not path[-1].is_links
    title = planned.plan.columns[1] if titled else None
    plan = GroupPlan(
        work.entity(asked.entity).entity,
        Group(path, grain_of(path)),
        title,
        tuple(figures.values()),
        planned.plan.where,
        MOST * 4,
    )
    found: dict[Any, RecordGroup] = {}
    for row in grouped.groups(reader, work.model, plan, surroundings(work.context)):
        group = found.setdefault(row.key, RecordGroup(row.key, row.title))
        group.count += row.count
        for name, value, currency in zip(figures, row.sums, row.currencies, strict=True):
            if value is not None:
                totals = group.sums.setdefault(name, {})
                totals[currency or ""] = totals.get(currency or "", 0) + value
    if path[-1].is_links:
        titles = read_records.titles(reader, work, path[-1].to or "", [key for key in found if key])
        for group in found.values():
            group.title = titles.get(group.key)
    order = {option.id: option.order for option in path[-1].options}
    inside = sorted(found.values(), key=lambda group: order.get(group.key, -1)) if order else found.values()
    return list(inside)[:MOST], len(found) > MOST


Sums = Mapping[str, Mapping[str, int]]
