"""The types of the expression language: seven plain ones, lists, and records whose fields are looked up lazily."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Type:
    """A plain type, known by its name; the only instances are the constants below."""

    name: str


@dataclass(frozen=True, slots=True)
class ListOf(Type):
    """A list whose items all have one type (a plain one or a record)."""

    name: str = field(default="list", init=False)
    item: Type


@dataclass(frozen=True, slots=True)
class RecordOf(Type):
    """A record: `fields(id)` gives a field's type, or None when this scope does not know it; links may be cyclic.

    Where a plain value is wanted the record stands for one of its fields: a link for its `id`, money for its `amount`.
    """

    name: str = field(default="record", init=False)
    fields: Callable[[str], Type | None]
    entity: str = "record"
    stands_for: str = "id"


TEXT = Type("text")
NUMBER = Type("number")
BOOLEAN = Type("boolean")
DATE = Type("date")
INSTANT = Type("instant")
DURATION = Type("duration")
MISSING = Type("missing")

PLAIN = (TEXT, NUMBER, BOOLEAN, DATE, INSTANT, DURATION)
ORDERED = (NUMBER, TEXT, DATE, INSTANT, DURATION)


def type_name(kind: Type) -> str:
    """The name people and the browser see: `number`, `list:text`, `list` (of records), `record`."""
    if isinstance(kind, ListOf):
        return "list" if isinstance(kind.item, RecordOf) else f"list:{kind.item.name}"
    return kind.name
