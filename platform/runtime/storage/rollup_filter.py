"""Which records a roll-up counts: its filter, asked of stored values at a write and of the database when it is reckoned anew."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from dacheng.metadata.expression import Expression, environment
from dacheng.metadata.field_kinds.datetime import TYPED_ZONE
from dacheng.runtime.storage.expression_sql import SqlList, SqlOperand, to_sql
from dacheng.runtime.storage.query_scope import operand_of
from dacheng.runtime.storage.record_rows import Stored
from dacheng.runtime.storage.tables import EntityTable

_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)  # no filter of a roll-up asks what time it is
_SURROUNDINGS = environment(_MOMENT, TYPED_ZONE, {})


def passes(condition: Expression, child: EntityTable, stored: Stored) -> bool:
    """Whether a record with these stored values is counted."""
    fields = child.entity.fields
    names = {path[0] for path in condition.dependencies}
    codecs = {name: fields[name].codec for name in names}
    record = {name: codec.operand(codec.load(stored[name])) for name, codec in codecs.items()}
    return condition.run(record, _SURROUNDINGS) is True


def clause(condition: Expression, child: EntityTable, dialect: Any) -> sa.ColumnElement[bool]:
    """The same as a condition on the child's table."""

    def resolve(path: tuple[str, ...], /) -> SqlOperand | SqlList:
        return operand_of(child.entity.fields[path[0]], path[1:], tuple(child.columns[path[0]]))

    return to_sql(condition, resolve, dialect=dialect, now=_MOMENT, zone=TYPED_ZONE)
