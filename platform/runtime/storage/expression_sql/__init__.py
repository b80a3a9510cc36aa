"""Expressions as SQL on SQLite and PostgreSQL: one path, bound values only, and statements that can be re-bound."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from dacheng.metadata.expression import (
    BOOLEAN,
    MISSING,
    NUMBER,
    Calendar,
    Environment,
    Expression,
    environment,
)
from dacheng.metadata.expression.typed import NO_VALUES
from dacheng.metadata.problem import refuse
from dacheng.runtime.storage.expression_sql.compiler import Compiler
from dacheng.runtime.storage.expression_sql.conditions import CONDITIONS
from dacheng.runtime.storage.expression_sql.operands import (
    Bind,
    Binder,
    Dialect,
    Prepared,
    Resolve,
    SqlList,
    SqlOperand,
)
from dacheng.runtime.storage.expression_sql.values import VALUES

__all__ = [
    "Bind",
    "Dialect",
    "Prepared",
    "Resolve",
    "SqlList",
    "SqlOperand",
    "prepare_condition",
    "prepare_value",
    "to_sql",
    "value_sql",
]


def to_sql(
    expression: Expression,
    resolve: Resolve,
    *,
    dialect: Dialect,
    now: datetime,
    zone: ZoneInfo,
    context: Mapping[str, Any] = NO_VALUES,
    calendar: Calendar | None = None,
    exact: bool = False,
) -> sa.ColumnElement[bool]:
    """The condition for a WHERE, where NULL counts as false; with `exact` never NULL, for use under NOT or in a value.

    Raises Refused `expression.not_in_sql` for what the database cannot work out.
    """
    surroundings = environment(now, zone, context, calendar)
    return _condition(expression, resolve, dialect, surroundings, None, exact).clause


def value_sql(
    expression: Expression,
    resolve: Resolve,
    *,
    dialect: Dialect,
    now: datetime,
    zone: ZoneInfo,
    context: Mapping[str, Any] = NO_VALUES,
    calendar: Calendar | None = None,
    scale: int | None = 6,
) -> sa.ColumnElement[Any]:
    """The value in stored form: numbers as integers × 10^`scale` (NULL beyond 64 bits), booleans 0/1, ISO dates, ms.

    With `scale` None a number stays in computed form, for comparing and sorting: numeric on PostgreSQL, coded text
    on SQLite (`dc_num_text` writes it out on both).
    """
    surroundings = environment(now, zone, context, calendar)
    return _value(expression, resolve, dialect, surroundings, None, scale).clause


def prepare_condition(
    expression: Expression,
    resolve: Resolve,
    *,
    dialect: Dialect,
    environment: Environment,
    name: str,
    exact: bool = False,
) -> Prepared:
    """The condition with bound names `{name}_0` … for every call of the same `expression.shape` key."""
    return _condition(expression, resolve, dialect, environment, name, exact)


def prepare_value(
    expression: Expression,
    resolve: Resolve,
    *,
    dialect: Dialect,
    environment: Environment,
    name: str,
    scale: int | None = 6,
) -> Prepared:
    """The value with bound names `{name}_0` … for every call of the same `expression.shape` key."""
    return _value(expression, resolve, dialect, environment, name, scale)


def _condition(
    expression: Expression,
    resolve: Resolve,
    dialect: Dialect,
    surroundings: Environment,
    name: str | None,
    exact: bool,
) -> Prepared:
    if expression.type not in (BOOLEAN, MISSING):
        raise refuse(
            "expression.operand_type", expression.node.pointer, operator="filter", found=expression.type.name
        )
    binder = Binder.of(expression, surroundings, name)
    clause = Compiler(dialect, binder, CONDITIONS, VALUES).condition(expression.root, resolve, exact=exact)
    return Prepared(clause, tuple(binder.binds))


def _value(
    expression: Expression,
    resolve: Resolve,
    dialect: Dialect,
    surroundings: Environment,
    name: str | None,
    scale: int | None,
) -> Prepared:
    binder = Binder.of(expression, surroundings, name)
    value = Compiler(dialect, binder, CONDITIONS, VALUES).value(expression.root, resolve)
    if expression.type != NUMBER or scale is None:
        return Prepared(value.sql, tuple(binder.binds))
    if value.operand is not None and value.operand.scale == scale:
        return Prepared(value.operand.column, tuple(binder.binds))
    clause = sa.func.dc_scaled(value.sql, sa.literal_column(str(scale)), type_=sa.BigInteger())
    return Prepared(clause, tuple(binder.binds))
