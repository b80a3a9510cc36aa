"""Types an expression against a scope; every problem at once, and nothing said about what the scope does not know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from zoneinfo import ZoneInfo

from dacheng.metadata.expression import canonical
from dacheng.metadata.expression.ast import Call, Items, Literal, Node, Var
from dacheng.metadata.expression.evaluate import build
from dacheng.metadata.expression.functions import item_type
from dacheng.metadata.expression.moments import UNITS
from dacheng.metadata.expression.operators import OPERATORS, QUANTIFIERS, Operator, Overload
from dacheng.metadata.expression.typed import Environment, Expression, Parameter, Run, Typed
from dacheng.metadata.expression.types import (
    BOOLEAN,
    MISSING,
    NUMBER,
    TEXT,
    ListOf,
    RecordOf,
    Type,
    type_name,
)
from dacheng.metadata.problem import Problem, Refused, problem

MAX_COST = 20_000
LIST_SIZE = 50  # the items a list is assumed to have when the cost is reckoned
NO_CONTEXT: Mapping[str, Type] = MappingProxyType({})
_NO_ENVIRONMENT = Environment(0, ZoneInfo("UTC"))
_OVERFLOWING = frozenset({"+", "-", "*", "/", "round", "add_days", "add_months"})


def check(node: Node, scope: RecordOf, context: Mapping[str, Type] = NO_CONTEXT) -> Expression:
    """The typed expression; raises Refused for unknown variables, ill-typed operands, overflow or too high a cost.

    `context` gives the types of the variables that start with `$`, by their first step (`"$user"`).
    """
    checker = _Checker(context)
    root = checker.plain(checker.type(node, _Scope(scope)), _Scope(scope))
    cost = _cost(root)
    if cost > MAX_COST:
        checker.report("expression.too_costly", node, cost=cost, limit=MAX_COST)
    if checker.problems:
        raise Refused(checker.problems)
    run = build(root)
    template, closed = canonical.shape_of(root)
    called = {typed.operator for typed in _everything(root)}
    return Expression(
        root.node,
        root.type,
        root,
        frozenset(checker.seen),
        bool(called & {"now", "today"}),
        cost,
        run,
        MappingProxyType({".".join(path): type_name(kind) for path, kind in checker.seen.items()}),
        template,
        tuple(Parameter(typed, build(typed)) for typed in closed),
    )


@dataclass(frozen=True, slots=True)
class _Scope:
    """What variables are looked up in: a record, or an item of a list with that list's path."""

    type: Type
    prefix: tuple[str, ...] = ()
    item: bool = False


@dataclass(slots=True)
class _Checker:
    context: Mapping[str, Type]
    problems: list[Problem] = field(default_factory=list)
    seen: dict[tuple[str, ...], Type] = field(default_factory=dict)

    def report(self, code: str, node: Node, **params: object) -> None:
        """Notes a problem at a node."""
        self.problems.append(problem(code, node.pointer, "", **params))

    def type(self, node: Node, scope: _Scope) -> Typed:
        """The typed tree; an ill-typed part is reported and counts as missing from there on."""
        if isinstance(node, Literal):
            return Typed(node, node.type)
        if isinstance(node, Var):
            return self._variable(node, scope)
        if isinstance(node, Items):
            return self._items(node, scope)
        return self._call(node, scope)

    # ------------------------------------------------------------ variables
    def _variable(self, node: Var, scope: _Scope) -> Typed:
        if not node.path:
            return self._item(node, scope)
        inside = not node.path[0].startswith("$")
        kind: Type | None = scope.type if inside else self.context.get(node.path[0])
        steps = node.path if inside else node.path[1:]
        standing = [] if inside else [False]
        for index, step in enumerate(steps):
            bare = index > 0 or (inside and scope.item)
            standing.append(bare and isinstance(kind, RecordOf) and kind.stands_for == step)
            kind = kind.fields(step) if isinstance(kind, RecordOf) else None
        if kind is None or kind == MISSING:
            self.report("expression.unknown_variable", node, name=".".join(node.path))
            return Typed(node, MISSING)
        return self._note(Typed(node, kind, standing=tuple(standing)), scope)

    def _item(self, node: Var, scope: _Scope) -> Typed:
        if scope.item:
            return Typed(node, scope.type)
        self.report("expression.unknown_variable", node, name="")
        return Typed(node, MISSING)

    def _note(self, typed: Typed, scope: _Scope) -> Typed:
        assert isinstance(typed.node, Var)
        path = typed.node.path
        known = path if path and path[0].startswith("$") else scope.prefix + path
        if known:
            self.seen[known] = typed.type
        return typed

    def plain(self, typed: Typed, scope: _Scope) -> Typed:
        """A record where a plain value is wanted: the field it stands for."""
        if not isinstance(typed.type, RecordOf) or not isinstance(typed.node, Var):
            return typed
        if typed.type.fields(typed.type.stands_for) is None:
            return typed
        path = typed.node.path
        if path:
            self.seen.pop(path if path[0].startswith("$") else scope.prefix + path, None)
        return self._variable(replace(typed.node, path=(*path, typed.type.stands_for)), scope)

    def _items(self, node: Items, scope: _Scope) -> Typed:
        args = tuple(self.plain(self.type(item, scope), scope) for item in node.items)
        kinds = {arg.type for arg in args} - {MISSING}
        if len(kinds) > 1 or any(isinstance(kind, ListOf | RecordOf) for kind in kinds):
            self.report("expression.mixed_list", node, found=_names(args))
            return Typed(node, ListOf(MISSING))
        kind = next(iter(kinds), MISSING)
        args = tuple(_retype(arg, kind) for arg in args)
        return Typed(replace(node, items=tuple(arg.node for arg in args)), ListOf(kind), args)

    # ------------------------------------------------------------ calls
    def _call(self, node: Call, scope: _Scope) -> Typed:
        operator = OPERATORS[node.operator]
        if operator.rule == "quantifier":
            return self._quantifier(node, scope)
        args = tuple(self.plain(self.type(arg, scope), scope) for arg in node.args)
        rule = _RULES.get(operator.rule)
        before = len(self.problems)
        if rule is None:
            kind, args = self._overloaded(operator, node, args)
        else:
            kind, args = rule(self, node, args)
        typed = Typed(replace(node, args=tuple(arg.node for arg in args)), kind, args)
        if len(self.problems) == before:
            self._constants(typed)
        return typed

    def _quantifier(self, node: Call, scope: _Scope) -> Typed:
        items = self.type(node.args[0], scope)
        if not isinstance(items.type, ListOf):
            if items.type != MISSING or isinstance(items.node, Literal):
                self._mistyped(node, (items,))
            return Typed(node, BOOLEAN, (Typed(items.node, ListOf(MISSING)), Typed(node.args[1], BOOLEAN)))
        path = items.node.path if isinstance(items.node, Var) else ()
        prefix = path if path and path[0].startswith("$") else scope.prefix + path
        inner = _Scope(items.type.item, prefix, item=True)
        condition = self.plain(self.type(node.args[1], inner), inner)
        if condition.type not in (BOOLEAN, MISSING):
            self._mistyped(node, (items, condition))
        condition = _retype(condition, BOOLEAN)
        return Typed(replace(node, args=(items.node, condition.node)), BOOLEAN, (items, condition))

    def _overloaded(
        self, operator: Operator, node: Call, args: tuple[Typed, ...]
    ) -> tuple[Type, tuple[Typed, ...]]:
        for overload in operator.overloads:
            if _fits(overload, args):
                return overload.result, tuple(
                    _retype(arg, overload.accepts(index)[0]) for index, arg in enumerate(args)
                )
        self._mistyped(node, args)
        return MISSING, args

    def _mistyped(self, node: Call, args: tuple[Typed, ...]) -> None:
        self.report("expression.operand_type", node, operator=node.operator, found=_names(args))

    def equality(self, node: Call, args: tuple[Typed, ...]) -> tuple[Type, tuple[Typed, ...]]:
        """`==` takes any two plain values; of different types they are simply not equal."""
        if any(isinstance(arg.type, ListOf | RecordOf) for arg in args):
            self._mistyped(node, args)
        return BOOLEAN, args

    def choice(self, node: Call, args: tuple[Typed, ...]) -> tuple[Type, tuple[Typed, ...]]:
        """`if`: conditions are booleans, results share one plain type."""
        paired = len(args) - len(args) % 2
        conditions, values = args[:paired:2], args[1:paired:2] + args[paired:]
        kinds = {value.type for value in values} - {MISSING}
        wrong = any(condition.type not in (BOOLEAN, MISSING) for condition in conditions)
        if wrong or len(kinds) > 1 or any(isinstance(kind, ListOf | RecordOf) for kind in kinds):
            self._mistyped(node, args)
            return MISSING, args
        kind = next(iter(kinds), MISSING)
        return kind, tuple(
            _retype(arg, BOOLEAN if index < paired and index % 2 == 0 else kind)
            for index, arg in enumerate(args)
        )

    def membership(self, node: Call, args: tuple[Typed, ...]) -> tuple[Type, tuple[Typed, ...]]:
        """`in`: a text in a text, or any plain value in a list."""
        needle, haystack = args
        if isinstance(needle.type, ListOf | RecordOf):
            self._mistyped(node, args)
        elif isinstance(haystack.type, ListOf):
            self._note_items(haystack)
            if item_type(haystack.type) is None:
                self._mistyped(node, args)
        elif haystack.type not in (TEXT, MISSING) or needle.type not in (TEXT, MISSING):
            self._mistyped(node, args)
        else:
            return BOOLEAN, (_retype(needle, TEXT), _retype(haystack, TEXT))
        return BOOLEAN, args

    def _note_items(self, haystack: Typed) -> None:
        kind = haystack.type
        if isinstance(kind, ListOf) and isinstance(kind.item, RecordOf) and isinstance(haystack.node, Var):
            found = item_type(kind)
            if found is not None:
                below = [path for path in self.seen if path[-len(haystack.node.path) :] == haystack.node.path]
                self.seen.update({(*path, kind.item.stands_for): found for path in below})

    def anything(self, node: Call, args: tuple[Typed, ...]) -> tuple[Type, tuple[Typed, ...]]:
        """`is_set` takes any value or list."""
        return BOOLEAN, args

    def length(self, node: Call, args: tuple[Typed, ...]) -> tuple[Type, tuple[Typed, ...]]:
        """`length` counts a text's code points or a list's items."""
        if args[0].type not in (TEXT, MISSING) and not isinstance(args[0].type, ListOf):
            self._mistyped(node, args)
        return NUMBER, (_retype(args[0], TEXT),)

    def first(self, node: Call, args: tuple[Typed, ...]) -> tuple[Type, tuple[Typed, ...]]:
        """`first` is the item that a list of texts begins with: the others keep no order."""
        kind = args[0].type
        if kind != MISSING and not (isinstance(kind, ListOf) and kind.item in (TEXT, MISSING)):
            self._mistyped(node, args)
        return TEXT, (_retype(args[0], ListOf(TEXT)),)

    # ------------------------------------------------------------ constants
    def _constants(self, typed: Typed) -> None:
        """Units are spelt out, and arithmetic on constants must fit."""
        name = typed.operator
        if name == "start_of":
            unit = typed.args[0].node
            if not isinstance(unit, Literal) or unit.value not in UNITS:
                self.report("expression.bad_unit", typed.node, units=", ".join(UNITS))
        if _is_constant(typed):
            values = [_value(build(arg)) for arg in typed.args]
            divides_by_zero = name == "/" and not values[-1]
            if None not in values and not divides_by_zero and _value(build(typed)) is None:
                self.report("expression.overflow", typed.node, operator=name)


_RULES = {
    "equality": _Checker.equality,
    "choice": _Checker.choice,
    "membership": _Checker.membership,
    "anything": _Checker.anything,
    "first": _Checker.first,
    "length": _Checker.length,
}


def _fits(overload: Overload, args: tuple[Typed, ...]) -> bool:
    if len(args) < len(overload.operands) or (len(args) > len(overload.operands) and not overload.rest):
        return False
    return all(_matches(arg.type, overload.accepts(index)) for index, arg in enumerate(args))


def _matches(kind: Type, allowed: tuple[Type, ...]) -> bool:
    if kind == ListOf(MISSING):
        return isinstance(allowed[0], ListOf)
    return kind in allowed or (kind == MISSING and not isinstance(allowed[0], ListOf))


def _retype(typed: Typed, kind: Type) -> Typed:
    """A null where a value of `kind` was expected, as a missing value of that kind."""
    if typed.type == ListOf(MISSING) and isinstance(kind, ListOf):
        return replace(typed, type=kind, args=tuple(_retype(arg, kind.item) for arg in typed.args))
    if typed.type != MISSING or kind == MISSING:
        return typed
    args = typed.args
    if typed.operator == "if":
        paired = len(args) - len(args) % 2
        args = tuple(
            arg if index < paired and index % 2 == 0 else _retype(arg, kind) for index, arg in enumerate(args)
        )
    return replace(typed, type=kind, args=args)


def _names(args: tuple[Typed, ...]) -> str:
    return ", ".join(type_name(arg.type) for arg in args[:6])


def _is_constant(typed: Typed) -> bool:
    if typed.operator in _OVERFLOWING:
        return all(_is_constant(arg) for arg in typed.args)
    return isinstance(typed.node, Literal)


def _value(run: Run) -> object:
    return run({}, _NO_ENVIRONMENT)


def _everything(typed: Typed) -> Iterator[Typed]:
    yield typed
    for arg in typed.args:
        yield from _everything(arg)


def _cost(typed: Typed) -> int:
    """Steps an evaluation may take when lists have `LIST_SIZE` items."""
    if typed.operator in QUANTIFIERS:
        items, condition = typed.args
        size = len(items.args) if isinstance(items.node, Items) else LIST_SIZE
        return 1 + _cost(items) + size * _cost(condition)
    base = OPERATORS[typed.operator].cost if typed.operator else 1
    return base + sum(_cost(arg) for arg in typed.args)
