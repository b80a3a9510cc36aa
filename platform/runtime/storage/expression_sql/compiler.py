"""Walks a typed tree into SQL: parameters first, then stored operands, then operators by the tables beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from dacheng.metadata.expression import BOOLEAN, MISSING, NUMBER, Items, ListOf, Type, Typed, Var
from dacheng.metadata.problem import refuse
from dacheng.runtime.storage.expression_sql.forms import bound, sql_type
from dacheng.runtime.storage.expression_sql.operands import (
    Binder,
    Condition,
    Dialect,
    Element,
    Resolve,
    SqlList,
    SqlOperand,
    Value,
)

MAX_STEPS = 5000  # operands written out for every item they meet must not blow a statement up


@dataclass(slots=True)
class Compiler:
    """One compilation; `conditions` and `values` are the operator tables, given by the package."""

    dialect: Dialect
    binder: Binder
    conditions: dict[str, Any]
    values: dict[str, Any]
    steps: int = field(default=0)

    def constant(self, typed: Typed) -> object:
        """The value of a parameter in this call; only its missing-ness and truth may steer the compilation."""
        place = self.binder.place(typed)
        return None if place is None else self.binder.values[place]

    def is_null(self, typed: Typed) -> bool:
        """True when the operand is a parameter that is missing in this call's shape."""
        return self.binder.place(typed) is not None and self.constant(typed) is None

    def null(self, kind: Type) -> Value:
        """A missing value of a type."""
        return Value(sa.cast(sa.null(), sql_type(kind, self.dialect)))

    def condition(self, typed: Typed, resolve: Resolve, *, exact: bool) -> Condition:
        """A condition; when `exact` never NULL, else NULL may stand for false."""
        self._step(typed)
        if self.binder.place(typed) is not None:
            return sa.true() if self.constant(typed) is True else sa.false()
        if typed.operator in self.conditions:
            return self.conditions[typed.operator](self, typed, resolve, exact)  # type: ignore[no-any-return]
        if typed.type == MISSING:
            return sa.false()
        return certain(self.value(typed, resolve).sql == sa.literal_column("1"), exact)

    def value(self, typed: Typed, resolve: Resolve) -> Value:
        """A value in computed form."""
        self._step(typed)
        place = self.binder.place(typed)
        if place is not None:
            return self._parameter(typed, place)
        if isinstance(typed.node, Var):
            return self._stored(typed, resolve)
        if typed.operator in self.conditions:
            return self._truth(typed, resolve)
        build = self.values.get(typed.operator)
        if build is None:
            raise self.unable(typed)
        return build(self, typed, resolve)  # type: ignore[no-any-return]

    def listed(self, typed: Typed, resolve: Resolve) -> SqlList:
        """The stored list behind a variable."""
        found = resolve(typed.node.path) if isinstance(typed.node, Var) else None
        if not isinstance(found, SqlList):
            raise self.unable(typed)
        return found

    def lift(self, column: Element, scale: int) -> Element:
        """An integer column × 10^scale as a number in computed form."""
        if self.dialect == "sqlite":
            return sa.func.dc_num(column, sa.literal_column(str(scale)), type_=sa.Text())
        number = sa.cast(column, sa.Numeric())
        return (
            number * sa.literal_column(format(Decimal(1).scaleb(-scale), "f"), sa.Numeric())
            if scale
            else number
        )

    def unable(self, typed: Typed) -> Exception:
        """The refusal of what this database cannot work out."""
        name = typed.operator or ("list" if isinstance(typed.node, Items) else "var")
        return refuse("expression.not_in_sql", typed.node.pointer, operator=name)

    def _step(self, typed: Typed) -> None:
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise refuse("expression.too_costly", typed.node.pointer, cost=self.steps, limit=MAX_STEPS)

    def _parameter(self, typed: Typed, place: int) -> Value:
        kind = typed.type
        if isinstance(kind, ListOf):
            raise self.unable(typed)
        if self.constant(typed) is None:
            return self.null(kind)
        if kind == BOOLEAN:
            return Value(
                sa.literal_column("1" if self.constant(typed) else "0", sa.SmallInteger()), False, place=place
            )
        dialect = self.dialect
        sql = self.binder.bind(
            place, lambda value, _env: bound(value, kind, dialect), sql_type(kind, dialect)
        )
        return Value(sql, nullable=False, place=place)

    def _stored(self, typed: Typed, resolve: Resolve) -> Value:
        assert isinstance(typed.node, Var)
        operand = resolve(typed.node.path)
        if not isinstance(operand, SqlOperand):
            raise self.unable(typed)
        if operand.kind == NUMBER and operand.scale is not None:
            return Value(self.lift(operand.column, operand.scale), operand=operand)
        return Value(operand.column, operand=operand)

    def _truth(self, typed: Typed, resolve: Resolve) -> Value:
        holds = self.condition(typed, resolve, exact=False)
        one, zero = sa.literal_column("1", sa.SmallInteger()), sa.literal_column("0", sa.SmallInteger())
        return Value(sa.case((holds, one), else_=zero), nullable=False)


def certain(condition: Condition, exact: bool) -> Condition:
    """The condition with NULL made false, when that is asked for."""
    return sa.func.coalesce(condition, sa.false(), type_=sa.Boolean()) if exact else condition


def items_of(typed: Typed) -> tuple[Typed, ...] | None:
    """The items of a list written out, or None."""
    return typed.args if isinstance(typed.node, Items) else None
