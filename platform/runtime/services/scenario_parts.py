"""What a played scenario is made of: people, records as the story knows them, and the writes it comes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

Values = Mapping[str, Any]
PRODUCT = ""  # who acts where nobody does


@dataclass(frozen=True, slots=True)
class Ref:
    """A record of the story, by its key; a line of one is `key/field/place`."""

    key: str


@dataclass(frozen=True, slots=True)
class PersonRef:
    """Somebody of the story."""

    key: str


@dataclass(frozen=True, slots=True)
class DepartmentRef:
    """A department of the story."""

    key: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What the story has to know of an app's entities: which have an owner, where transitions lead, first states."""

    owned: frozenset[str]
    moves: Mapping[tuple[str, str], tuple[str, str]]  # (entity, transition) → (field, state)
    first: Mapping[str, tuple[str, str]]  # entity → (field, state)


@dataclass(frozen=True, slots=True)
class Happening:
    """One write of the story: `values` are JSON, with references where records, people and departments stand.

    `adopts` are keys of the records that rules make in the same go, in their order.
    """

    at: datetime
    actor: str
    action: str
    entity: str
    key: str
    values: Values
    transition: str | None = None
    adopts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the story: the larger `pace`, the slower; `luck` is how often things go well for them."""

    key: str
    manager: str
    pace: float = 1.0
    luck: float = 1.0
    weight: float = 1.0
    teams: Sequence[str] = ()


@dataclass(eq=False, slots=True)
class Rec:
    """A record as the story knows it so far."""

    key: str
    template: str
    entity: str
    owner: str
    values: dict[str, Any] = field(default_factory=dict)
    making: dict[str, Any] = field(default_factory=dict)  # makers of fields not reached yet


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a step stands: its record, other records by name, a line of it, the dice."""

    rec: Rec
    names: dict[str, Rec]
    draw: Random
    row: dict[str, Any] | None = None
    row_key: str = ""
