"""A checked expression: the tree with a type on every node, and what is known about it before it ever runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from dacheng.metadata.expression.ast import Call, Node
from dacheng.metadata.expression.moments import WEEKDAYS, Calendar
from dacheng.metadata.expression.types import Type

NO_VALUES: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Environment:
    """What an evaluation is given besides the record: the instant (ms), the zone, the context, the calendar."""

    now: int
    zone: ZoneInfo
    context: Mapping[str, Any] = field(default_factory=lambda: NO_VALUES)
    calendar: Calendar = WEEKDAYS


Run = Callable[[Any, Environment], Any]


@dataclass(frozen=True, slots=True, eq=False)
class Typed:
    """A node with its type and typed operands.

    For a variable, `standing` says step by step whether a bare value found there is the record standing for itself
    (a link given as its id). A null operand carries the type its operator expected.
    """

    node: Node
    type: Type
    args: tuple[Typed, ...] = ()
    standing: tuple[bool, ...] = ()

    @property
    def operator(self) -> str:
        """The operator of a call; empty for anything else."""
        return self.node.operator if isinstance(self.node, Call) else ""


@dataclass(frozen=True, slots=True, eq=False)
class Parameter:
    """A largest part that reads nothing of the record: constants, context, `now` and what is made of them."""

    typed: Typed
    run: Run


@dataclass(frozen=True)
class Expression:
    """A well-typed expression; two are equal when their trees are.

    `dependencies` are the variable paths it reads (those of a list's items behind the list's path, those of the
    context starting with `$…`); `run` gives the internal value (instants and durations as milliseconds).
    `template` is the tree with a hole for each of `parameters`; statements are cached by it.
    """

    node: Node
    type: Type = field(compare=False)
    root: Typed = field(compare=False, repr=False)
    dependencies: frozenset[tuple[str, ...]] = field(compare=False, repr=False)
    uses_now: bool = field(compare=False, repr=False)
    cost: int = field(compare=False, repr=False)
    run: Run = field(compare=False, repr=False)
    browser_types: Mapping[str, str] = field(compare=False, repr=False)
    template: str = field(compare=False, repr=False)
    parameters: tuple[Parameter, ...] = field(compare=False, repr=False)
