"""Computed values as SQL: one call per operator to a `dc_…` function, so that no operand is written twice."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import sqlalchemy as sa

from dacheng.metadata.expression import DATE, DURATION, INSTANT, NUMBER, TEXT, ListOf, Type, Typed
from dacheng.metadata.expression.moments import DURATION_LIMIT, FIRST_INSTANT, LAST_INSTANT
from dacheng.runtime.storage.expression_sql.compiler import Compiler, items_of
from dacheng.runtime.storage.expression_sql.forms import sql_type
from dacheng.runtime.storage.expression_sql.operands import Element, Resolve, SqlOperand, Value

Build = Callable[[Compiler, Typed, Resolve], Value]


def _call(c: Compiler, name: str, kind: Type, *args: Element) -> Value:
    return Value(getattr(sa.func, name)(*args, type_=sql_type(kind, c.dialect)))


def _function(name: str) -> Build:
    def build(c: Compiler, typed: Typed, resolve: Resolve) -> Value:
        return _call(c, name, typed.type, *(c.value(arg, resolve).sql for arg in typed.args))

    return build


def _fold(name: str, operator: Callable[[Any, Any], Any]) -> Build:
    """Numbers pair by pair through the function; instants and durations by integer arithmetic within their range."""

    def build(c: Compiler, typed: Typed, resolve: Resolve) -> Value:
        parts = [c.value(arg, resolve).sql for arg in typed.args]
        if typed.type == NUMBER:
            return Value(reduce(lambda a, b: _call(c, name, NUMBER, a, b).sql, parts))
        return Value(reduce(lambda a, b: _within(c, operator(a, b), typed.type).sql, parts))

    return build


def _within(c: Compiler, sql: Element, kind: Type) -> Value:
    low, high = (FIRST_INSTANT, LAST_INSTANT) if kind == INSTANT else (1 - DURATION_LIMIT, DURATION_LIMIT - 1)
    return _call(c, "dc_within", kind, sql, sa.literal_column(str(low)), sa.literal_column(str(high)))


def _minus(c: Compiler, typed: Typed, resolve: Resolve) -> Value:
    if len(typed.args) == 2:
        return _fold("dc_sub", lambda a, b: a - b)(c, typed, resolve)
    value = c.value(typed.args[0], resolve).sql
    return _call(c, "dc_neg", NUMBER, value) if typed.type == NUMBER else Value(-value)


def _divide(c: Compiler, typed: Typed, resolve: Resolve) -> Value:
    a, b = (c.value(arg, resolve).sql for arg in typed.args)
    if typed.args[0].type == DURATION:
        a, b = c.lift(a, 0), c.lift(b, 0)
    return _call(c, "dc_div", NUMBER, a, b)


def _round(c: Compiler, typed: Typed, resolve: Resolve) -> Value:
    digits = (
        c.value(typed.args[1], resolve).sql if len(typed.args) == 2 else c.lift(sa.literal_column("0"), 0)
    )
    return _call(c, "dc_round", NUMBER, c.value(typed.args[0], resolve).sql, digits)


def _if(c: Compiler, typed: Typed, resolve: Resolve) -> Value:
    args = typed.args
    otherwise = c.value(args[-1], resolve) if len(args) % 2 else c.null(typed.type)
    branches = [
        (c.condition(condition, resolve, exact=False), c.value(value, resolve).sql)
        for condition, value in zip(args[::2], args[1::2], strict=False)
    ]
    return Value(sa.case(*branches, else_=otherwise.sql))


def _cat(c: Compiler, typed: Typed, resolve: Resolve) -> Value:
    parts = []
    for arg in typed.args:
        value = c.value(arg, resolve)
        sql = sa.func.dc_num_text(value.sql, type_=sa.Text()) if arg.type == NUMBER else value.sql
        parts.append(
            sa.func.coalesce(sql, sa.literal_column("''"), type_=sa.Text()) if value.nullable else sql
        )
    return Value(reduce(lambda a, b: a.op("||")(b), parts), nullable=False)


def _length(c: Compiler, typed: Typed, resolve: Resolve) -> Value:
    (arg,) = typed.args
    if not isinstance(arg.type, ListOf):
        return Value(c.lift(sa.func.length(c.value(arg, resolve).sql), 0))
    items = items_of(arg)
    if items is not None:
        return Value(c.lift(sa.literal_column(str(len(items))), 0), nullable=False)
    rows = c.listed(arg, resolve)
    count = sa.select(sa.func.count()).select_from(rows.source).where(rows.condition)
    return Value(c.lift(count.correlate_except(rows.source).scalar_subquery(), 0), nullable=False)


def _first(c: Compiler, typed: Typed, resolve: Resolve) -> Value:
    (arg,) = typed.args
    items = items_of(arg)
    if items is not None:
        return c.value(items[0], resolve) if items else c.null(TEXT)
    rows = c.listed(arg, resolve)
    found = rows.resolve(())
    if not isinstance(found, SqlOperand):
        raise c.unable(typed)
    chosen = sa.select(found.column).select_from(rows.source).where(rows.condition)
    one = chosen.limit(sa.literal_column("1"))  # both databases unpack a list in its order
    return Value(one.correlate_except(rows.source).scalar_subquery())


def _extreme(name: str) -> Build:
    def build(c: Compiler, typed: Typed, resolve: Resolve) -> Value:
        listed = isinstance(typed.args[0].type, ListOf)
        items = items_of(typed.args[0]) if listed else typed.args
        if items is None:
            return _extreme_row(c, name, typed, resolve)
        parts = [c.value(item, resolve).sql for item in items]
        if len(parts) < 2:
            return Value(parts[0])
        if c.dialect == "sqlite":
            return Value(getattr(sa.func, name)(*parts, type_=sql_type(typed.type, c.dialect)))
        return Value(reduce(lambda a, b: _call(c, f"dc_{name}", typed.type, a, b).sql, parts))

    return build


def _extreme_row(c: Compiler, name: str, typed: Typed, resolve: Resolve) -> Value:
    rows = c.listed(typed.args[0], resolve)
    found = rows.resolve(())
    if not isinstance(found, SqlOperand):
        raise c.unable(typed)
    item = (
        c.lift(found.column, found.scale)
        if found.kind == NUMBER and found.scale is not None
        else found.column
    )
    if typed.type in (TEXT, DATE) and c.dialect == "postgresql":
        item = sa.collate(item, "C")
    whole = sa.func.count() == sa.func.count(item)
    best = (
        sa.select(sa.case((whole, getattr(sa.func, name)(item))))
        .select_from(rows.source)
        .where(rows.condition)
    )
    return Value(best.correlate_except(rows.source).scalar_subquery())


# ---------------------------------------------------------------- dates
def _day(c: Compiler, typed: Typed, resolve: Resolve) -> Element:
    """A date operand as it is, an instant's date in the zone."""
    sql = c.value(typed, resolve).sql
    if typed.type != INSTANT:
        return sql
    zone = c.binder.bind(None, lambda _value, env: env.zone.key, sa.Text())
    return _call(c, "dc_date_of", DATE, sql, zone).sql


def _date(c: Compiler, typed: Typed, resolve: Resolve) -> Value:
    (arg,) = typed.args
    if arg.type == TEXT:
        return _call(c, "dc_date_text", DATE, c.value(arg, resolve).sql)
    return Value(_day(c, arg, resolve))


def _start_of(c: Compiler, typed: Typed, resolve: Resolve) -> Value:
    return _call(c, "dc_start_of", DATE, c.value(typed.args[0], resolve).sql, _day(c, typed.args[1], resolve))


def _hour(c: Compiler, typed: Typed, resolve: Resolve) -> Value:
    zone = c.binder.bind(None, lambda _value, env: env.zone.key, sa.Text())
    hour = sa.func.dc_hour_of(c.value(typed.args[0], resolve).sql, zone, type_=sa.BigInteger())
    return Value(c.lift(hour, 0))


def _days_between(c: Compiler, typed: Typed, resolve: Resolve) -> Value:
    return _call(c, "dc_days", NUMBER, *(_day(c, arg, resolve) for arg in typed.args))


def _working_days(c: Compiler, typed: Typed, resolve: Resolve) -> Value:
    off = c.binder.bind(None, lambda _value, env: ",".join(env.calendar.off), sa.Text())
    extra = c.binder.bind(None, lambda _value, env: ",".join(env.calendar.extra), sa.Text())
    days = [_day(c, arg, resolve) for arg in typed.args]
    return _call(c, "dc_working_days", NUMBER, *days, off, extra)


VALUES: dict[str, Build] = {
    "+": _fold("dc_add", lambda a, b: a + b),
    "-": _minus,
    "*": _fold("dc_mul", lambda a, b: a * b),
    "/": _divide,
    "%": _function("dc_mod"),
    "abs": _function("dc_abs"),
    "round": _round,
    "min": _extreme("min"),
    "max": _extreme("max"),
    "cat": _cat,
    "if": _if,
    "first": _first,
    "length": _length,
    "lower": _function("dc_lower"),
    "substr": _function("dc_substr"),
    "date": _date,
    "add_days": _function("dc_add_days"),
    "add_months": _function("dc_add_months"),
    "days_between": _days_between,
    "start_of": _start_of,
    "hour": _hour,
    "working_days_between": _working_days,
}
