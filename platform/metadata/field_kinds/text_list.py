"""What every kind that holds several texts has in common: an ordered list without repetition, kept as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dacheng.metadata.expression import TEXT, ListOf
from dacheng.metadata.kinds import ColumnSpec, Json, Primitive
from dacheng.metadata.problem import refuse

LISTED = ListOf(TEXT)
SEPARATORS = "、;；\n"
_PART = re.compile(rf'\s*"((?:[^"]|"")*)"\s*(?=[{SEPARATORS}]|\Z)|([^{SEPARATORS}]*)')
_write = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class TextList:
    """A list of texts bound to one field: a `tuple` of `str`, never empty; an empty list is missing.

    The first column holds the list as JSON. Kinds with more override `item`, and `parse_text` where
    people do not write their items with `、` or `;` between.
    """

    columns: tuple[ColumnSpec, ...] = (ColumnSpec(Primitive.JSON),)
    type = LISTED
    value_schema: Mapping[str, Any] = {}

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def item(self, raw: Json) -> str:
        """One item, checked; raises `Refused`."""
        raise refuse("value.not_a_list")

    def parse(self, raw: Json) -> tuple[str, ...] | None:
        """A list of items, or one alone → the items, each once, in their order."""
        if raw is None or raw == "":
            return None
        given = raw if isinstance(raw, list | tuple) else [raw]
        found = tuple(dict.fromkeys(self.item(each) for each in given))
        if len(found) > self.limit:
            raise refuse("value.too_many_items", limit=self.limit, count=len(found))
        return found or None

    def parse_text(self, text: str) -> tuple[str, ...] | None:
        """Items with `、`, `;` or a line end between."""
        return self.parse(split(text))

    def store(self, value: Sequence[str] | None) -> tuple[Any, ...]:
        """The list as JSON text."""
        return (written(value),)

    def load(self, stored: Sequence[Any]) -> tuple[str, ...] | None:
        """JSON text → the list."""
        return None if stored[0] is None else tuple(json.loads(stored[0]))

    def json(self, value: Sequence[str] | None) -> Json:
        """A list of texts."""
        return None if value is None else list(value)

    def json_stored(self, stored: Sequence[Any]) -> Json:
        """A list of texts."""
        return None if stored[0] is None else json.loads(stored[0])

    def text(self, value: Sequence[str] | None) -> str:
        """The items with `、` between."""
        return "、".join(value or ())

    def operand(self, value: Sequence[str] | None) -> Any:
        """The items."""
        return tuple(value or ())


def split(text: str) -> list[str]:
    """The parts of a typed list, trimmed, without empty ones."""
    for sign in SEPARATORS[1:]:
        text = text.replace(sign, SEPARATORS[0])
    return [part for part in (each.strip() for each in text.split(SEPARATORS[0])) if part]


def split_quoted(text: str) -> list[str]:
    """The same, but what stands between quotes is one part as it is, its own quotes doubled: what `joined` writes."""
    parts: list[str] = []
    at = 0
    while at < len(text):
        found = _PART.match(text, at)
        assert found is not None  # the last alternative takes anything
        whole, plain = found[1], found[2]
        part = plain.strip() if whole is None else whole.replace('""', '"')
        if part:
            parts.append(part)
        at = found.end() + 1
    return parts


def joined(parts: Iterable[str]) -> str:
    """Parts with `、` between; one that would be read otherwise stands between quotes."""
    return SEPARATORS[0].join(_quoted(each) for each in parts)


def _quoted(part: str) -> str:
    plain = part == part.strip() and part[:1] != '"' and not any(sign in part for sign in SEPARATORS)
    return part if plain else '"' + part.replace('"', '""') + '"'


def written(items: Iterable[Any] | None) -> str | None:
    """A list as it is stored: the same list is always the same text."""
    return None if items is None else _write(list(items))


def items_of(stored: str | None) -> list[Any]:
    """A stored list read back; nothing for a missing one."""
    found: list[Any] = [] if stored is None else json.loads(stored)
    return found
