"""What an import reads rows from, whatever kind of file they stand in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from dacheng.metadata.problem import refuse
from dacheng.runtime.services.delimited import read_delimited
from dacheng.runtime.services.workbook import WORKBOOK, read_workbook
from dacheng.runtime.services.workbook_parts import is_old_office, is_packed


class Table(Protocol):
    """A header and rows of texts, marked as in CSV; `sheet` is one of `sheets`, or empty where there are none."""

    @property
    def encoding(self) -> str:
        """How the texts are kept."""

    @property
    def delimiter(self) -> str:
        """What stands between cells; empty where the file needs no such sign."""

    @property
    def sheet(self) -> str:
        """The sheet that is read."""

    @property
    def sheets(self) -> tuple[str, ...]:
        """All sheets there are."""

    @property
    def header(self) -> tuple[str, ...]:
        """The names of the columns, all different."""

    def rows(self) -> Iterator[tuple[int, tuple[str, ...]]]:
        """(row number, cells) behind the header; rows without a single value are no rows."""

    def row_count(self) -> int:
        """How many rows there are."""


def read_table(content: bytes, *, encoding: str = "", delimiter: str = "", sheet: str = "") -> Table:
    """A workbook by its first bytes, else delimited text; what is given is believed, the rest detected."""
    if is_old_office(content):
        raise refuse("import.workbook_protected")
    if is_packed(content):
        return read_workbook(content, sheet)
    return read_delimited(content, encoding="" if encoding == WORKBOOK else encoding, delimiter=delimiter)
