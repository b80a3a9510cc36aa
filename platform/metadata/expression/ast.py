"""The syntax tree of an expression: four frozen node kinds; pointers say where in the JSON a node stood."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from dacheng.metadata.expression.types import Type

Constant = str | Decimal | bool | date | datetime | timedelta | None


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant; instants are aware UTC datetimes in whole milliseconds."""

    value: Constant
    type: Type
    pointer: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Var:
    """A path into the scope: () is the item itself, a first step with `$` starts in the context."""

    path: tuple[str, ...]
    pointer: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Items:
    """A list written out, item by item."""

    items: tuple[Node, ...]
    pointer: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """An operator applied to its operands."""

    operator: str
    args: tuple[Node, ...]
    pointer: str = field(default="", compare=False)


Node = Literal | Var | Items | Call


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below `node`, in order."""
    if isinstance(node, Call):
        return node.args
    return node.items if isinstance(node, Items) else ()


def walk(node: Node) -> Iterator[Node]:
    """`node` and everything below it, parents first."""
    pending = [node]
    while pending:
        current = pending.pop()
        yield current
        pending.extend(reversed(children(current)))
