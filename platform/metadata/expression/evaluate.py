"""The authoritative evaluator: a typed tree becomes closures once, and a record runs through them in microseconds."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from dacheng.metadata.expression import functions
from dacheng.metadata.expression.ast import Call, Literal, Var
from dacheng.metadata.expression.moments import WEEKDAYS, Calendar, to_ms
from dacheng.metadata.expression.operators import QUANTIFIERS
from dacheng.metadata.expression.typed import NO_VALUES, Environment, Expression, Run, Typed
from dacheng.metadata.expression.types import BOOLEAN, MISSING, TEXT, ListOf, RecordOf
from dacheng.metadata.expression.values import external, reader


def environment(
    now: datetime, zone: ZoneInfo, context: Mapping[str, Any] = NO_VALUES, calendar: Calendar | None = None
) -> Environment:
    """The surroundings of an evaluation; `now` must be aware and within years 1 to 9999 (ValueError otherwise)."""
    ms = to_ms(now)
    if ms is None:
        raise ValueError("now must be an aware datetime within the calendar")
    return Environment(ms, zone, context, calendar or WEEKDAYS)


def evaluate(
    expression: Expression,
    record: Mapping[str, Any],
    *,
    now: datetime,
    zone: ZoneInfo,
    context: Mapping[str, Any] = NO_VALUES,
    calendar: Calendar | None = None,
) -> Any:
    """The value for one record: str, Decimal, bool, date, aware UTC datetime, timedelta, tuple, mapping or None."""
    return external(expression.run(record, environment(now, zone, context, calendar)), expression.type)


def prepare(expression: Expression) -> Callable[[Mapping[str, Any], Environment], Any]:
    """The same as a function of record and environment, for many records."""
    run, kind = expression.run, expression.type
    if kind in (BOOLEAN, TEXT):
        return run
    return lambda record, surroundings: external(run(record, surroundings), kind)


def build(typed: Typed) -> Run:
    """The closure of one typed node: (scope, environment) → internal value."""
    node = typed.node
    if isinstance(node, Literal):
        return _constant(reader(typed.type)(node.value))
    if isinstance(node, Var):
        return _variable(node, typed)
    args = tuple(build(arg) for arg in typed.args)
    return _BUILDERS[node.operator](typed, args) if isinstance(node, Call) else _items(args)


def _constant(value: Any) -> Run:
    return lambda _scope, _env: value


def _items(args: tuple[Run, ...]) -> Run:
    return lambda scope, env: tuple(arg(scope, env) for arg in args)


# ---------------------------------------------------------------- variables
def _variable(node: Var, typed: Typed) -> Run:
    read, path = reader(typed.type), node.path
    if not path:
        return lambda scope, _env: read(scope)
    if path[0].startswith("$"):
        walk = _walker(path, typed.standing)
        return lambda _scope, env: read(walk(env.context))
    if len(path) == 1 and not typed.standing[0]:
        name = path[0]
        return lambda scope, _env: read(scope.get(name)) if isinstance(scope, Mapping) else read(None)
    walk = _walker(path, typed.standing)
    return lambda scope, _env: read(walk(scope))


def _walker(path: tuple[str, ...], standing: tuple[bool, ...]) -> Callable[[Any], Any]:
    steps = tuple(zip(path, standing, strict=True))

    def walk(value: Any) -> Any:
        for name, stands in steps:
            if isinstance(value, Mapping):
                value = value.get(name)
            elif not stands:
                return None
        return value

    return walk


# ---------------------------------------------------------------- conditions
def _equality(typed: Typed, args: tuple[Run, ...]) -> Run:
    left, right = args
    wanted = typed.operator == "=="
    kinds = {arg.type for arg in typed.args} - {MISSING}
    if len(kinds) > 1:
        return lambda scope, env: (left(scope, env) is None and right(scope, env) is None) is wanted
    return lambda scope, env: (left(scope, env) == right(scope, env)) is wanted


def _ordering(compare: Callable[[Any, Any], bool]) -> Callable[[Typed, tuple[Run, ...]], Run]:
    def builder(_typed: Typed, args: tuple[Run, ...]) -> Run:
        left, right = args

        def run(scope: Any, env: Environment) -> bool:
            a, b = left(scope, env), right(scope, env)
            return a is not None and b is not None and compare(a, b)

        return run

    return builder


def _and(_typed: Typed, args: tuple[Run, ...]) -> Run:
    return lambda scope, env: all(arg(scope, env) for arg in args)


def _or(_typed: Typed, args: tuple[Run, ...]) -> Run:
    return lambda scope, env: any(arg(scope, env) for arg in args)


def _not(_typed: Typed, args: tuple[Run, ...]) -> Run:
    (arg,) = args
    return lambda scope, env: not arg(scope, env)


def _if(_typed: Typed, args: tuple[Run, ...]) -> Run:
    branches = tuple(zip(args[::2], args[1::2], strict=False))
    otherwise = args[-1] if len(args) % 2 else _constant(None)

    def run(scope: Any, env: Environment) -> Any:
        for condition, value in branches:
            if condition(scope, env):
                return value(scope, env)
        return otherwise(scope, env)

    return run


def _in(typed: Typed, args: tuple[Run, ...]) -> Run:
    needle, haystack = args
    kind = typed.args[1].type
    same = not isinstance(kind, ListOf) or typed.args[0].type == functions.item_type(kind)
    stand = (
        functions.standing_item(kind)
        if isinstance(kind, ListOf) and isinstance(kind.item, RecordOf)
        else None
    )

    def run(scope: Any, env: Environment) -> bool:
        wanted, found = needle(scope, env), haystack(scope, env)
        if wanted is None or found is None or not same:
            return False
        return wanted in (found if stand is None else [stand(item) for item in found])

    return run


def _quantifier(typed: Typed, args: tuple[Run, ...]) -> Run:
    items, condition = args
    reduce = all if typed.operator == "all" else any
    wanted = typed.operator != "none"
    return lambda scope, env: reduce(bool(condition(item, env)) for item in items(scope, env)) is wanted


def _is_set(_typed: Typed, args: tuple[Run, ...]) -> Run:
    (arg,) = args

    def run(scope: Any, env: Environment) -> bool:
        value = arg(scope, env)
        return value is not None and value != "" and value != ()

    return run


# ---------------------------------------------------------------- functions
def _strict(typed: Typed, args: tuple[Run, ...]) -> Run:
    apply = functions.choose(typed)
    if len(args) == 1:
        (only,) = args

        def run_one(scope: Any, env: Environment) -> Any:
            value = only(scope, env)
            return None if value is None else apply(env, value)

        return run_one

    def run(scope: Any, env: Environment) -> Any:
        values = [arg(scope, env) for arg in args]
        return None if None in values else apply(env, *values)

    return run


def _fold(typed: Typed, args: tuple[Run, ...]) -> Run:
    apply = functions.choose(typed)

    def run(scope: Any, env: Environment) -> Any:
        total = args[0](scope, env)
        for arg in args[1:]:
            value = arg(scope, env)
            total = None if total is None or value is None else apply(env, total, value)
        return total

    return run


def _extreme(pick: Callable[[Any], Any]) -> Callable[[Typed, tuple[Run, ...]], Run]:
    def builder(typed: Typed, args: tuple[Run, ...]) -> Run:
        listed = isinstance(typed.args[0].type, ListOf)

        def run(scope: Any, env: Environment) -> Any:
            values = args[0](scope, env) if listed else [arg(scope, env) for arg in args]
            return pick(values) if values and None not in values else None

        return run

    return builder


def _cat(typed: Typed, args: tuple[Run, ...]) -> Run:
    parts = tuple(
        (arg, functions.as_text(arg_type.type)) for arg, arg_type in zip(args, typed.args, strict=True)
    )

    def run(scope: Any, env: Environment) -> str:
        values = ((arg(scope, env), text) for arg, text in parts)
        return "".join(text(value) for value, text in values if value is not None)

    return run


def _false_when_missing(typed: Typed, args: tuple[Run, ...]) -> Run:
    strict = _strict(typed, args)
    return lambda scope, env: strict(scope, env) is True


def _now(_typed: Typed, _args: tuple[Run, ...]) -> Run:
    return lambda _scope, env: env.now


def _today(_typed: Typed, _args: tuple[Run, ...]) -> Run:
    def run(_scope: Any, env: Environment) -> date:
        return functions.day_of(env, env.now)

    return run


_BUILDERS: dict[str, Callable[[Typed, tuple[Run, ...]], Run]] = {
    "==": _equality,
    "!=": _equality,
    "and": _and,
    "or": _or,
    "!": _not,
    "if": _if,
    "in": _in,
    "is_set": _is_set,
    "<": _ordering(operator.lt),
    "<=": _ordering(operator.le),
    ">": _ordering(operator.gt),
    ">=": _ordering(operator.ge),
    "min": _extreme(min),
    "max": _extreme(max),
    "cat": _cat,
    "now": _now,
    "today": _today,
    "+": _fold,
    "*": _fold,
    "contains": _false_when_missing,
    "starts_with": _false_when_missing,
    **dict.fromkeys(QUANTIFIERS, _quantifier),
    **dict.fromkeys(
        (
            "-",
            "/",
            "%",
            "abs",
            "round",
            "lower",
            "substr",
            "first",
            "length",
            "date",
            "add_days",
            "add_months",
            "days_between",
            "start_of",
            "hour",
            "working_days_between",
        ),
        _strict,
    ),
}
