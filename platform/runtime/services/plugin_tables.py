"""The tables plugins declare: what they are to the storage, when they are made, and what may be asked of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, Final, cast

import sqlalchemy as sa
from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import TextClause
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import custom_op

from dacheng.metadata.problem import refuse
from dacheng.plugins.api import Projection, Question
from dacheng.plugins.manager import PluginFailed, Plugins
from dacheng.runtime.services.conditions import surroundings
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage import projections as stored
from dacheng.runtime.storage.reader import Reader, Transaction
from dacheng.runtime.storage.schema_change import Journal
from dacheng.runtime.storage.visible import visible_ids

FUNCTIONS: Final = frozenset(
    [
        "count",
        "sum",
        "avg",
        "min",
        "max",
        "coalesce",
        "nullif",
        "abs",
        "round",
        "lower",
        "upper",
        "length",
        "substr",
        "row_number",
        "rank",
        "dense_rank",
        "lag",
        "lead",
        "first_value",
        "last_value",
    ]
)
_PLUGIN = re.compile(r"[a-z][a-z0-9_]{0,15}")
_ID = re.compile(r"[a-z][a-z0-9_]{0,29}")


@dataclass(frozen=True, slots=True)
class Own:
    """One plugin's tables: what it declared and how they stand in the database, by the projection's id."""

    plugin: str
    declared: Mapping[str, Projection]
    stored: Mapping[str, stored.Projection]
    tables: Mapping[str, sa.Table]


def tables_of(plugins: Plugins) -> Mapping[str, Own]:
    """The tables of every plugin; a wrong declaration raises `PluginFailed` with the plugin's name."""
    found = {name: _own(name, given) for name, given in plugins.registered("register_projections").items()}
    return MappingProxyType(found)


def _own(plugin: str, given: Iterable[Projection]) -> Own:
    declared = {each.id: each for each in given}
    for each in declared.values():
        _demand_sound(plugin, each)
    known = {name: _as_stored(plugin, each) for name, each in declared.items()}
    made = sa.MetaData()
    tables = {name: stored.table_of(each, made) for name, each in known.items()}
    return Own(plugin, MappingProxyType(declared), MappingProxyType(known), MappingProxyType(tables))


def _demand_sound(plugin: str, each: Projection) -> None:
    names = [column.name for column in each.columns]
    used = {name for index in each.indexes for name in index} | ({each.subject} if each.subject else set())
    sound = (
        _PLUGIN.fullmatch(plugin)
        and all(_ID.fullmatch(name) for name in (each.id, *names))
        and len(set(names)) == len(names)
        and any(column.key for column in each.columns)
        and used <= set(names)
        and (each.subject is None) == (each.entity is None)
    )
    if not sound:
        raise PluginFailed(
            f"Plugin “{plugin}” declares the projection “{each.id}” without a key, with a subject but no entity, "
            "or with names that do not fit"
        )


def _as_stored(plugin: str, each: Projection) -> stored.Projection:
    columns = {column.name: column.spec.primitive for column in each.columns}
    key = tuple(column.name for column in each.columns if column.key)
    return stored.Projection(each.id, plugin, columns, key, each.indexes, each.subject)


# ---------------------------------------------------------------- making them
def install(tx: Transaction, plugins: Plugins, apps: Iterable[str], journal: Journal) -> None:
    """Make or extend, in the caller's transaction, the tables of the plugins with these names."""
    wanted = set(apps)
    for name, own in tables_of(plugins).items():
        if name in wanted:
            for each in own.stored.values():
                stored.install(tx, each, journal)


def due(reader: Reader, plugins: Plugins, installed: Iterable[str]) -> tuple[str, ...]:
    """The plugins whose tables are not as declared though they should be: those without a package of their own,
    and those whose package is installed."""
    there = set(installed)
    with_package = set(plugins.registered("register_packages"))
    return tuple(
        name
        for name, own in tables_of(plugins).items()
        if (name in there or name not in with_package)
        and not all(stored.is_current(reader, each) for each in own.stored.values())
    )


# ---------------------------------------------------------------- asking them
def demand_own(query: Question, own: Own) -> None:
    """Refuse a question that names a table of somebody else's, holds text instead of expressions, or writes."""
    tables = set(own.tables.values())
    for element in _elements(query):
        if isinstance(element, sa.TableClause) and element not in tables:
            raise refuse("plugin.foreign_table", plugin=own.plugin, table=element.name)
        if isinstance(element, sa.Column) and element.table is not None and not _stands_on(element, tables):
            raise refuse("plugin.foreign_table", plugin=own.plugin, table=str(element.table))
        if _is_raw(element):
            raise refuse("plugin.raw_statement", plugin=own.plugin, known=", ".join(sorted(FUNCTIONS)))


def _elements(query: Question) -> Iterator[Any]:
    if not isinstance(query, sa.SelectBase):
        raise TypeError(f"not a select: {query!r}")
    yield from visitors.iterate(query)


def _stands_on(column: sa.Column[Any], tables: set[sa.Table]) -> bool:
    base = column.base_columns
    return all(getattr(each, "table", None) in tables for each in base)


def _is_raw(element: Any) -> bool:
    if isinstance(element, TextClause | sa.UpdateBase):
        return True
    if isinstance(element, sa.ColumnClause) and element.is_literal and str(element) not in ("*", "1"):
        return True
    if isinstance(element, FunctionElement) and getattr(element, "name", "").lower() not in FUNCTIONS:
        return True
    return isinstance(getattr(element, "operator", None), custom_op)


def guarded(query: Question, own: Own, work: Work, dialect: str) -> Question:
    """The question with each of its tables narrowed to rows whose subject the asker may read."""
    if work.policy.admin:
        return query
    narrow = partial(_narrowed, own=own, work=work, dialect=dialect)
    behind = {table: narrow(name) for name, table in own.tables.items() if own.declared[name].subject}

    def replaced(element: Any, **_: Any) -> Any:
        if isinstance(element, sa.Table):
            return behind.get(element)
        if isinstance(element, sa.Column) and element.table in behind:
            return behind[element.table].c[element.name]
        return None

    return cast("Question", visitors.replacement_traverse(query, {}, replaced))


def _narrowed(name: str, own: Own, work: Work, dialect: str) -> sa.Subquery:
    declared, table = own.declared[name], own.tables[name]
    policy = work.policy.entity(declared.entity or "")
    bound = f"seen_{own.plugin}_{name}"
    rows = sa.select(table)
    if policy is None or policy.rows["read"] is False:
        rows = rows.where(sa.false())
    else:
        ids = visible_ids(
            work.model, policy.entity.ref, policy.row_rule, dialect, surroundings(work.context), bound
        )
        rows = rows.where(table.c[declared.subject or ""].in_(ids))
    return rows.subquery(bound)
