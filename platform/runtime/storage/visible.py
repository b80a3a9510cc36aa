"""The ids of living records that a row rule lets through, as a question to put inside another."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from dacheng.metadata.expression import Environment, Expression
from dacheng.runtime.storage.expression_sql import prepare_condition
from dacheng.runtime.storage.model import Model
from dacheng.runtime.storage.query_scope import Scope
from dacheng.runtime.storage.tables import DELETED


def visible_ids(
    model: Model, ref: str, rule: Expression | None, dialect: Any, environment: Environment, name: str
) -> sa.Select[Any]:
    """`SELECT id` of an entity; what `rule` compares with is bound under names that begin with `name`."""
    made = model.tables.entity(ref)
    rows = made.table.alias(f"{name}_rows")
    found = sa.select(rows.c.id).where(rows.c[DELETED].is_(None))
    if rule is None:
        return found
    scope = Scope(model.tables, made, dialect, environment, None)
    prepared = prepare_condition(
        rule, scope.trusted(made, rows.c), dialect=dialect, environment=environment, name=name
    )
    return found.where(prepared.clause)
