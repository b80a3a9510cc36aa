"""The plans that a database makes for what a request asks of one table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from dacheng.runtime.host import Host
from dacheng.runtime.storage import search
from dacheng.runtime.storage.reader import Prepared, Reader


@dataclass(frozen=True)
class Asked:
    """One statement with the values it was given."""

    text: str
    names: tuple[str, ...]
    values: Mapping[str, Any]

    @property
    def is_count(self) -> bool:
        """Whether it counts; it must stop at a limit then."""
        return self.text.startswith("SELECT count(")


@contextmanager
def listening(patch: pytest.MonkeyPatch, table: str) -> Iterator[list[Asked]]:
    """Every prepared statement about a table, or its search index, that is run meanwhile."""
    heard: list[Asked] = []
    cursor = Reader._cursor

    def noting(self: Reader, statement: Prepared, params: Mapping[str, Any]) -> Any:
        text, names, defaults = statement.text(self._link.dialect)
        if table in text:
            heard.append(Asked(text, tuple(names), {**defaults, **params}))
        return cursor(self, statement, params)

    with patch.context() as patched:
        patched.setattr(Reader, "_cursor", noting)
        yield heard


def faults(host: Host, asked: Asked, table: str, *, by_hits: bool) -> list[str]:
    """What is wrong for a table of a million: all of it read, or more sorted than a search may find.

    `by_hits` says the question is a rare word, whose few hits are fetched and sorted.
    """
    if asked.is_count and "LIMIT" not in asked.text:
        return ["counts without an end"]
    explain = _sqlite if host.settings.embedded else _postgresql
    found = host.db.read_now(lambda reader: list(explain(reader, asked, table)))
    return [each for each in found if not (by_hits and "TEMP B-TREE" in each)]


def _sqlite(reader: Reader, asked: Asked, table: str) -> Iterator[str]:
    values = tuple(asked.values[name] for name in asked.names)
    for *_, step in reader.fetch("EXPLAIN QUERY PLAN " + asked.text, values):
        if step.startswith(f"SCAN {table}") and "INDEX" not in step:
            yield step
        if "TEMP B-TREE" in step and "GROUP BY" not in step:  # a board adds up no more than it counts
            yield step


def _postgresql(reader: Reader, asked: Asked, table: str) -> Iterator[str]:
    ((found,),) = reader.fetch("EXPLAIN (ANALYZE, FORMAT JSON) " + asked.text, asked.values)
    for node in _nodes(found[0]["Plan"]):
        what, about = node["Node Type"], node.get("Relation Name", "")
        if what == "Seq Scan" and about == table and not asked.is_count:
            yield f"{what} {about}"
        if what == "Sort" and node["Plans"][0]["Actual Rows"] > search.FETCHED:
            yield f"{what} {node['Plans'][0]['Actual Rows']}"
        if about == table and not asked.is_count and node["Actual Rows"] > search.FETCHED:
            yield f"{what} {about} {node['Actual Rows']}"


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for each in node.get("Plans", ()):
        yield from _nodes(each)
