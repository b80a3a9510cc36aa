"""A measure as one statement with the asker's row rules inside it; its drill-down is its own WHERE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

import orjson

from dacheng.metadata.definition import Field
from dacheng.metadata.expression import DURATION, Expression
from dacheng.metadata.expression import to_json as expression_json
from dacheng.metadata.field_kinds.datetime import instant_text
from dacheng.metadata.kinds import Json, MeasureResult, Primitive
from dacheng.metadata.measures import Measure
from dacheng.metadata.problem import Problem, Refused, refuse
from dacheng.runtime.services import gate
from dacheng.runtime.services.conditions import surroundings
from dacheng.runtime.services.measure_periods import (
    IN_TIME,
    Period,
    days_of,
    earlier,
    keys_within,
    moved,
    wanted,
)
from dacheng.runtime.services.measure_results import (
    STEADY,
    beside,
    labels_of,
    ranks_of,
    ratio,
    target_text,
    text_of,
    value_of,
    with_gaps,
)
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.aggregate import AggregateRow, aggregate
from dacheng.runtime.storage.query_plan import AggregatePlan, Group, Path
from dacheng.runtime.storage.reader import Reader

__all__ = [
    "EVERYTHING",
    "MAX_GROUPS",
    "Filters",
    "Period",
    "dimensions",
    "drill_down",
    "entities_of",
    "readable",
    "run",
]
AGGREGATES = frozenset({"count", "sum", "avg", "min", "max", "distinct"})
MAX_GROUPS = gate.MAX_GROUPS


ANY_TIME = Period()


@dataclass(frozen=True, slots=True)
class Filters:
    """What a dashboard asks on top of the measure: a period on its time field, whose records, and a filter as JSON."""

    period: Period = ANY_TIME
    filter: Json = None
    owner: str = ""
    department: str = ""


EVERYTHING = Filters()


@dataclass(frozen=True, slots=True)
class _Asked:
    """A measure resolved for this actor."""

    measure: Measure
    value: Path | None
    groups: tuple[Group, ...]
    predicates: tuple[Expression, ...]


def run(
    reader: Reader,
    work: Work,
    ref: str,
    dimension: str | None = None,
    filters: Filters = EVERYTHING,
    limit: int = 50,
    split: str | None = None,
    compare: str = "",
) -> MeasureResult:
    """The figure, or one per group of a dimension, the largest first (a dimension in time: in order).

    A dimension of several values (choices, tags) has one group per value: a record counts in each of its own, so
    that the groups may add up to more than there are records.

    A money sum over several currencies is one row per currency. `links` are JSON filters for the list. With `split`
    a row is a group of both dimensions, with `compare` (previous, last_year) the earlier figures stand beside.
    Raises `measure.unknown` for a measure or dimension that does not exist or looks at what is hidden.
    """
    now = _run(reader, work, ref, dimension, filters, limit, split)
    if compare and split is None:
        now = _beside(reader, work, ref, dimension, filters, compare, now)
    return _with_target(work, ref, dimension, filters, now)


def _run(
    reader: Reader,
    work: Work,
    ref: str,
    dimension: str | None,
    filters: Filters,
    limit: int,
    split: str | None = None,
) -> MeasureResult:
    measure = _known(work, ref)
    if measure.aggregate == "ratio":
        parts = [_run(reader, work, each, dimension, filters, MAX_GROUPS, split) for each in _parts(measure)]
        return ratio(parts[0], parts[1], measure.percent, limit)
    asked = _ask(work, ref, dimension, filters, split)
    paths = [path for path in (asked.value, *(group.path for group in asked.groups)) if path is not None]
    plan = AggregatePlan(
        entity=work.entity(asked.measure.entity).entity,
        aggregate=asked.measure.aggregate,
        value=asked.value,
        groups=asked.groups,
        where=gate.where_of(work, asked.measure.entity, paths, asked.predicates),
        limit=MAX_GROUPS if len(asked.groups) > 1 else max(1, min(limit, MAX_GROUPS)),
        by_key=bool(asked.groups and asked.groups[0].grain),
    )
    rows = aggregate(reader, work.model, plan, surroundings(work.context))[: plan.limit]
    if len(asked.groups) > 1:
        first = dict.fromkeys(row.keys[0] for row in rows)
        kept = set(list(first)[:limit])
        rows = [row for row in rows if row.keys[0] in kept]
    return _result(reader, work, asked, rows, filters)


def _parts(measure: Measure) -> tuple[str, str]:
    return measure.of, measure.per


def _beside(
    reader: Reader,
    work: Work,
    ref: str,
    dimension: str | None,
    filters: Filters,
    compare: str,
    now: MeasureResult,
) -> MeasureResult:
    """The result with the figures of the period compared with, each beside its own; as it is where there is none."""
    measure = _known(work, ref)
    timed = _known(work, measure.of) if measure.aggregate == "ratio" else measure
    before = earlier(filters.period, compare, work.context.today)
    if before is None or timed.time_field is None:
        return now
    limit = MAX_GROUPS if dimension is not None else 1
    then = _run(reader, work, ref, dimension, replace(filters, period=before), limit)
    grain = timed.grains.get(dimension or "", "")
    if all(value is None for value in then.values):
        return now
    start, to = before.start, filters.period.start
    if grain in IN_TIME and start is not None and to is not None:
        now = with_gaps(now, list(keys_within(filters.period, grain, date.max)))
        then = replace(
            then, groups=tuple((moved(key[0], grain, start, to),) if key[0] else key for key in then.groups)
        )
    return beside(now, then)


def _with_target(
    work: Work, ref: str, dimension: str | None, filters: Filters, found: MeasureResult
) -> MeasureResult:
    measure = _known(work, ref)
    grains = _known(work, measure.of).grains if measure.aggregate == "ratio" else measure.grains
    grain = "" if dimension is None else grains.get(dimension, "-")
    each = measure.aggregate in STEADY
    value = wanted(measure.target, filters.period, grain, each)
    if value is None or measure.target is None:
        return found
    text = target_text(value, found, measure.aggregate == "ratio" and measure.percent)
    return replace(found, target=value, target_text=text, at_most=measure.target.at_most)


def drill_down(
    work: Work, ref: str, dimension: str | None = None, key: str | None = None, filters: Filters = EVERYTHING
) -> Json:
    """The filter, as JSON, of exactly the records behind a figure or one of its groups; None: all records."""
    measure = _known(work, ref)
    if measure.aggregate == "ratio":
        _demand(work, measure)
        return drill_down(work, measure.of, dimension, key, filters)
    asked = _ask(work, ref, dimension, filters)
    return _drill(work, asked, () if dimension is None else (key,), filters)


def readable(work: Work, ref: str) -> bool:
    """Whether the actor may see this measure at all."""
    try:
        _demand(work, _known(work, ref))
    except Refused:
        return False
    return True


def _demand(work: Work, measure: Measure) -> None:
    for ref in _parts(measure) if measure.aggregate == "ratio" else (measure.ref,):
        _ask(work, ref, None, EVERYTHING)


def _known(work: Work, ref: str) -> Measure:
    found = work.model.catalogue.measures.get(ref)
    if found is None:
        raise refuse("measure.unknown")
    return found


# ---------------------------------------------------------------- resolving
def _ask(work: Work, ref: str, dimension: str | None, filters: Filters, split: str | None = None) -> _Asked:
    measure = work.model.catalogue.measures.get(ref)
    policy = work.policy.entity(measure.entity) if measure is not None else None
    if measure is None or policy is None or measure.aggregate not in AGGREGATES:
        raise refuse("measure.unknown")
    value = _path(work, measure, measure.field) if measure.field is not None else None
    if measure.aggregate in ("sum", "avg") and (value is None or not _is_summed(value[-1])):
        raise refuse("measure.unknown")
    groups = []
    for name in (dimension, split):
        if name is None:
            continue
        if name not in measure.dimensions:
            raise refuse("measure.unknown")
        path = _path(work, measure, ".".join(measure.dimensions[name]))
        groups.append(Group(path, measure.grains.get(name, "")))
    own = () if measure.filter is None else (measure.filter,)
    problems: list[Problem] = []
    asked = gate.conditions(work, measure.entity, _asked_filter(work, measure, filters), own, problems)
    if any(each.code == "query.unknown_view" for each in problems):
        raise refuse("measure.unknown")
    if problems:
        raise Refused(problems)
    return _Asked(measure, value, tuple(groups), asked)


def _path(work: Work, measure: Measure, name: str) -> Path:
    found = gate.resolve(work, measure.entity, name)
    if found is None or found[-1].is_momentary or not found[-1].codec.columns:
        raise refuse("measure.unknown")
    return found


def _asked_filter(work: Work, measure: Measure, filters: Filters) -> Json:
    whose = [
        _whose(work, measure, value, paths)
        for value, paths in (
            (filters.owner, ("owner",)),
            (filters.department, ("department", "owner.department")),
        )
        if value
    ]
    return _all([*_period(work, measure, filters.period), *whose, filters.filter])


def _whose(work: Work, measure: Measure, value: str, paths: Sequence[str]) -> Json:
    """The records of a person or department; what belongs to nobody is not cut by them."""
    found = next((path for path in paths if gate.resolve(work, measure.entity, path)), None)
    return None if found is None else {"==": [{"var": found}, value]}


def _period(work: Work, measure: Measure, period: Period) -> list[Json]:
    """The period as conditions on the measure's time field; a measure without one is not cut in time."""
    if measure.time_field is None or (period.start is None and period.end is None):
        return []
    field = _path(work, measure, measure.time_field)[-1]
    return _between(field, measure.time_field, period.start, period.end)


def _is_summed(field: Field) -> bool:
    columns = field.codec.columns
    return bool(columns) and columns[0].primitive is Primitive.INTEGER


def _between(field: Field, name: str, start: date | None, end: date | None) -> list[Json]:
    """Conditions that a date, or the local date of an instant, lies in a range of days."""
    value: Json = {"var": name}
    if field.codec.columns[0].primitive is not Primitive.DATE:
        value = {"date": value}
    found: list[Json] = []
    if start is not None:
        found.append({">=": [value, {"date": start.isoformat()}]})
    if end is not None:
        found.append({"<=": [value, {"date": end.isoformat()}]})
    return found


def _all(parts: Sequence[Json]) -> Json:
    present = [part for part in parts if part is not None]
    return present[0] if len(present) == 1 else ({"and": present} if present else None)


# ---------------------------------------------------------------- answering
def _result(
    reader: Reader, work: Work, asked: _Asked, rows: Sequence[AggregateRow], filters: Filters
) -> MeasureResult:
    path, aggregate_ = asked.value, asked.measure.aggregate
    values = [value_of(path, aggregate_, row) for row in rows]
    named = [
        labels_of(reader, work, group, [row.keys[at] for row in rows])
        for at, group in enumerate(asked.groups)
    ]
    links = [orjson.dumps(_drill(work, asked, row.keys, filters)).decode() for row in rows]
    currencies = {row.currency for row in rows if row.currency}
    mixed = len(currencies) > 1
    first = asked.groups[0] if asked.groups else None
    return MeasureResult(
        groups=tuple(row.keys for row in rows),
        labels=tuple(named[0] if named else ["" for _ in rows]),
        values=tuple(values),
        texts=tuple(
            text_of(path, value, row.currency, mixed) for value, row in zip(values, rows, strict=True)
        ),
        links=tuple(links),
        unit=asked.measure.unit,
        currency=next(iter(currencies)) if len(currencies) == 1 else "",
        in_time=first is not None and first.grain in IN_TIME,
        splits=tuple(named[1]) if len(named) > 1 else (),
        ranks=ranks_of(first, [row.keys[0] for row in rows]) if first is not None else (),
    )


# ---------------------------------------------------------------- drilling down
def _drill(work: Work, asked: _Asked, keys: Sequence[Any], filters: Filters) -> Json:
    measure = asked.measure
    parts: list[Json] = []
    if measure.filter is not None:
        parts.append(orjson.loads(expression_json(measure.filter.node)))
    parts.extend([_asked_filter(work, measure, filters)])
    if measure.field is not None and measure.aggregate != "count":
        parts.append({"is_set": [{"var": measure.field}]})
    for group, key in zip(asked.groups, keys, strict=False):
        parts.append(_in_group(group, None if key is None else str(key)))
    return _all(parts)


def _in_group(group: Group, key: str | None) -> Json:
    field = group.path[-1]
    name = ".".join(step.id for step in group.path)
    if key is None:
        return {"!": [{"is_set": [{"var": name}]}]}
    if group.grain == "hour":
        return {"==": [{"hour": [{"var": name}]}, int(key)]}
    if group.grain == "weekday":
        day: Json = {"var": name}
        return {"==": [{"days_between": [{"start_of": ["week", day]}, day]}, int(key)]}
    if group.grain:
        return _all(_between(field, name, *days_of(key, group.grain)))
    if field.is_listed:
        return {"in": [key, {"var": name}]}
    return {"==": [{"var": name}, _literal(field, key)]}


def _literal(field: Field, key: str) -> Json:
    primitive = field.codec.columns[0].primitive.value
    if field.codec.type is DURATION:
        return {"duration": f"PT{Decimal(key).scaleb(-field.codec.columns[0].scale):f}S"}
    if primitive == "boolean":
        return int(key) == 1
    if primitive == "integer":
        return {"number": format(Decimal(key).scaleb(-field.codec.columns[0].scale), "f")}
    if primitive == "date":
        return {"date": key}
    if primitive == "instant":
        return {"instant": instant_text(int(key))}
    return key


def dimensions(work: Work, ref: str) -> Mapping[str, Field]:
    """The dimensions the actor may group by, with the field each ends in; of a ratio: those both parts have."""
    measure = work.model.catalogue.measures.get(ref)
    if measure is None or work.policy.entity(measure.entity) is None:
        return {}
    if measure.aggregate == "ratio":
        of, per = (dimensions(work, each) for each in _parts(measure))
        return {name: field for name, field in of.items() if name in per}
    found = {
        name: gate.resolve(work, measure.entity, ".".join(path)) for name, path in measure.dimensions.items()
    }
    return {name: path[-1] for name, path in found.items() if path is not None}


def entities_of(work: Work, ref: str) -> frozenset[str]:
    """The entities whose records a measure counts or looks at; whoever changes one of them may change the figure."""
    measure = _known(work, ref)
    if measure.aggregate == "ratio":
        return entities_of(work, measure.of) | entities_of(work, measure.per)
    paths = [*measure.dimensions.values(), *((tuple(measure.field.split(".")),) if measure.field else ())]
    paths += [] if measure.filter is None else list(measure.filter.dependencies)
    counted = work.model.catalogue.entities[measure.entity]
    found = {measure.entity, *(rollup.child for rollup in counted.rollups)}
    for path in paths:
        here = work.model.catalogue.entities.get(measure.entity)
        for step in path:
            target = here.fields.get(step) if here is not None else None
            here = work.model.catalogue.entities.get(target.to) if target is not None and target.to else None
            if here is not None:
                found.add(here.ref)
    return frozenset(found)
