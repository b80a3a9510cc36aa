"""What SQL compilation works with: the caller's columns and lists, values on their way, parameters to bind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import sqlalchemy as sa

from dacheng.metadata.expression import Environment, Expression, Type, Typed
from dacheng.metadata.expression import shape as shape_of

Dialect = Literal["sqlite", "postgresql"]
Element = sa.ColumnElement[Any]
Condition = sa.ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class SqlOperand:
    """A stored value: numbers are integers × 10^`scale`, booleans 0/1, dates ISO text, instants and durations ms.

    `scale` None says that a number comes in computed form (numeric on PostgreSQL, coded text on SQLite).
    """

    kind: Type
    column: Element
    scale: int | None = 0


@dataclass(frozen=True, slots=True)
class SqlList:
    """A stored list: the rows of `source` that meet `condition` (the join to the outer row included).

    `resolve` finds what stands in an item: a field's path, or () for the item itself in a list of plain values.
    `among`, where given, joins the outer row to a question that names its rows (the items' first column),
    so that the database may ask it once for all rows instead of once for each.
    """

    source: sa.FromClause
    condition: Condition
    resolve: Resolve
    among: Callable[[Condition], Condition] | None = None


class Resolve(Protocol):
    """Where a variable is stored; called with checked paths only."""

    def __call__(self, path: tuple[str, ...], /) -> SqlOperand | SqlList:
        """The operand of a path."""


@dataclass(frozen=True, slots=True)
class Value:
    """A value as SQL in computed form; `operand` is the bare column behind it, `place` the parameter it binds."""

    sql: Element
    nullable: bool = True
    operand: SqlOperand | None = None
    place: int | None = None


@dataclass(frozen=True, slots=True)
class Bind:
    """One bound name of a statement: which parameter it takes and what it makes of it."""

    name: str
    place: int | None
    convert: Callable[[Any, Environment], Any]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A clause compiled for a shape; `params` gives the values to bind for another call of the same shape."""

    clause: Element
    binds: tuple[Bind, ...]

    def params(self, values: tuple[object, ...], environment: Environment) -> dict[str, Any]:
        """Bound values by name; `values` are those `shape` gave for the call."""
        return {bind.name: bind.convert(_at(values, bind.place), environment) for bind in self.binds}


def _at(values: tuple[object, ...], place: int | None) -> object:
    return None if place is None else values[place]


@dataclass(slots=True)
class Binder:
    """Makes bound parameters for one call, and remembers how to make them for the next."""

    values: tuple[object, ...]
    environment: Environment
    places: Mapping[int, int]
    prefix: str | None
    binds: list[Bind]

    @classmethod
    def of(cls, expression: Expression, environment: Environment, prefix: str | None) -> Binder:
        """A binder whose parameters are those of the expression's shape."""
        places = {id(parameter.typed): place for place, parameter in enumerate(expression.parameters)}
        return cls(shape_of(expression, environment)[1], environment, places, prefix, [])

    def place(self, typed: Typed) -> int | None:
        """The parameter a typed node is, if it is one."""
        return self.places.get(id(typed))

    def bind(self, place: int | None, convert: Callable[[Any, Environment], Any], kind: Any) -> Element:
        """A parameter bound to what `convert` makes of the value at `place`."""
        name = f"{self.prefix or 'x'}_{len(self.binds)}"
        value = convert(_at(self.values, place), self.environment)
        self.binds.append(Bind(name, place, convert))
        return sa.bindparam(name, value, type_=kind, unique=self.prefix is None)
