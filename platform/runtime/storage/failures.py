"""What a driver's error means, as a problem of the catalogue; anything unknown stays the error it is."""

from __future__ import annotations

import sqlite3

import sqlalchemy as sa

from dacheng.metadata.problem import Refused, refuse

_BY_SQLSTATE = {
    "57014": "storage.too_slow",
    "53100": "storage.full",
    "57P01": "storage.unreachable",
    "57P02": "storage.unreachable",
    "57P03": "storage.unreachable",
    "25006": "storage.read_only",
}
_RETRY = frozenset({"40001", "40P01"})
_NOT_SUPPORTED = "0A000"
_BY_SQLITE_TEXT = (
    ("interrupted", "storage.too_slow"),
    ("disk is full", "storage.full"),
    ("locked", "storage.busy"),
    ("busy", "storage.busy"),
    ("readonly", "storage.read_only"),
    ("malformed", "storage.damaged"),
    ("not a database", "storage.damaged"),
    ("disk i/o error", "storage.unreachable"),
)


class Again(Exception):
    """Raised inside a PostgreSQL transaction that met another's row: run it again, it will see that row."""


def driver_error(error: BaseException) -> BaseException:
    """The driver's own error behind SQLAlchemy's wrapper, or the error itself."""
    if isinstance(error, sa.exc.DBAPIError) and error.orig is not None:
        return error.orig
    return error


def sqlstate(error: BaseException) -> str:
    """PostgreSQL's five characters, or empty."""
    return str(getattr(driver_error(error), "sqlstate", None) or "")


def is_retryable(error: BaseException) -> bool:
    """True for a serialization failure, a deadlock or an outdated plan: the same work may succeed when run again."""
    return isinstance(error, Again) or sqlstate(error) in _RETRY or is_outdated(error)


def is_outdated(error: BaseException) -> bool:
    """True when a column changed under a statement that this PostgreSQL connection had prepared before."""
    return sqlstate(error) == _NOT_SUPPORTED and "cached plan" in str(driver_error(error))


def is_disconnect(error: BaseException) -> bool:
    """True when the connection itself is gone and must not be used again."""
    origin = driver_error(error)
    state = sqlstate(origin)
    if state.startswith(("08", "57P")):
        return True
    return (
        type(origin).__module__.startswith("psycopg")
        and type(origin).__name__ == "OperationalError"
        and not state
    )


def is_unique(error: BaseException) -> bool:
    """True when a unique index refused the row."""
    origin = driver_error(error)
    return sqlstate(origin) == "23505" or (
        isinstance(origin, sqlite3.IntegrityError) and "UNIQUE" in str(origin)
    )


def is_foreign_key(error: BaseException) -> bool:
    """True when a row would point at nothing, or be pointed at by a row left behind."""
    origin = driver_error(error)
    return sqlstate(origin) == "23503" or (
        isinstance(origin, sqlite3.IntegrityError) and "FOREIGN KEY" in str(origin)
    )


def is_out_of_range(error: BaseException) -> bool:
    """True when a sum did not fit 64 bits."""
    return sqlstate(error) == "22003" or "integer overflow" in str(driver_error(error))


def translate(error: BaseException) -> BaseException:
    """The refusal a driver's error stands for; other errors come back unchanged."""
    if isinstance(error, Refused):
        return error
    origin = driver_error(error)
    code = _BY_SQLSTATE.get(sqlstate(origin)) or _code_of_sqlite(origin)
    if code is None and is_disconnect(origin):
        code = "storage.unreachable"
    return error if code is None else refuse(code)


def _code_of_sqlite(error: BaseException) -> str | None:
    if isinstance(error, sqlite3.IntegrityError) or not isinstance(error, sqlite3.DatabaseError):
        return None
    text = str(error).lower()
    return next((code for part, code in _BY_SQLITE_TEXT if part in text), None)
