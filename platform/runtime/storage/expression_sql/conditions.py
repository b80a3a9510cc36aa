"""Conditions as SQL: two-valued where it matters, plain `column = ?` where an index should help."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from dacheng.metadata.expression import MISSING, NUMBER, TEXT, ListOf, RecordOf, Type, Typed
from dacheng.metadata.expression.text import after_prefix
from dacheng.runtime.storage.expression_sql.compiler import Compiler, certain, items_of
from dacheng.runtime.storage.expression_sql.forms import bound, bound_list, list_type, scaled, sql_type
from dacheng.runtime.storage.expression_sql.operands import (
    Condition,
    Element,
    Resolve,
    SqlList,
    SqlOperand,
    Value,
)

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_MIRROR = {"==": "==", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def _equal(c: Compiler, typed: Typed, resolve: Resolve, exact: bool) -> Condition:
    left, right = typed.args
    kinds = {arg.type for arg in typed.args} - {MISSING}
    if c.is_null(left) or c.is_null(right) or len(kinds) > 1:
        return _both_missing(c, typed, resolve)
    a, b = c.value(left, resolve), c.value(right, resolve)
    if a.nullable and b.nullable:
        a_sql, b_sql = _bare_pair(a, b)
        return a_sql.is_not_distinct_from(b_sql)
    return certain(_compared(c, "==", a, b), exact)


def _both_missing(c: Compiler, typed: Typed, resolve: Resolve) -> Condition:
    tests = [_is_missing(c, arg, resolve) for arg in typed.args if not c.is_null(arg)]
    return sa.and_(sa.true(), *tests)


def _is_missing(c: Compiler, typed: Typed, resolve: Resolve) -> Condition:
    value = c.value(typed, resolve)
    column = value.operand.column if value.operand is not None else value.sql
    return column.is_(None) if value.nullable else sa.false()


def _unequal(c: Compiler, typed: Typed, resolve: Resolve, exact: bool) -> Condition:
    return sa.not_(_equal(c, typed, resolve, True))


def _ordered(c: Compiler, typed: Typed, resolve: Resolve, exact: bool) -> Condition:
    if c.is_null(typed.args[0]) or c.is_null(typed.args[1]):
        return sa.false()
    a, b = (c.value(arg, resolve) for arg in typed.args)
    if c.dialect == "postgresql" and typed.args[0].type == TEXT:
        return certain(_COMPARE[typed.operator](a.sql, sa.collate(b.sql, "C")), exact)
    return certain(_compared(c, typed.operator, a, b), exact)


def _compared(c: Compiler, name: str, a: Value, b: Value) -> Condition:
    if _scaled_column(a) is not None and b.place is not None:
        return _against(c, name, a, b.place)
    if _scaled_column(b) is not None and a.place is not None:
        return _against(c, _MIRROR[name], b, a.place)
    left, right = _bare_pair(a, b)
    return _COMPARE[name](left, right)  # type: ignore[no-any-return]


def _scaled_column(value: Value) -> SqlOperand | None:
    operand = value.operand
    return operand if operand is not None and operand.kind == NUMBER and operand.scale is not None else None


def _against(c: Compiler, name: str, value: Value, place: int) -> Condition:
    column = _scaled_column(value)
    assert column is not None
    assert column.scale is not None
    scale = column.scale
    other = c.binder.bind(place, lambda number, _env: scaled(number, scale, name), sa.BigInteger())
    return _COMPARE[name](column.column, other)  # type: ignore[no-any-return]


def _bare_pair(a: Value, b: Value) -> tuple[Element, Element]:
    """Two number columns of one scale are compared as they are stored."""
    left, right = _scaled_column(a), _scaled_column(b)
    if left is not None and right is not None and left.scale == right.scale:
        return left.column, right.column
    return a.sql, b.sql


def _and(c: Compiler, typed: Typed, resolve: Resolve, exact: bool) -> Condition:
    return sa.and_(sa.true(), *(c.condition(arg, resolve, exact=exact) for arg in typed.args))


def _or(c: Compiler, typed: Typed, resolve: Resolve, exact: bool) -> Condition:
    return sa.or_(sa.false(), *(c.condition(arg, resolve, exact=exact) for arg in typed.args))


def _not(c: Compiler, typed: Typed, resolve: Resolve, exact: bool) -> Condition:
    return sa.not_(c.condition(typed.args[0], resolve, exact=True))


# ---------------------------------------------------------------- texts
def _contains(c: Compiler, typed: Typed, resolve: Resolve, exact: bool) -> Condition:
    return _found(c, typed.args[0], typed.args[1], resolve, exact)


def _found(c: Compiler, whole: Typed, part: Typed, resolve: Resolve, exact: bool) -> Condition:
    position = sa.func.strpos if c.dialect == "postgresql" else sa.func.instr
    return certain(
        position(c.value(whole, resolve).sql, c.value(part, resolve).sql) > sa.literal_column("0"), exact
    )


def _starts_with(c: Compiler, typed: Typed, resolve: Resolve, exact: bool) -> Condition:
    whole, prefix = typed.args
    place = c.binder.place(prefix)
    value = c.constant(prefix)
    if place is not None and isinstance(value, str) and after_prefix(value) is not None:
        return _prefix_range(c, c.value(whole, resolve).sql, place, exact)
    if c.dialect == "postgresql":
        return certain(sa.func.starts_with(c.value(whole, resolve).sql, c.value(prefix, resolve).sql), exact)
    return certain(
        sa.func.instr(c.value(whole, resolve).sql, c.value(prefix, resolve).sql) == sa.literal_column("1"),
        exact,
    )


def _prefix_range(c: Compiler, text: Element, place: int, exact: bool) -> Condition:
    low = c.binder.bind(place, lambda prefix, _env: prefix, sa.Text())
    high = c.binder.bind(place, lambda prefix, _env: after_prefix(prefix), sa.Text())
    if c.dialect == "postgresql":
        low, high = sa.collate(low, "C"), sa.collate(high, "C")
    return certain(sa.and_(text >= low, text < high), exact)


# ---------------------------------------------------------------- lists
def _in(c: Compiler, typed: Typed, resolve: Resolve, exact: bool) -> Condition:
    needle, haystack = typed.args
    if c.is_null(needle) or c.is_null(haystack):
        return sa.false()
    if not isinstance(haystack.type, ListOf):
        return _found(c, haystack, needle, resolve, exact)
    item = haystack.type.item
    kind = item.fields(item.stands_for) if isinstance(item, RecordOf) else item
    if kind != needle.type:
        return sa.false()
    value = c.value(needle, resolve)
    place = c.binder.place(haystack)
    if place is not None:
        return certain(_in_values(c, value, place, kind), exact)
    items = items_of(haystack)
    if items is not None:
        return certain(value.sql.in_([c.value(entry, resolve).sql for entry in items]), exact)
    return _in_rows(c, value, c.listed(haystack, resolve), item)


def _in_values(c: Compiler, value: Value, place: int, kind: Type) -> Condition:
    dialect, column = c.dialect, _scaled_column(value)
    if column is not None and column.scale is not None:
        scale, item, sql = column.scale, sa.BigInteger(), column.column
        values = c.binder.bind(
            place,
            lambda found, _env: bound_list((scaled(each, scale, "in") for each in _present(found)), dialect),
            list_type(item, dialect),
        )
    else:
        item, sql = sql_type(kind, dialect), value.sql
        values = c.binder.bind(
            place,
            lambda found, _env: bound_list((bound(each, kind, dialect) for each in _present(found)), dialect),
            list_type(item, dialect),
        )
    if dialect == "postgresql":
        return sql == sa.any_(values)
    return sql.in_(sa.select(sa.func.json_each(values).table_valued("value").c.value))


def _present(values: Any) -> list[Any]:
    return [value for value in values if value is not None]


def _in_rows(c: Compiler, value: Value, rows: SqlList, item: Type) -> Condition:
    found = rows.resolve((item.stands_for,) if isinstance(item, RecordOf) else ())
    if not isinstance(found, SqlOperand):
        return sa.false()
    same = found.scale == value.operand.scale if value.operand is not None else False
    if found.kind == NUMBER and found.scale is not None and not same:
        return _exists(rows, c.lift(found.column, found.scale) == value.sql)
    sql = value.operand.column if value.operand is not None and found.kind == NUMBER else value.sql
    return _exists(rows, found.column == sql)


def _exists(rows: SqlList, condition: Condition) -> Condition:
    if rows.among is not None:
        return rows.among(condition)
    found: sa.Select[Any] = (
        sa.select(sa.literal_column("1")).select_from(rows.source).where(rows.condition, condition)
    )
    return sa.exists(found.correlate_except(rows.source))


def _some(c: Compiler, typed: Typed, resolve: Resolve, exact: bool) -> Condition:
    listed, condition = typed.args
    items = items_of(listed)
    if items is not None:
        each = (c.condition(condition, _item_scope(c, item, resolve), exact=exact) for item in items)
        return sa.or_(sa.false(), *each)
    rows = c.listed(listed, resolve)
    return _exists(rows, c.condition(condition, rows.resolve, exact=False))


def _none(c: Compiler, typed: Typed, resolve: Resolve, exact: bool) -> Condition:
    return sa.not_(_some(c, typed, resolve, True))


def _all(c: Compiler, typed: Typed, resolve: Resolve, exact: bool) -> Condition:
    listed, condition = typed.args
    items = items_of(listed)
    if items is not None:
        each = (c.condition(condition, _item_scope(c, item, resolve), exact=exact) for item in items)
        return sa.and_(sa.true(), *each)
    rows = c.listed(listed, resolve)
    return sa.not_(_exists(rows, sa.not_(c.condition(condition, rows.resolve, exact=True))))


def _item_scope(c: Compiler, item: Typed, outer: Resolve) -> Resolve:
    """Within a condition on a written-out list the item is its own expression, compiled anew at each mention."""

    def resolve(_path: tuple[str, ...], /) -> SqlOperand:
        return SqlOperand(item.type, c.value(item, outer).sql, None)

    return resolve


def _is_set(c: Compiler, typed: Typed, resolve: Resolve, exact: bool) -> Condition:
    (arg,) = typed.args
    items = items_of(arg)
    if items is not None:
        return sa.true() if items else sa.false()
    if isinstance(arg.type, ListOf):
        return _exists(c.listed(arg, resolve), sa.true())
    value = c.value(arg, resolve)
    if arg.type == TEXT:
        return certain(value.sql != sa.literal_column("''"), exact)
    column = value.operand.column if value.operand is not None else value.sql
    return column.is_not(None) if value.nullable else sa.true()


CONDITIONS = {
    "==": _equal,
    "!=": _unequal,
    "<": _ordered,
    "<=": _ordered,
    ">": _ordered,
    ">=": _ordered,
    "and": _and,
    "or": _or,
    "!": _not,
    "in": _in,
    "some": _some,
    "all": _all,
    "none": _none,
    "is_set": _is_set,
    "contains": _contains,
    "starts_with": _starts_with,
}
