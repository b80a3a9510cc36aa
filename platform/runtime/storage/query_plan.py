"""A question about records, resolved: nothing in it is a name any more that a request could have made up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dacheng.metadata.definition import Entity, Field
from dacheng.metadata.expression import Expression

Path = tuple[Field, ...]
Prefix = tuple[str, ...]
Hops = Mapping[Prefix, Expression | bool]


def names(path: Path) -> Prefix:
    """The field ids along a path."""
    return tuple(step.id for step in path)


@dataclass(frozen=True, slots=True)
class SortKey:
    """One key: missing values are the smallest; text goes by code point."""

    path: Path
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """What records must meet and how links are followed; shared by pages, counts and aggregates.

    `rules` are row rules: they follow links without any restriction. `predicates` are what the asker
    wants: each link (`("account",)`, `("account", "owner")`) is followed only as far as `hops` says:
    True, False (nothing there), or an expression that the linked record must meet; else it reads as
    missing, its id too. A link that `hops` does not name reads as missing; `hops` None restricts nothing.
    `search_fields` None means every search field.
    """

    predicates: tuple[Expression, ...] = ()
    rules: tuple[Expression, ...] = ()
    hops: Hops | None = field(default=None, hash=False)
    search: str = ""
    search_fields: tuple[str, ...] | None = None
    ids: tuple[str, ...] | None = None
    deleted: bool = False  # True: what is in the recycle bin, instead of the living


@dataclass(frozen=True, slots=True)
class Plan:
    """A page of records: `after` is the `next` of the page before; ties are broken by id."""

    entity: Entity
    columns: tuple[Path, ...]
    where: Condition = Condition()
    sort: tuple[SortKey, ...] = ()
    limit: int = 50
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Group by a path's value; `grain` (year, quarter, month, day) cuts a date or an instant."""

    path: Path
    grain: str = ""


@dataclass(frozen=True, slots=True)
class AggregatePlan:
    """`aggregate` is count, sum, avg, min, max or distinct (of `value`); money is never mixed across currencies.

    Groups come largest value first, then by key, at most `limit` of them; with `by_key` in order of their keys.
    """

    entity: Entity
    aggregate: str
    value: Path | None = None
    groups: tuple[Group, ...] = ()
    where: Condition = Condition()
    limit: int = 1000
    by_key: bool = False
