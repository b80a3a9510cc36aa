"""What a plugin hands in and is handed: frozen declarations, and the `Access` through which it reaches data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

import sqlalchemy as sa

from dacheng.metadata.kinds import ColumnSpec, Drawing, Json
from dacheng.metadata.problem import Problem, problem
from dacheng.plugins.context import Context

Question = sa.Select[*tuple[Any, ...]] | sa.CompoundSelect[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class ProjectionColumn:
    """One column of a plugin table; `key` columns together identify a row."""

    name: str
    spec: ColumnSpec
    key: bool = False


@dataclass(frozen=True, slots=True)
class Projection:
    """A plugin's table `_p_{plugin}_{id}`: no change log, grows by columns and indexes, made anew for another key.

    `subject` names the column that holds the id of the record whose row rules guard each row, `entity` the
    reference of that record's entity (`app.entity`); without them everyone who reaches the plugin sees all rows.
    """

    id: str
    columns: tuple[ProjectionColumn, ...]
    indexes: tuple[tuple[str, ...], ...] = ()
    subject: str | None = None
    entity: str | None = None


class Access(Protocol):
    """What plugin code may do with data during one call; always as the context's actor."""

    context: Context

    def records(
        self,
        entity: str,
        *,
        fields: Sequence[str],
        filter: Json = None,  # noqa: A002 - the word people know it by
        sort: Sequence[str] = (),
        limit: int = 100,
    ) -> Sequence[Mapping[str, Json]]:
        """Records as JSON values, through the query gate."""
        ...

    def write(self, entity: str, values: Mapping[str, Json], *, id: str | None = None) -> str:  # noqa: A002 - as above
        """Create a record, or update the one named `id`; answers its id or raises `Refused`."""
        ...

    def table(self, projection: str) -> sa.Table:
        """The table of one of the plugin's own projections, to build expressions with."""
        ...

    def select(self, query: Question) -> Sequence[tuple[Any, ...]]:
        """Rows of a query over the plugin's own projections; any other table is refused."""
        ...

    def upsert(self, projection: str, rows: Iterable[Mapping[str, Any]]) -> int:
        """Insert or replace rows by key, in batches; answers how many."""
        ...

    def upsert_select(self, projection: str, query: Question) -> int:
        """Insert or replace what a query gives, set-based; answers how many rows."""
        ...


@dataclass(frozen=True, slots=True)
class PluginRequest:
    """A checked request to a plugin route: the body has passed the declared schema (None without a body; numbers
    with a point are Decimal), `query` holds only declared parameters, `path` those of the path, as text."""

    access: Access
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Json


@dataclass(frozen=True, slots=True)
class PluginRoute:
    """A route `/api/v1/x/{plugin}{path}`; `permission` is `public`, `signed_in` or `builder`.

    `writes` says whether the handler may write; a GET route must not. `parameters` are the query parameters it
    takes. The handler runs in a thread of its own and answers what fits `response_schema`, or raises `Refused`.
    """

    path: str
    method: str
    permission: str
    handler: Callable[[PluginRequest], Json]
    request_schema: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    response_schema: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    writes: bool = False
    summary: str = ""
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tryout:
    """A pure computation behind `POST /api/v1/try/{id}`: the very function the product uses."""

    id: str
    run: Callable[[Context, Json], Json]
    request_schema: Mapping[str, Any]
    response_schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel on the record page of entities (by reference) that `applies` accepts; `render` is given the entity
    and the record's id and may only read. `title` is by locale; drawn from structured parts, never markup."""

    id: str
    applies: Callable[[Context, str], bool]
    render: Callable[[Access, str, str], Drawing | None]
    title: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Command:
    """A command `dacheng {plugin} {id}`: argument names with help, and what it does as the product itself; `run`
    answers the exit code and prints what it has to say."""

    id: str
    help: str
    arguments: Mapping[str, str]
    run: Callable[[Access, Mapping[str, str]], int]


@dataclass(frozen=True, slots=True)
class Consumer:
    """A follower of the event log: called with batches in order after its own cursor, by the worker.

    Events are mappings with `id type subject_kind subject occurred_at recorded_at actor payload` (times in ms).
    The cursor moves when `handle` returns: after a crash or a failure the same batch comes again, so write by key.
    """

    id: str
    types: frozenset[str]
    handle: Callable[[Access, Sequence[Mapping[str, Json]]], None]


@dataclass(frozen=True, slots=True)
class RecordWrite:
    """One record about to change, or changed: typed values before and after; `before` is None on create."""

    action: str
    entity: str
    id: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


def says(texts: Mapping[str, str], pointer: str = "") -> Problem:
    """A plugin's own refusal: a sentence by locale (`en` at least), at a field (`/note`) or at the whole record."""
    return problem("plugin.says", pointer, text=texts)
