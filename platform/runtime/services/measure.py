"""A measure as one statement with the asker's row rules inside it; its drill-down is its own WHERE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import orjson

from dacheng.metadata.definition import Field, Measure
from dacheng.metadata.expression import DURATION, Expression
from dacheng.metadata.expression import to_json as expression_json
from dacheng.metadata.field_kinds.datetime import instant_text
from dacheng.metadata.field_kinds.percent import PercentCodec
from dacheng.metadata.kinds import Json, MeasureResult, Primitive, Spoken
from dacheng.metadata.problem import Problem, Refused, refuse
from dacheng.runtime.services import gate, read_records
from dacheng.runtime.services.conditions import surroundings
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.aggregate import AggregateRow, aggregate
from dacheng.runtime.storage.query_plan import AggregatePlan, Group, Path
from dacheng.runtime.storage.reader import Reader

AGGREGATES = frozenset({"count", "sum", "avg", "min", "max", "distinct"})
MAX_GROUPS = gate.MAX_GROUPS


@dataclass(frozen=True, slots=True)
class Period:
    """Days from `start` to `end`, both included; None leaves that side open."""

    start: date | None = None
    end: date | None = None


@dataclass(frozen=True, slots=True)
class Filters:
    """What a dashboard asks on top of the measure: a period on its time field, and a filter as JSON."""

    period: Period = Period()
    filter: Json = None


EVERYTHING = Filters()


@dataclass(frozen=True, slots=True)
class _Asked:
    """A measure resolved for this actor."""

    measure: Measure
    value: Path | None
    group: Path | None
    grain: str
    predicates: tuple[Expression, ...]


def run(
    reader: Reader,
    work: Work,
    ref: str,
    dimension: str | None = None,
    filters: Filters = EVERYTHING,
    limit: int = 50,
) -> MeasureResult:
    """The figure, or one per group of a dimension, the largest first (a dimension in time: in order).

    A dimension of several values (choices, tags) has one group per value: a record counts in each of its own, so
    that the groups may add up to more than there are records.

    A money sum over several currencies is one row per currency. `links` are JSON filters for the list.
    Raises `measure.unknown` for a measure or dimension that does not exist or looks at what is hidden.
    """
    asked = _ask(work, ref, dimension, filters)
    groups = () if asked.group is None else (Group(asked.group, asked.grain),)
    paths = [path for path in (asked.value, asked.group) if path is not None]
    plan = AggregatePlan(
        entity=work.entity(asked.measure.entity).entity,
        aggregate=asked.measure.aggregate,
        value=asked.value,
        groups=groups,
        where=gate.where_of(work, asked.measure.entity, paths, asked.predicates),
        limit=max(1, min(limit, MAX_GROUPS)),
        by_key=bool(asked.grain),
    )
    rows = aggregate(reader, work.model, plan, surroundings(work.context))[: plan.limit]
    return _result(reader, work, asked, rows, dimension, filters)


def drill_down(
    work: Work, ref: str, dimension: str | None = None, key: str | None = None, filters: Filters = EVERYTHING
) -> Json:
    """The filter, as JSON, of exactly the records behind a figure or one of its groups; None: all records."""
    asked = _ask(work, ref, dimension, filters)
    return _drill(work, asked, key, filters)


def readable(work: Work, ref: str) -> bool:
    """Whether the actor may see this measure at all."""
    try:
        _ask(work, ref, None, EVERYTHING)
    except Refused:
        return False
    return True


# ---------------------------------------------------------------- resolving
def _ask(work: Work, ref: str, dimension: str | None, filters: Filters) -> _Asked:
    measure = work.model.catalogue.measures.get(ref)
    policy = work.policy.entity(measure.entity) if measure is not None else None
    if measure is None or policy is None or measure.aggregate not in AGGREGATES:
        raise refuse("measure.unknown")
    value = _path(work, measure, measure.field) if measure.field is not None else None
    if measure.aggregate in ("sum", "avg") and (value is None or not _is_summed(value[-1])):
        raise refuse("measure.unknown")
    group, grain = None, ""
    if dimension is not None:
        if dimension not in measure.dimensions:
            raise refuse("measure.unknown")
        group = _path(work, measure, ".".join(measure.dimensions[dimension]))
        grain = measure.grains.get(dimension, "")
    own = () if measure.filter is None else (measure.filter,)
    problems: list[Problem] = []
    asked = gate.conditions(work, measure.entity, _asked_filter(work, measure, filters), own, problems)
    if any(each.code == "query.unknown_view" for each in problems):
        raise refuse("measure.unknown")
    if problems:
        raise Refused(problems)
    return _Asked(measure, value, group, grain, asked)


def _path(work: Work, measure: Measure, name: str) -> Path:
    found = gate.resolve(work, measure.entity, name)
    if found is None or found[-1].is_momentary or not found[-1].codec.columns:
        raise refuse("measure.unknown")
    return found


def _asked_filter(work: Work, measure: Measure, filters: Filters) -> Json:
    return _all([*_period(work, measure, filters.period), filters.filter])


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
    reader: Reader,
    work: Work,
    asked: _Asked,
    rows: Sequence[AggregateRow],
    dimension: str | None,
    filters: Filters,
) -> MeasureResult:
    values = [_value(asked, row) for row in rows]
    labels = _labels(reader, work, asked, [row.keys[0] if row.keys else None for row in rows])
    links = [orjson.dumps(_drill(work, asked, _key(row), filters)).decode() for row in rows]
    currencies = {row.currency for row in rows if row.currency}
    return MeasureResult(
        groups=tuple(row.keys for row in rows),
        labels=tuple(labels),
        values=tuple(values),
        texts=tuple(
            _text(asked, value, row.currency, len(currencies) > 1)
            for value, row in zip(values, rows, strict=True)
        ),
        links=tuple(links),
        unit=asked.measure.unit,
        currency=next(iter(currencies)) if len(currencies) == 1 else "",
        in_time=bool(asked.grain),
    )


def _key(row: AggregateRow) -> str | None:
    return None if not row.keys or row.keys[0] is None else str(row.keys[0])


def _value(asked: _Asked, row: AggregateRow) -> Any:
    """The exact figure: an int for counts, else a Decimal in major units; a date or text as it is stored."""
    if asked.measure.aggregate in ("count", "distinct") or asked.value is None:
        return row.value or 0
    if row.value is None or isinstance(row.value, str):
        return row.value
    column = asked.value[-1].codec.columns[0]
    exact = Decimal(row.value).scaleb(-column.scale)
    if asked.measure.aggregate == "avg":
        places = Decimal(1).scaleb(-max(column.scale, 2))
        return (exact / row.count).quantize(places, ROUND_HALF_EVEN) if row.count else None
    return exact


def _text(asked: _Asked, value: Any, currency: str | None, mixed: bool) -> str:
    if value is None:
        return "—"
    codec = asked.value[-1].codec if asked.value is not None else None
    if isinstance(codec, PercentCodec) and isinstance(value, Decimal):
        return codec.text(value.quantize(Decimal(1).scaleb(-codec.scale)))
    text = f"{value:,}" if isinstance(value, int | Decimal) else str(value)
    return f"{text} {currency}" if mixed and currency else text


def _labels(reader: Reader, work: Work, asked: _Asked, keys: Sequence[Any]) -> list[str]:
    """What each group is called: an option's words, a record's title, else the value."""
    if asked.group is None:
        return ["" for _ in keys]
    field = asked.group[-1]
    if field.leads_to_records:
        titled = read_records.titles(reader, work, field.to or "", [key for key in keys if key is not None])
        return [titled.get(key, "") or "—" for key in keys]
    if field.options:
        locale, labels = work.context.locale, work.model.labels
        return ["—" if key is None else labels.option(locale, field, str(key)) for key in keys]
    if asked.grain or field.is_listed or len(field.codec.columns) != 1:
        return ["—" if key is None else str(key) for key in keys]
    if isinstance(field.codec, Spoken):
        say, spoken_in = field.codec.text_in, work.context.locale
        return ["—" if key is None else say(field.codec.load((key,)), spoken_in) for key in keys]
    return ["—" if key is None else field.codec.text(field.codec.load((key,))) for key in keys]


# ---------------------------------------------------------------- drilling down
def _drill(work: Work, asked: _Asked, key: str | None, filters: Filters) -> Json:
    measure = asked.measure
    parts: list[Json] = []
    if measure.filter is not None:
        parts.append(orjson.loads(expression_json(measure.filter.node)))
    parts.extend([_asked_filter(work, measure, filters)])
    if measure.field is not None and measure.aggregate != "count":
        parts.append({"is_set": [{"var": measure.field}]})
    if asked.group is not None:
        parts.append(_in_group(asked, key))
    return _all(parts)


def _in_group(asked: _Asked, key: str | None) -> Json:
    group = asked.group
    assert group is not None
    field = group[-1]
    name = ".".join(step.id for step in group)
    if key is None:
        return {"!": [{"is_set": [{"var": name}]}]}
    if asked.grain:
        return _all(_between(field, name, *_days_of(key, asked.grain)))
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


def _days_of(key: str, grain: str) -> tuple[date, date]:
    """The first and last day of a group in time, such as `2016`, `2016-Q4`, `2016-10`, `2016-10-05`."""
    year = int(key[:4])
    if grain == "year":
        return date(year, 1, 1), date(year, 12, 31)
    if grain == "quarter":
        first = 3 * int(key[-1]) - 2
        return date(year, first, 1), _last_day(year, first + 2)
    if grain == "month":
        month = int(key[5:7])
        return date(year, month, 1), _last_day(year, month)
    day = date.fromisoformat(key)
    return day, day + timedelta(days=6 if grain == "week" else 0)


def _last_day(year: int, month: int) -> date:
    return date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)


def dimensions(work: Work, ref: str) -> Mapping[str, Field]:
    """The dimensions the actor may group by, with the field each ends in."""
    measure = work.model.catalogue.measures.get(ref)
    if measure is None or work.policy.entity(measure.entity) is None:
        return {}
    found = {
        name: gate.resolve(work, measure.entity, ".".join(path)) for name, path in measure.dimensions.items()
    }
    return {name: path[-1] for name, path in found.items() if path is not None}
