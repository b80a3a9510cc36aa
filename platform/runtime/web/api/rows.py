"""Stored rows become JSON objects column by column, by functions prepared once per set of columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dacheng.metadata.kinds import Codec
from dacheng.runtime.services.gate import OutColumn
from dacheng.runtime.storage.query import Page

Column = Callable[[Sequence[Any]], Any]
_PROBE: Any = object()


def json_column(codec: Codec) -> Column | None:
    """What turns a column's stored values into JSON; None when they are JSON as they are."""
    try:
        if len(codec.columns) == 1 and codec.json_stored((_PROBE,)) is _PROBE:
            return None
    except (TypeError, ValueError, AttributeError):
        pass
    return codec.json_stored


def objects(columns: Sequence[OutColumn], page: Page) -> list[dict[str, Any]]:
    """One object per row, its keys the columns' names; a link that leads to nothing visible is null."""
    if not page.raw:
        return []
    stored = list(zip(*page.raw, strict=True))
    offset = page.spans[0].start if page.spans else 0
    names = [column.name for column in columns]
    values = [_values(column, stored, offset) for column in columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]


def _values(column: OutColumn, stored: list[tuple[Any, ...]], offset: int) -> Sequence[Any]:
    if column.seen >= 0:
        return stored[offset + column.seen]
    convert = json_column(column.field.codec)
    if convert is None:
        return stored[offset + column.start]
    pairs = zip(*stored[offset + column.start : offset + column.stop], strict=True)
    return [convert(pair) for pair in pairs]
