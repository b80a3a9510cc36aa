"""Figures over records: one statement, the asker's row rules inside it, money apart by currency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from dacheng.metadata.expression import Environment, ListOf
from dacheng.metadata.kinds import Primitive
from dacheng.runtime.storage import kept_figures, query
from dacheng.runtime.storage.model import Model
from dacheng.runtime.storage.ordering import MissingSmallest
from dacheng.runtime.storage.query_plan import AggregatePlan, Group, names
from dacheng.runtime.storage.query_scope import Columns, Scope
from dacheng.runtime.storage.reader import Prepared, Reader, Row

_LENGTHS = {"year": 4, "month": 7, "day": 10}


@dataclass(frozen=True, slots=True)
class AggregateRow:
    """One group: `keys` are stored values per group (text such as `2026-01` where a grain cuts them).

    `value` is in the field's stored form (for avg the sum, to be divided by `count`); `count` is how many
    values went in; `currency` is None but for money.
    """

    keys: tuple[Any, ...]
    value: int | str | None
    count: int
    currency: str | None


def aggregate(
    reader: Reader, model: Model, plan: AggregatePlan, environment: Environment
) -> list[AggregateRow]:
    """The groups, at most `plan.limit` (one more row than that says there are others); one row without groups."""
    made = model.tables.entity(plan.entity.ref)
    asked = query.question_of(reader, made, plan.where)
    if asked is False:
        return []
    key = (
        "aggregate", reader.dialect, plan.aggregate, None if plan.value is None else names(plan.value),
        tuple((names(group.path), group.grain) for group in plan.groups), plan.by_key, str(environment.zone),
        asked is not None, *query.condition_shape(plan.where, environment),
    )  # fmt: skip
    ready = query.kept(made).get(key, lambda: _compile(reader, model, plan, environment, asked is not None))
    given = {**query.values_of(reader, ready, plan.where, environment, asked), "limit": plan.limit + 1}
    statement = ready.statements[0]
    kept = (statement, repr(sorted(given.items())))
    return kept_figures.answer(
        reader, made, kept, lambda: _rows(reader.rows(statement, given), len(plan.groups))
    )


def _rows(rows: Sequence[Row], width: int) -> list[AggregateRow]:
    return [
        AggregateRow(tuple(row[3:]), row[0], row[1], row[2])
        for row in rows
        if width or row[1] or row[2] is None
    ]


def _compile(
    reader: Reader, model: Model, plan: AggregatePlan, environment: Environment, searching: bool
) -> query.Ready:
    scope = Scope(
        model.tables, model.tables.entity(plan.entity.ref), reader.dialect, environment, plan.where.hops
    )
    source = None if plan.value is None else scope.columns(plan.value)
    groups = [group_column(scope, group) for group in plan.groups]
    conditions = query.conditions_of(scope, plan.where, searching)
    figure, counted = _figure(plan.aggregate, source)
    currency: sa.ColumnElement[Any] = sa.cast(sa.null(), sa.Text())
    by: list[sa.ColumnElement[Any]] = list(groups)
    if source is not None and len(source) > 1 and plan.aggregate not in ("count", "distinct"):
        currency = source[1]
        by.append(currency)
        conditions.append(source[0].is_not(None))
    statement = (
        sa.select(
            figure.label("figure"), counted.label("counted"), currency.label("currency"), *_named(groups)
        )
        .select_from(scope.source)
        .where(*conditions)
        .group_by(*by)
        .order_by(*_order(plan, figure, by))
        .limit(sa.bindparam("limit", type_=sa.BigInteger()))
    )
    return query.Ready((Prepared(statement),), tuple(scope.bound), (), slice(0))


def _named(groups: Sequence[sa.ColumnElement[Any]]) -> list[sa.ColumnElement[Any]]:
    return [column.label(f"k{at}") for at, column in enumerate(groups)]


def _order(
    plan: AggregatePlan, figure: sa.ColumnElement[Any], by: Sequence[sa.ColumnElement[Any]]
) -> list[sa.ColumnElement[Any]]:
    keys: list[sa.ColumnElement[Any]] = [MissingSmallest(column, descending=False) for column in by]
    return keys if plan.by_key or not plan.groups else [MissingSmallest(figure, descending=True), *keys]


def _figure(aggregate: str, source: Columns | None) -> tuple[sa.ColumnElement[Any], sa.ColumnElement[int]]:
    everything = sa.func.count()
    if source is None:
        return everything, everything
    counted = sa.func.count(source[0])
    if aggregate == "count":
        return counted, counted
    if aggregate == "distinct":
        return sa.func.count(sa.distinct(source[0])), counted
    if aggregate in ("sum", "avg"):
        return sa.cast(sa.func.sum(source[0]), sa.BigInteger()), counted
    return (sa.func.min if aggregate == "min" else sa.func.max)(source[0]), counted


def group_column(scope: Scope, group: Group) -> sa.ColumnElement[Any]:
    """What records are grouped by: a path's value, cut to a grain where it has one."""
    column = scope.columns(group.path)[0]
    if isinstance(group.path[-1].codec.type, ListOf):
        return scope.each_item(column)
    if not group.grain:
        return column
    if group.grain == "hour":
        return sa.func.dc_hour_of(column, _zone(scope), type_=sa.BigInteger())
    if group.path[-1].codec.columns[0].primitive is Primitive.INSTANT:
        column = sa.func.dc_date_of(column, _zone(scope), type_=sa.Text())
    if group.grain == "weekday":
        return _weekday(scope, column)
    if group.grain == "quarter":
        month = sa.cast(sa.func.substr(column, 6, 2), sa.Integer())
        quarter = sa.cast(
            (month + sa.literal_column("2", sa.Integer())) // sa.literal_column("3", sa.Integer()), sa.Text()
        )
        return sa.func.substr(column, sa.literal_column("1"), sa.literal_column("4")) + "-Q" + quarter
    if group.grain == "week":
        return _monday(scope, column)
    length: sa.ColumnElement[Any] = sa.literal_column(str(_LENGTHS[group.grain]))
    return sa.func.substr(column, sa.literal_column("1"), length, type_=sa.Text())


def _monday(scope: Scope, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """The date of the Monday on or before a date."""
    if scope.dialect == "sqlite":
        sunday, back = sa.literal_column("'weekday 0'", sa.Text()), sa.literal_column("'-6 days'", sa.Text())
        return sa.func.date(column, sunday, back, type_=sa.Text())
    week = sa.func.date_trunc(sa.literal_column("'week'", sa.Text()), sa.cast(column, sa.Date()))
    return sa.func.to_char(week, sa.literal_column("'YYYY-MM-DD'", sa.Text()), type_=sa.Text())


def _weekday(scope: Scope, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """0 on a Monday to 6 on a Sunday."""
    if scope.dialect == "sqlite":
        sunday = sa.cast(sa.func.strftime(sa.literal_column("'%w'", sa.Text()), column), sa.BigInteger())
        return (sunday + sa.literal_column("6", sa.BigInteger())) % sa.literal_column("7", sa.BigInteger())
    day = sa.func.date_part(sa.literal_column("'isodow'", sa.Text()), sa.cast(column, sa.Date()))
    return sa.cast(day, sa.BigInteger()) - sa.literal_column("1", sa.BigInteger())


def _zone(scope: Scope) -> sa.ColumnElement[str]:
    return sa.literal_column(_quoted(str(scope.environment.zone)), sa.Text())


def _quoted(zone: str) -> str:
    """A zone name as a literal: it comes from `ZoneInfo`, and what it may hold is checked all the same."""
    if not all(letter.isalnum() or letter in "/_+-" for letter in zone):
        raise ValueError(zone)
    return f"'{zone}'"
