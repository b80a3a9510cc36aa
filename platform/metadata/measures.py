"""Measures and dashboards as the compiler leaves them: what is counted, and which widgets show it to whom."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from dacheng.metadata.expression import Expression

EMPTY: Mapping[Any, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure is wanted to reach, in major units; `per` a day, week, month, quarter or year, or as it stands."""

    value: Decimal
    per: str = ""
    at_most: bool = False


@dataclass(frozen=True, slots=True)
class Measure:
    """A named metric, declared once: aggregate of a field over filtered records, by dimensions, in time."""

    id: str
    app: str
    entity: str
    aggregate: str  # count, sum, avg, min, max, distinct, ratio
    field: str | None
    filter: Expression | None
    time_field: str | None
    dimensions: Mapping[str, tuple[str, ...]]
    unit: str = ""
    grains: Mapping[str, str] = dataclasses.field(
        default_factory=lambda: EMPTY
    )  # dimension → day, week, month, quarter, year, weekday, hour
    of: str = ""  # of a ratio: the measure divided, and the one it is divided by, as full references
    per: str = ""
    percent: bool = True
    target: Target | None = None

    @property
    def ref(self) -> str:
        """`app.measure`."""
        return f"{self.app}.{self.id}"


@dataclass(frozen=True, slots=True)
class Widget:
    """One widget on a dashboard: its kind, the measures it shows, grid size and kind-specific props."""

    id: str
    kind: str
    order: int
    measures: tuple[str, ...]
    dimension: str | None
    width: int
    props: Mapping[str, Any]
    limit: int = 20
    split: str | None = None  # a second dimension
    compare: str = ""  # previous, last_year
    short: bool = False
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A grid of widgets with shared filters (`period`, `department`, `owner`)."""

    id: str
    app: str
    widgets: tuple[Widget, ...]
    filters: Mapping[str, Any]
    roles: tuple[str, ...] = ()  # who sees it; empty: whoever may see a figure of it
