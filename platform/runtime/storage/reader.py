"""What work on the database is given: a `Reader` for questions, a `Transaction` to write as well."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement

Params = Mapping[str, Any]
T = TypeVar("T")
KEPT_ANSWERS = 256
NO_PARAMS: Params = MappingProxyType({})
Row = tuple[Any, ...]
_WAITED_FOR = (
    "SELECT EXISTS (SELECT FROM pg_locks AS waiting WHERE NOT waiting.granted"
    " AND pg_backend_pid() = ANY (pg_blocking_pids(waiting.pid)))"
)


class Prepared:
    """A statement compiled once per database and run without SQLAlchemy on the way.

    Every bound name must be given at each run, unless the statement carries its value. Not for
    statements whose text depends on the values (`IN` over a list).
    """

    __slots__ = ("_compiled", "statement")

    def __init__(self, statement: Executable) -> None:
        self.statement = statement
        self._compiled: dict[str, tuple[str, tuple[str, ...], dict[str, Any]]] = {}

    def text(self, dialect: Dialect) -> tuple[str, tuple[str, ...], dict[str, Any]]:
        """SQL text, the bound names (in order, on SQLite) and the values the statement carries."""
        found = self._compiled.get(dialect.name)
        if found is None:
            inner = self.statement.compile(dialect=dialect)  # type: ignore[attr-defined]
            defaults = dict(inner.construct_params(_check=False))
            names = tuple(inner.positiontup or defaults)
            found = self._compiled[dialect.name] = (str(inner), names, defaults)
        return found


Statement = Prepared | Executable


class _Copy(Executable, ClauseElement):
    """PostgreSQL's own way to take in many rows."""

    inherit_cache = False

    def __init__(self, table: sa.TableClause) -> None:
        self.table = table


@compiles(_Copy)
def _copy(element: _Copy, compiler: SQLCompiler, **_: Any) -> str:
    table = compiler.preparer.format_table(element.table)
    columns = ", ".join(compiler.preparer.format_column(column) for column in element.table.columns)
    return f"COPY {table} ({columns}) FROM STDIN"


class Insertion:
    """Many rows at a time into some columns of a table, in the order of `names`."""

    __slots__ = ("copy", "insert")

    def __init__(self, table: str, names: Iterable[str]) -> None:
        into = sa.table(table, *(sa.column(name) for name in names))
        bound: dict[str, Any] = {column.name: sa.bindparam(column.name) for column in into.columns}
        self.insert = Prepared(sa.insert(into).values(bound).inline())
        self.copy = Prepared(_Copy(into))


class Link:
    """One open connection: the driver's own, and SQLAlchemy's around it, in autocommit.

    Transactions are begun and ended here by plain statements, so that what the driver thinks about
    transactions never matters. On SQLite a statement is interrupted at `deadline` (monotonic seconds),
    or when its thread has computed until `exhausted` (CPU seconds of the thread).
    """

    __slots__ = (
        "_answers", "_data", "connection", "database", "deadline", "dialect", "driver", "exhausted", "is_sqlite",
    )  # fmt: skip

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection
        self.database = str(connection.engine.url)
        self.dialect = connection.dialect
        self.is_sqlite = self.dialect.name == "sqlite"
        self.driver: Any = connection.connection.dbapi_connection
        self.deadline = self.exhausted = float("inf")
        self._data = -1
        self._answers: dict[Hashable, Any] = {}

    def unchanged(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` found when it was asked under `key` last, unless anybody committed anything since.

        SQLite numbers what it sees: the number moves with every commit of another connection, and stands
        still inside one snapshot. Nothing is kept on PostgreSQL, which tells no such thing.
        """
        if not self.is_sqlite:
            return make()
        data = self.driver.execute("PRAGMA data_version").fetchone()[0]
        if data != self._data or len(self._answers) >= KEPT_ANSWERS:
            self._answers.clear()
            self._data = data
        if key in self._answers:
            found: T = self._answers[key]
            return found
        made = self._answers[key] = make()
        return made

    def command(self, text: str) -> None:
        """Run one fixed statement, such as `BEGIN IMMEDIATE`."""
        self.driver.execute(text)

    def is_waited_for(self) -> bool:
        """Whether another PostgreSQL session waits for what this one's transaction holds."""
        return bool(self.driver.execute(_WAITED_FOR).fetchone()[0])

    def in_transaction(self) -> bool:
        """Whether the database still holds a transaction open on this connection."""
        if self.is_sqlite:
            return bool(self.driver.in_transaction)
        return bool(self.driver.info.transaction_status != 0)

    def rollback(self) -> None:
        """Undo what is open; nothing when the database has already done so (a full disk)."""
        if self.is_sqlite and self.in_transaction():
            self.command("ROLLBACK")
        elif not self.is_sqlite:
            self.driver.rollback()  # which also forgets statements whose preparation was cut off

    def close(self) -> None:
        """Give the connection back to the system."""
        self.connection.close()
        self.connection.engine.dispose()


class Reader:
    """Asks questions inside one snapshot. Values are the driver's own: text, integers, None."""

    __slots__ = ("_link", "database", "dialect")

    def __init__(self, link: Link) -> None:
        self._link = link
        self.database = link.database  # its address; two databases may hold the same model
        self.dialect: str = link.dialect.name

    def rows(self, statement: Statement, params: Params = NO_PARAMS) -> list[Row]:
        """All rows, as plain tuples."""
        if isinstance(statement, Prepared):
            found: list[Row] = self._cursor(statement, params).fetchall()
            return found
        return [tuple(row) for row in self._link.connection.execute(statement, params or None)]

    def row(self, statement: Statement, params: Params = NO_PARAMS) -> Row | None:
        """The first row, or None."""
        if isinstance(statement, Prepared):
            cursor = self._cursor(statement, params)
            first: Row | None = cursor.fetchone()
            cursor.close()
            return first
        found = self._link.connection.execute(statement, params or None).first()
        return None if found is None else tuple(found)

    def scalar(self, statement: Statement, params: Params = NO_PARAMS) -> Any:
        """The first value of the first row, or None."""
        found = self.row(statement, params)
        return None if found is None else found[0]

    def fetch(self, text: str, values: Sequence[Any] | Params) -> list[Row]:
        """Rows of a text that SQLAlchemy compiled before, with its values in the driver's own shape."""
        found: list[Row] = self._link.driver.execute(text, values).fetchall()
        return found

    def unchanged(self, key: Hashable, make: Callable[[], T]) -> T:
        """`make()`, kept under `key` while nobody commits anything; `key` names all it depends on but the data."""
        return self._link.unchanged(key, make)

    def compile(self, statement: Executable) -> sa.Compiled:
        """The statement as this database's text."""
        compiled: sa.Compiled = statement.compile(dialect=self._link.dialect)  # type: ignore[attr-defined]
        return compiled

    def _cursor(self, statement: Prepared, params: Params) -> Any:
        text, names, defaults = statement.text(self._link.dialect)
        given = {**defaults, **params} if defaults else params
        if self._link.is_sqlite:
            return self._link.driver.execute(text, tuple([given[name] for name in names]))
        return self._link.driver.execute(text, given if names else None)


def nobody() -> bool:
    """No one waits."""
    return False


class Transaction(Reader):
    """Reads and writes; everything is kept together or not at all. The work must not wait for anything.

    `awaited` tells whether others wait for its end: long work that can stop half-way does so then.
    """

    __slots__ = ("awaited",)

    def __init__(self, link: Link, awaited: Callable[[], bool] = nobody) -> None:
        super().__init__(link)
        self.awaited = awaited

    def unchanged(self, key: Hashable, make: Callable[[], T]) -> T:
        """`make()`: what is being written has no number yet."""
        return make()

    def execute(self, statement: Statement, params: Params | Sequence[Params] = NO_PARAMS) -> int:
        """Run a statement once, or once per item of a list, and say how many rows it touched."""
        if isinstance(params, Mapping):
            if isinstance(statement, Prepared):
                return int(self._cursor(statement, params).rowcount)
            return _rowcount(self._link.connection.execute(statement, params or None))
        if not params:
            return 0
        if isinstance(statement, Prepared):
            return self._many(statement, params)
        return _rowcount(self._link.connection.execute(statement, list(params)))

    def ddl(self, statement: Executable) -> None:
        """Run a schema statement, inside the transaction like any other."""
        self._link.connection.execute(statement)

    def command(self, text: str) -> None:
        """Run a fixed statement without values or rows."""
        self._link.driver.execute(text)

    def advisory_lock(self, number: int) -> None:
        """On PostgreSQL, hold a named lock until the end of the transaction; SQLite has one writer anyway."""
        if not self._link.is_sqlite:
            self._link.driver.execute("SELECT pg_advisory_xact_lock(%s)", (number,))

    def many(self, text: str, values: Sequence[Sequence[Any]]) -> int:
        """Run a compiled text once per tuple of values."""
        cursor = self._link.driver.cursor()
        cursor.executemany(text, values)
        return int(cursor.rowcount)

    def insert_many(self, into: Insertion, rows: Iterable[Sequence[Any]]) -> None:
        """Store many rows at once; their values are the driver's own, in the order of the insertion's names."""
        cursor = self._link.driver.cursor()
        if self._link.is_sqlite:
            cursor.executemany(into.insert.text(self._link.dialect)[0], rows)
            return
        with cursor.copy(into.copy.text(self._link.dialect)[0]) as copy:
            for row in rows:
                copy.write_row(row)

    def _many(self, statement: Prepared, params: Sequence[Params]) -> int:
        text, names, defaults = statement.text(self._link.dialect)
        cursor = self._link.driver.cursor()
        given = [{**defaults, **item} for item in params] if defaults else params
        if self._link.is_sqlite:
            cursor.executemany(text, [tuple([item[name] for name in names]) for item in given])
        else:
            cursor.executemany(text, given)
        return int(cursor.rowcount)


def _rowcount(result: Any) -> int:
    return int(result.rowcount)
