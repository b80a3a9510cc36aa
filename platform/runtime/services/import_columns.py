"""Columns of cells become columns of stored values; a cell that is not plainly right is marked, not judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from dacheng.metadata.definition import Field
from dacheng.metadata.kinds import ColumnCodec
from dacheng.metadata.problem import Refused
from dacheng.runtime.services.import_cells import REMEMBERED, Reading, cell_reading, text_reading
from dacheng.runtime.services.import_mapping import ColumnMap, ImportMapping
from dacheng.runtime.services.work import Work

Row = tuple[int, tuple[str, ...]]
Column = list[Any]
ColumnReading = Callable[[Sequence[str]], Column]
ODD: Any = object()  # stands for a value that has to be worked out with its row
_NEW: Any = object()


@dataclass(frozen=True, slots=True)
class CellColumns:
    """A mapping bound to a file's header: rows become, by field, a column of what each cell is stored as.

    What is stored is one value, or a tuple where the field has several physical columns; links stay texts.
    """

    width: int
    values: tuple[tuple[str, int, ColumnReading], ...]
    links: tuple[tuple[str, int, ColumnReading], ...]
    constants: Mapping[str, Any]

    @classmethod
    def of(cls, work: Work, entity: str, mapping: ImportMapping, header: Sequence[str]) -> CellColumns:
        """The columns of one file; a constant that is refused is odd in every row."""
        fields = work.entity(entity).entity.fields
        values, links, constants = [], [], {}
        for each in mapping.columns:
            target = fields[each.field]
            if not each.column:
                constants[each.field] = _constant(target, each)
            elif target.is_link:
                reading = _remembered(text_reading(each))
                links.append((each.field, header.index(each.column), reading))
            else:
                values.append((each.field, header.index(each.column), _reading(work, target, each)))
        return cls(len(header), tuple(values), tuple(links), constants)

    def stored(self, rows: Sequence[Row]) -> dict[str, Column]:
        """The values of fields that are no links, by field."""
        cells = [row[1] for row in rows]
        found = {name: read(list(map(itemgetter(at), cells))) for name, at, read in self.values}
        return found | {name: [value] * len(rows) for name, value in self.constants.items()}

    def link_texts(self, rows: Sequence[Row]) -> dict[str, Column]:
        """The texts of links, by field."""
        cells = [row[1] for row in rows]
        return {name: read(list(map(itemgetter(at), cells))) for name, at, read in self.links}

    def too_wide(self, rows: Sequence[Row]) -> set[int]:
        """The places of rows with more cells than the header has."""
        return {place for place, row in enumerate(rows) if len(row[1]) > self.width}


def _constant(target: Field, column: ColumnMap) -> Any:
    try:
        return _single(target.codec.store(target.codec.parse(column.value)))
    except Refused:
        return ODD


def _reading(work: Work, target: Field, column: ColumnMap) -> ColumnReading:
    """As a whole where the codec can, each cell by itself where it cannot."""
    one_by_one = _remembered(_storing(target, cell_reading(work, target, column)))
    codec = target.codec
    if column.values or column.format or target.options or not isinstance(codec, ColumnCodec):
        return one_by_one
    together = codec.store_texts

    def read(cells: Sequence[str]) -> Column:
        found = None if _has_apostrophe(cells) else together(list(map(str.strip, cells)))
        return one_by_one(cells) if found is None else found

    return read


def _has_apostrophe(cells: Sequence[str]) -> bool:
    """Whether a cell may begin with the apostrophe that keeps spreadsheets from running it."""
    return "\n'" in "\n" + "\n".join(cells)


def _storing(target: Field, read: Reading) -> Reading:
    store = target.codec.store

    def value(cell: str) -> Any:
        try:
            return _single(store(read(cell)))
        except Refused:
            return ODD

    return value


def _single(stored: tuple[Any, ...]) -> Any:
    return stored[0] if len(stored) == 1 else stored


def _remembered(read: Reading) -> ColumnReading:
    """A column read cell by cell, each of the first few thousand different ones once."""
    known: dict[str, Any] = {}

    def learn(cell: str) -> Any:
        value = read(cell)
        if len(known) < REMEMBERED:
            known[cell] = value
        return value

    def look(cells: Sequence[str]) -> Column:
        found = [known.get(cell, _NEW) for cell in cells]
        if _NEW in found:
            return [learn(cell) if value is _NEW else value for cell, value in zip(cells, found, strict=True)]
        return found

    return look
