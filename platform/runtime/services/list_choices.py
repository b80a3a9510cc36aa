"""What each person chose for their lists: the view that opens, its columns, how close rows stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from dacheng.metadata.problem import refuse
from dacheng.runtime.services import gate
from dacheng.runtime.services.gate import Query
from dacheng.runtime.services.saved_views import definition_of, person_of, views
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage import saved_views
from dacheng.runtime.storage.reader import Reader, Transaction

DENSITIES = ("normal", "compact")
MAX_COLUMNS = 40
ALL = "-"  # stands for the generated list of an entity that declares none


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person chose for an entity's lists: the view that opens, how dense, columns by view."""

    default: str = ""
    density: str = "normal"
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))


def read(reader: Reader, work: Work, ref: str) -> Choices:
    """What this person chose for the entity's lists."""
    found = saved_views.choices(reader, work.context.actor.id, ref)
    general = found.pop("", {})
    columns = {view: tuple(choice.get("columns", ())) for view, choice in found.items()}
    density = general.get("density", DENSITIES[0])
    return Choices(general.get("default", ""), density, MappingProxyType(columns))


def choose_default(tx: Transaction, work: Work, ref: str, view: str) -> None:
    """The view that opens first for this person; empty: what the app says."""
    work.entity(ref)
    if view:
        _demand_view(tx, work, ref, view)
    _choose(tx, work, ref, "", {"default": view})


def choose_density(tx: Transaction, work: Work, ref: str, density: str) -> None:
    """How close the rows of this entity's lists stand for this person."""
    work.entity(ref)
    if density not in DENSITIES:
        raise refuse("query.bad_parameter", "/density", name="density")
    _choose(tx, work, ref, "", {"density": "" if density == DENSITIES[0] else density})


def choose_columns(tx: Transaction, work: Work, ref: str, view: str, columns: Sequence[str]) -> None:
    """The columns a person wants in one view, in order; none: what the view says."""
    if len(columns) > MAX_COLUMNS:
        raise refuse("query.too_much", "/columns", what="columns", count=len(columns), limit=MAX_COLUMNS)
    gate.plan(work, Query(ref, fields=tuple(columns) or ("id",)))
    if view != ALL:
        _demand_view(tx, work, ref, view)
    _choose(tx, work, ref, view, {"columns": list(dict.fromkeys(columns))})


def _demand_view(reader: Reader, work: Work, ref: str, view: str) -> None:
    if definition_of(work, ref, view) is None and all(one.id != view for one in views(reader, work, ref)):
        raise refuse("query.unknown_view")


def _choose(tx: Transaction, work: Work, ref: str, view: str, changed: Mapping[str, Any]) -> None:
    person = person_of(work)
    now = saved_views.choices(tx, person, ref).get(view, {})
    kept = {name: value for name, value in {**now, **changed}.items() if value}
    saved_views.choose(tx, person, ref, view, kept)
