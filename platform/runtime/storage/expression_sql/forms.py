"""How internal values travel into SQL: column types, bound forms, and numbers scaled like the column they meet."""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Context, Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from dacheng.metadata.expression import BOOLEAN, DATE, DURATION, INSTANT, MISSING, NUMBER, TEXT, Type
from dacheng.runtime.storage.expression_sql.operands import Dialect
from dacheng.runtime.storage.sqlite_functions import encode

_LARGEST = 2**63 - 1
_MILLION = 6
_WIDE = Context(prec=60)
_TYPES: dict[Type, Any] = {
    TEXT: sa.Text(),
    DATE: sa.Text(),
    BOOLEAN: sa.SmallInteger(),
    INSTANT: sa.BigInteger(),
    DURATION: sa.BigInteger(),
    MISSING: sa.Text(),
}


def sql_type(kind: Type, dialect: Dialect) -> Any:
    """The column type of a value in computed form."""
    if kind == NUMBER:
        return sa.Numeric() if dialect == "postgresql" else sa.Text()
    return _TYPES[kind]


def bound(value: Any, kind: Type, dialect: Dialect) -> Any:
    """An internal value in computed form, ready to bind."""
    if value is None or kind in (TEXT, INSTANT, DURATION):
        return value
    if kind == NUMBER:
        return value if dialect == "postgresql" else encode(value)
    return int(value) if kind == BOOLEAN else value.isoformat()


def bound_list(values: Iterable[Any], dialect: Dialect) -> Any:
    """Several bound values as one parameter: an array on PostgreSQL, JSON on SQLite."""
    present = [value for value in values if value is not None]
    return present if dialect == "postgresql" else json.dumps(present, ensure_ascii=False)


def list_type(item: Any, dialect: Dialect) -> Any:
    """The column type of `bound_list`."""
    return ARRAY(item) if dialect == "postgresql" else sa.Text()


def scaled(value: Decimal, scale: int, operator: str) -> int | None:
    """The integer to compare a column of `scale` with, so that `column operator integer` holds as it should.

    None when no stored number can equal the value; for orderings the bound next to it, kept within 64 bits.
    """
    millionths = int(value.scaleb(_MILLION, _WIDE))
    whole, rest = divmod(millionths * int(10**scale), int(10**_MILLION))
    if operator in ("==", "!=", "in"):
        return whole if not rest and -_LARGEST <= whole <= _LARGEST else None
    if rest and operator in ("<", ">="):
        whole += 1
    return max(-_LARGEST, min(_LARGEST, whole))
