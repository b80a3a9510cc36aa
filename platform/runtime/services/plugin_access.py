"""What a plugin reaches data through: records by the query gate and the one way of writing, tables of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from types import MappingProxyType
from typing import Any, TypeVar

import sqlalchemy as sa

from dacheng.metadata.kinds import Json
from dacheng.metadata.problem import Refused, refuse
from dacheng.plugins.api import Question
from dacheng.plugins.context import Context
from dacheng.plugins.manager import Plugins
from dacheng.runtime.services import read_records, write_record
from dacheng.runtime.services.gate import Query
from dacheng.runtime.services.plugin_tables import Own, demand_own, guarded, tables_of
from dacheng.runtime.services.site import Site
from dacheng.runtime.services.work import Work
from dacheng.runtime.services.write_record import Write
from dacheng.runtime.storage import projections as stored
from dacheng.runtime.storage.reader import Transaction

BATCH = 1000
MOVED = "storage.version_moved"
NONE: Mapping[str, Any] = MappingProxyType({})
T = TypeVar("T")


@dataclass(slots=True)
class PluginAccess:
    """`plugins.api.Access` for one call of one plugin; with `writes` false every write is refused.

    Used in a thread of its own: its methods wait for the database.
    """

    context: Context
    _site: Site
    _work: Work
    _own: Own
    _writes: bool

    @classmethod
    def of(cls, site: Site, work: Work, plugin: str, *, writes: bool) -> PluginAccess:
        """The access of a plugin for a call made by the work's actor."""
        own = own_tables(site.plugins).get(plugin) or Own(plugin, NONE, NONE, NONE)
        return cls(work.context, site, work, own, writes)

    # ---------------------------------------------------------------- records
    def records(
        self,
        entity: str,
        *,
        fields: Sequence[str],
        filter: Json = None,  # noqa: A002 - the word of the API
        sort: Sequence[str] = (),
        limit: int = 100,
    ) -> Sequence[Mapping[str, Json]]:
        """Records as JSON values, through the query gate."""
        asked = Query(entity, tuple(fields), filter, tuple(sort), limit=limit)
        work = self._work
        return self._site.db.read_now(lambda reader: read_records.list_page(reader, work, asked)).json()

    def write(self, entity: str, values: Mapping[str, Json], *, id: str | None = None) -> str:  # noqa: A002
        """Create a record, or update the one named `id`; answers its id or raises `Refused`."""
        self._demand_writing()
        asked = Write("create" if id is None else "update", entity, id, values)
        try:
            return write_record.write_now(self._site.db, self._work, asked).id
        except Refused as refused:
            if not any(each.code == MOVED for each in refused.problems):
                raise
        self._work = self._site.renew(self._work)
        self.context = self._work.context
        return write_record.write_now(self._site.db, self._work, asked).id

    # ---------------------------------------------------------------- own tables
    def table(self, projection: str) -> sa.Table:
        """The table of one of the plugin's own projections, to build expressions with."""
        self._stored(projection)
        return self._own.tables[projection]

    def select(self, query: Question) -> Sequence[tuple[Any, ...]]:
        """Rows of a query over the plugin's own projections that the actor may see."""
        checked = self._checked(query)
        return self._site.db.read_now(lambda reader: reader.rows(checked))

    def upsert(self, projection: str, rows: Iterable[Mapping[str, Any]]) -> int:
        """Insert or replace rows by key, a transaction per batch; a column left out is emptied."""
        self._demand_writing()
        wanted, written = self._stored(projection), 0
        for batch in _batches(rows):
            full = [_full(wanted, row) for row in batch]
            written += self._wrote(partial(stored.put, wanted=wanted, rows=full)) and len(full)
        return written

    def upsert_select(self, projection: str, query: Question) -> int:
        """Insert or replace what a query gives, in one transaction; answers how many rows."""
        self._demand_writing()
        wanted = self._stored(projection)
        found = {column.name for column in query.selected_columns}
        _demand_columns(wanted, found)
        checked = self._checked(query)
        return self._wrote(partial(stored.upsert_select, wanted=wanted, query=checked))

    # ---------------------------------------------------------------- inside
    def _stored(self, projection: str) -> stored.Projection:
        found = self._own.stored.get(projection)
        if found is None:
            raise refuse("plugin.foreign_table", plugin=self._own.plugin, table=projection)
        return found

    def _checked(self, query: Question) -> Question:
        demand_own(query, self._own)
        return guarded(query, self._own, self._work, self._site.db.dialect)

    def _demand_writing(self) -> None:
        if not self._writes:
            raise refuse("plugin.read_only", plugin=self._own.plugin)

    def _wrote(self, work: Callable[[Transaction], T]) -> T:
        return self._site.db.write_now(work, urgent=False)


def own_tables(plugins: Plugins) -> Mapping[str, Own]:
    """The tables of every plugin, worked out once per host: queries are built with these very tables."""
    found: Mapping[str, Own] = plugins.remembered("tables", lambda: tables_of(plugins))
    return found


def _batches(rows: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    left = iter(rows)
    while batch := list(islice(left, BATCH)):
        yield batch


def _full(wanted: stored.Projection, row: Mapping[str, Any]) -> dict[str, Any]:
    _demand_columns(wanted, row.keys())
    return {name: row.get(name) for name in wanted.columns}


def _demand_columns(wanted: stored.Projection, found: Iterable[str]) -> None:
    names = set(found)
    if not set(wanted.key) <= names <= wanted.columns.keys():
        raise refuse(
            "plugin.bad_rows",
            table=wanted.id,
            found=", ".join(sorted(names)),
            known=", ".join(wanted.columns),
        )
