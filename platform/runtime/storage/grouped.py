"""Groups of records: one statement a level gives each group's key, its count and what its figures add up to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from dacheng.metadata.definition import Entity
from dacheng.metadata.expression import Environment
from dacheng.runtime.storage import query
from dacheng.runtime.storage.aggregate import group_column
from dacheng.runtime.storage.model import Model
from dacheng.runtime.storage.ordering import MissingSmallest
from dacheng.runtime.storage.query_plan import Condition, Group, Path, names
from dacheng.runtime.storage.query_scope import Scope
from dacheng.runtime.storage.reader import Prepared, Reader


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """Records grouped by a path's value, in its order; `title` follows a link's key; amounts stand apart by currency."""

    entity: Entity
    group: Group
    title: Path | None
    sums: tuple[Path, ...]
    where: Condition
    limit: int


@dataclass(frozen=True, slots=True)
class GroupRow:
    """One key with one set of currencies: `sums` and `currencies` go with the plan's sums."""

    key: Any
    title: Any
    count: int
    sums: tuple[int | None, ...]
    currencies: tuple[str | None, ...]


def groups(reader: Reader, model: Model, plan: GroupPlan, environment: Environment) -> list[GroupRow]:
    """At most `plan.limit` rows and one more, so that who asks can tell whether there are others."""
    made = model.tables.entity(plan.entity.ref)
    asked = query.question_of(reader, made, plan.where)
    if asked is False:
        return []
    key = (
        "groups", reader.dialect, names(plan.group.path), plan.group.grain, plan.title and names(plan.title),
        tuple(map(names, plan.sums)), str(environment.zone), asked is not None,
        *query.condition_shape(plan.where, environment),
    )  # fmt: skip
    ready = query.kept(made).get(key, lambda: _compile(reader, model, plan, environment, asked is not None))
    given = {**query.values_of(reader, ready, plan.where, environment, asked), "limit": plan.limit + 1}
    width = len(plan.sums)
    return [
        GroupRow(row[0], row[1], row[2], tuple(row[3 : 3 + width]), tuple(row[3 + width :]))
        for row in reader.rows(ready.statements[0], given)
    ]


def _compile(
    reader: Reader, model: Model, plan: GroupPlan, environment: Environment, searching: bool
) -> query.Ready:
    made = model.tables.entity(plan.entity.ref)
    scope = Scope(model.tables, made, reader.dialect, environment, plan.where.hops)
    nothing: sa.ColumnElement[Any] = sa.cast(sa.null(), sa.Text())
    key = group_column(scope, plan.group)
    title = scope.columns(plan.title)[0] if plan.title is not None else nothing
    figures = [scope.columns(path) for path in plan.sums]
    conditions = query.conditions_of(scope, plan.where, searching)
    currencies = [columns[1] if len(columns) > 1 else nothing for columns in figures]
    by = [key, *([title] if plan.title is not None else [])]
    by += [columns[1] for columns in figures if len(columns) > 1]
    sums = [sa.cast(sa.func.sum(columns[0]), sa.BigInteger()) for columns in figures]
    selected = [key, title, sa.func.count(), *sums, *currencies]
    statement = (
        sa.select(*[column.label(f"v{at}") for at, column in enumerate(selected)])
        .select_from(scope.source)
        .where(*conditions)
        .group_by(*by)
        .order_by(*[MissingSmallest(column, descending=False) for column in by])
        .limit(sa.bindparam("limit", type_=sa.BigInteger()))
    )
    return query.Ready((Prepared(statement),), tuple(scope.bound), (), slice(0))
