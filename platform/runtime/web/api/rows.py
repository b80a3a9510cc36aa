"""Stored rows become JSON objects column by column, by functions prepared once per set of columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Final

from dacheng.metadata.kinds import Codec
from dacheng.runtime.services.gate import OutColumn
from dacheng.runtime.storage.reader import Row

LEADING: Final = 2  # id and version stand before the columns asked for
REMEMBERED: Final = 4096  # values a column keeps in JSON form: the same records are listed again and again
Stored = Sequence[tuple[Any, ...]]
Column = Callable[[Stored], Sequence[Any]]
Shape = Callable[[Sequence[Row]], list[dict[str, Any]]]
_PROBE: Any = object()


def shape_of(columns: Sequence[OutColumn]) -> Shape:
    """The function that turns rows into objects, keys being the columns' names."""
    names = [column.name for column in columns]
    readers = [_column(column) for column in columns]

    def objects(rows: Sequence[Row]) -> list[dict[str, Any]]:
        stored = list(zip(*rows, strict=True))
        values = [read(stored) for read in readers]
        return [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]

    return objects


def _column(column: OutColumn) -> Column:
    codec = column.field.codec
    start, stop = LEADING + column.start, LEADING + column.stop
    if is_json_as_stored(codec):
        return _as_is(start)
    convert = lru_cache(REMEMBERED)(codec.json_stored)
    return lambda stored: list(map(convert, zip(*stored[start:stop], strict=True)))


def _as_is(at: int) -> Column:
    return lambda stored: stored[at]


def is_json_as_stored(codec: Codec) -> bool:
    """Whether a codec hands its one stored value on untouched, seen by giving it something it cannot know."""
    try:
        return len(codec.columns) == 1 and codec.json_stored((_PROBE,)) is _PROBE
    except (TypeError, ValueError, AttributeError):
        return False
