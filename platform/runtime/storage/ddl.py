"""The few schema statements SQLAlchemy has no words for; names are quoted by the database's own rules."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import ExecutableDDLElement
from sqlalchemy.sql.compiler import DDLCompiler


class AddColumn(ExecutableDDLElement):
    """`ALTER TABLE … ADD COLUMN`, with its reference inline on SQLite, which cannot add it later."""

    inherit_cache = False

    def __init__(self, column: sa.Column[Any]) -> None:
        self.column = column


class RenameColumn(ExecutableDDLElement):
    """`ALTER TABLE … RENAME COLUMN`."""

    inherit_cache = False

    def __init__(self, table: str, old: str, new: str) -> None:
        self.table, self.old, self.new = table, old, new


class RenameTable(ExecutableDDLElement):
    """`ALTER TABLE … RENAME TO`."""

    inherit_cache = False

    def __init__(self, old: str, new: str) -> None:
        self.old, self.new = old, new


class Script(ExecutableDDLElement):
    """A whole statement made of constants, numbers and names that came from the database or match `[a-z0-9_]`."""

    inherit_cache = False

    def __init__(self, text: str) -> None:
        self.text = text


class DropIndexByName(ExecutableDDLElement):
    """`DROP INDEX` by its name alone."""

    inherit_cache = False

    def __init__(self, name: str) -> None:
        self.name = name


class DropForeignKey(ExecutableDDLElement):
    """`ALTER TABLE … DROP CONSTRAINT`; PostgreSQL alone."""

    inherit_cache = False

    def __init__(self, table: str, name: str) -> None:
        self.table, self.name = table, name


@compiles(AddColumn)
def _add_column(element: AddColumn, compiler: DDLCompiler, **kw: Any) -> str:
    table = compiler.preparer.format_table(element.column.table)
    text = f"ALTER TABLE {table} ADD COLUMN {compiler.get_column_specification(element.column)}"
    if compiler.dialect.name == "sqlite":
        for key in element.column.foreign_keys:
            target, column = key.target_fullname.rsplit(".", 1)
            text += f" REFERENCES {compiler.preparer.quote(target)} ({compiler.preparer.quote(column)})"
    return text


@compiles(RenameColumn)
def _rename_column(element: RenameColumn, compiler: DDLCompiler, **kw: Any) -> str:
    quote = compiler.preparer.quote
    return f"ALTER TABLE {quote(element.table)} RENAME COLUMN {quote(element.old)} TO {quote(element.new)}"


@compiles(RenameTable)
def _rename_table(element: RenameTable, compiler: DDLCompiler, **kw: Any) -> str:
    quote = compiler.preparer.quote
    return f"ALTER TABLE {quote(element.old)} RENAME TO {quote(element.new)}"


@compiles(DropIndexByName)
def _drop_index(element: DropIndexByName, compiler: DDLCompiler, **kw: Any) -> str:
    return f"DROP INDEX {compiler.preparer.quote(element.name)}"


@compiles(Script)
def _script(element: Script, compiler: DDLCompiler, **kw: Any) -> str:
    return element.text.replace("%", "%%") if compiler.dialect.paramstyle == "pyformat" else element.text


@compiles(DropForeignKey)
def _drop_foreign_key(element: DropForeignKey, compiler: DDLCompiler, **kw: Any) -> str:
    quote = compiler.preparer.quote
    return f"ALTER TABLE {quote(element.table)} DROP CONSTRAINT {quote(element.name)}"
