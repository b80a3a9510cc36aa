"""The schema as the database has it: columns with their basic type, indexes, foreign keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from dacheng.runtime.storage.reader import Reader

_SQLITE_COLUMNS = sa.text(
    "SELECT m.name, p.name, p.type FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS p"
    " WHERE m.type = 'table'"
)
_SQLITE_INDEXES = sa.text("SELECT tbl_name, name FROM sqlite_master WHERE type = 'index'")
_POSTGRESQL_COLUMNS = sa.text(
    "SELECT table_name, column_name, data_type FROM information_schema.columns"
    " WHERE table_schema = current_schema()"
)
_POSTGRESQL_INDEXES = sa.text(
    "SELECT tablename, indexname FROM pg_indexes WHERE schemaname = current_schema()"
)
_POSTGRESQL_KEYS = sa.text(
    "SELECT c.conrelid::regclass::text, c.conname FROM pg_constraint AS c"
    " JOIN pg_namespace AS n ON n.oid = c.connamespace WHERE c.contype = 'f' AND n.nspname = current_schema()"
)


@dataclass(frozen=True, slots=True)
class Physical:
    """`columns[table][column]` is `text`, `integer` or what else the database calls it."""

    columns: Mapping[str, Mapping[str, str]]
    indexes: Mapping[str, frozenset[str]]
    keys: Mapping[str, frozenset[str]]

    def has(self, table: str) -> bool:
        """Whether the table is there."""
        return table in self.columns


def read(reader: Reader) -> Physical:
    """Everything in the database's own schema, in three questions."""
    is_sqlite = reader.dialect == "sqlite"
    columns: dict[str, dict[str, str]] = {}
    for table, column, kind in reader.rows(_SQLITE_COLUMNS if is_sqlite else _POSTGRESQL_COLUMNS):
        columns.setdefault(table, {})[column] = basic(kind)
    indexes = _grouped(reader.rows(_SQLITE_INDEXES if is_sqlite else _POSTGRESQL_INDEXES))
    keys = {} if is_sqlite else _grouped(reader.rows(_POSTGRESQL_KEYS))
    return Physical(columns, indexes, keys)


def _grouped(rows: list[tuple[str, ...]]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for table, name in rows:
        found.setdefault(table.strip('"'), set()).add(name)
    return {table: frozenset(names) for table, names in found.items()}


def basic(kind: str) -> str:
    """`BIGINT` and `integer` are integer, `TEXT COLLATE …` is text."""
    lower = kind.lower()
    if "int" in lower:
        return "integer"
    return "text" if "text" in lower else lower


def basic_of(column: sa.Column[object]) -> str:
    """The same, for a column of ours."""
    return "integer" if isinstance(column.type, sa.Integer) else "text"
