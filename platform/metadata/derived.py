"""What is computed from a record and its lines: roll-ups and formulas, as the compiled app says them."""

from __future__ import annotations

from dataclasses import dataclass

from dacheng.metadata.expression import Expression


@dataclass(frozen=True, slots=True)
class Rollup:
    """A stored figure over a child: `count`, `sum`, `min` or `max` of `field` over the lines or links behind."""

    field: str
    child: str  # entity reference
    via: str  # the child's link field that leads here
    aggregate: str
    of: str | None = None
    filter: Expression | None = None  # only records that meet it are counted


@dataclass(frozen=True, slots=True)
class Formula:
    """A value computed from `inputs`, fields of the same record; `stored` unless it asks for the present moment."""

    field: str
    expression: Expression
    inputs: frozenset[str]
    stored: bool = True
