"""Why a row was not taken, as a problem that names the field."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from dacheng.metadata.kinds import Primitive
from dacheng.metadata.problem import refuse
from dacheng.runtime.storage.failures import driver_error, is_foreign_key, is_unique
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.storage.tables import NO_REFERENCE, EntityTable

_SQLITE_UNIQUE = re.compile(r"UNIQUE constraint failed: (.+)")
_AT_ONCE = 400


def of_rows(
    reader: Reader, made: EntityTable, rows: Sequence[Mapping[str, Any]], error: Exception
) -> BaseException:
    """`record.duplicate` or `record.link_missing` at its field, or the error itself."""
    if is_unique(error):
        fields = _unique_fields(made, driver_error(error))
        pointer = f"/{fields[0]}" if fields else ""
        return refuse("record.duplicate", pointer, field=", ".join(fields))
    if is_foreign_key(error):
        return refuse("record.link_missing", f"/{_missing_link(reader, made, rows, driver_error(error))}")
    return error


def _unique_fields(made: EntityTable, error: BaseException) -> list[str]:
    constraint = _constraint(error)
    if constraint:
        found = next((i for i in made.table.indexes if i.name == constraint), None)
        return _fields(made, [c.name for c in found.columns]) if found is not None else ["id"]
    match = _SQLITE_UNIQUE.search(str(error))
    names = [part.rsplit(".", 1)[-1] for part in match[1].split(", ")] if match else []
    return _fields(made, names)


def _constraint(error: BaseException) -> str | None:
    return getattr(getattr(error, "diag", None), "constraint_name", None)


def _fields(made: EntityTable, columns: Iterable[str]) -> list[str]:
    wanted = set(columns)
    return [name for name, parts in made.columns.items() if parts[0].name in wanted]


def _missing_link(
    reader: Reader, made: EntityTable, rows: Sequence[Mapping[str, Any]], error: BaseException
) -> str:
    """The first link field that leads nowhere; PostgreSQL says it, SQLite has to be asked."""
    name = _constraint(error)
    for key in made.table.foreign_key_constraints:
        if name is not None and key.name == name:
            return str(key.column_keys[0])
    if name is None:
        for field in made.entity.fields.values():
            if field.to is None or field.id in NO_REFERENCE or field.id not in made.columns:
                continue
            ids = {row.get(field.id) for row in rows} - {None}
            if ids and _any_missing(reader, made, field.id, sorted(str(i) for i in ids)):
                return field.id
    return ""


def _any_missing(reader: Reader, made: EntityTable, field: str, ids: Sequence[str]) -> bool:
    if made.entity.fields[field].codec.columns[0].primitive is not Primitive.LINK:
        return False
    foreign = list(made.columns[field][0].foreign_keys)
    if not foreign:
        return False
    target = foreign[0].column
    there = 0
    for start in range(0, len(ids), _AT_ONCE):
        wanted = sa.select(sa.func.count()).where(target.in_(ids[start : start + _AT_ONCE]))
        there += reader.scalar(wanted)
    return there < len(ids)
