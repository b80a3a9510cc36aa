"""One entity with every type, list and link, as scope, Python record, table rows and browser JSON alike."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from dacheng.metadata.expression import (
    BOOLEAN,
    DATE,
    DURATION,
    INSTANT,
    NUMBER,
    TEXT,
    Calendar,
    Environment,
    ListOf,
    RecordOf,
    Type,
    environment,
)
from dacheng.metadata.expression.moments import parse_duration

SLOTS: Mapping[str, Type] = {
    "t": TEXT,
    "n": NUMBER,
    "b": BOOLEAN,
    "d": DATE,
    "i": INSTANT,
    "s": DURATION,
    "w": NUMBER,
}
SPARE: dict[str, Type] = {
    f"{letter}{number}": kind for letter, kind in SLOTS.items() for number in range(1, 7)
}
SCALES = {**{f"n{number}": 6 for number in range(1, 7)}, "amount": 2, "price": 2, "scores": 2}

_PERSON: dict[str, Type] = {"id": TEXT, "name": TEXT, "age": NUMBER, "active": BOOLEAN}
PERSON = RecordOf(_PERSON.get, "person")
_PERSON["boss"] = PERSON
LINE = RecordOf(
    {
        "id": TEXT,
        "name": TEXT,
        "price": NUMBER,
        "qty": NUMBER,
        "due": DATE,
        "done": BOOLEAN,
        "marks": ListOf(TEXT),
    }.get,
    "line",
)
DEAL_FIELDS: dict[str, Type] = {
    **SPARE,
    "id": TEXT,
    "amount": NUMBER,
    "tags": ListOf(TEXT),
    "scores": ListOf(NUMBER),
    "lines": ListOf(LINE),
    "owner": PERSON,
    "members": ListOf(PERSON),
}
DEAL = RecordOf(DEAL_FIELDS.get, "deal")
USER = RecordOf(
    {"id": TEXT, "department": TEXT, "departments": ListOf(TEXT), "roles": ListOf(TEXT), "level": NUMBER}.get,
    "user",
)
CONTEXT: dict[str, Type] = {"$user": USER, "$before": DEAL}

PEOPLE: dict[str, dict[str, Any]] = {
    "p1": {"id": "p1", "name": "李雷", "age": 30, "active": True, "boss": "p2"},
    "p2": {"id": "p2", "name": "Han", "age": None, "active": False, "boss": None},
    "p3": {"id": "p3", "name": "", "age": 0, "active": None, "boss": "p1"},
}
NOW = "2026-02-28T16:30:00.123Z"
ZONE = "Asia/Shanghai"


@dataclass(frozen=True)
class Surroundings:
    """The environment of a case in JSON form."""

    context: Mapping[str, Any] = field(default_factory=dict)
    zone: str = ZONE
    calendar: Mapping[str, Any] = field(default_factory=dict)
    now: str = NOW

    def python(self) -> Environment:
        """The same for the Python evaluator and the SQL compiler."""
        calendar = Calendar(tuple(self.calendar.get("off", ())), tuple(self.calendar.get("extra", ())))
        context = {name: to_python(value, CONTEXT[name]) for name, value in self.context.items()}
        return environment(datetime.fromisoformat(self.now), ZoneInfo(self.zone), context, calendar)

    def browser(self, types: Mapping[str, str]) -> dict[str, Any]:
        """The same for the browser."""
        context = {name: with_people(value, CONTEXT[name]) for name, value in self.context.items()}
        return {
            "now": self.now,
            "zone": self.zone,
            "calendar": dict(self.calendar),
            "context": context,
            "types": dict(types),
        }


def to_python(value: Any, kind: Type) -> Any:
    """A JSON value as the evaluator wants it; people are put in place of their ids."""
    if value is None:
        return None
    if isinstance(kind, ListOf):
        return tuple(to_python(item, kind.item) for item in value)
    if isinstance(kind, RecordOf):
        if isinstance(value, str):
            return to_python(PEOPLE[value], kind) if value in PEOPLE else value
        fields = ((name, kind.fields(name)) for name in value)
        return {
            name: to_python(value[name], field_kind) for name, field_kind in fields if field_kind is not None
        }
    converters: dict[Type, Callable[[Any], Any]] = {
        NUMBER: lambda v: Decimal(str(v)),
        DATE: date.fromisoformat,
        INSTANT: datetime.fromisoformat,
        DURATION: lambda v: timedelta(milliseconds=parse_duration(v) or 0),
    }
    convert = converters.get(kind)
    return convert(value) if convert is not None else value


def with_people(value: Any, kind: Type) -> Any:
    """A JSON value for the browser, people in place of their ids."""
    if isinstance(kind, ListOf) and value is not None:
        return [with_people(item, kind.item) for item in value]
    if isinstance(kind, RecordOf) and value is not None:
        if isinstance(value, str):
            return with_people(PEOPLE[value], kind) if value in PEOPLE else value
        return {name: with_people(entry, kind.fields(name) or TEXT) for name, entry in value.items()}
    return value


def dumps(value: Any) -> str:
    """JSON text with every character as it is."""
    return json.dumps(value, ensure_ascii=False)
