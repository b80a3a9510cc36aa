"""One order on both databases: missing values are the smallest, text goes by code point."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler


class MissingSmallest(sa.ColumnElement[Any]):
    """A sort key: missing first when ascending, last when descending."""

    inherit_cache = True
    _traverse_internals = [
        ("element", sa.sql.visitors.InternalTraversal.dp_clauseelement),
        ("descending", sa.sql.visitors.InternalTraversal.dp_boolean),
    ]

    def __init__(self, element: sa.ColumnElement[Any], *, descending: bool) -> None:
        self.element = element
        self.descending = descending
        self.type = element.type


@compiles(MissingSmallest)
def _plain(key: MissingSmallest, compiler: SQLCompiler, **kw: Any) -> str:
    return f"{compiler.process(key.element, **kw)}{' DESC' if key.descending else ''}"


@compiles(MissingSmallest, "postgresql")
def _postgresql(key: MissingSmallest, compiler: SQLCompiler, **kw: Any) -> str:
    direction = " DESC NULLS LAST" if key.descending else " ASC NULLS FIRST"
    return compiler.process(key.element, **kw) + direction
