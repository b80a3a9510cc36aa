"""`POST /api/v1/try/expression`: the product's own evaluator on a record given in the request."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from dacheng.metadata.expression import (
    BOOLEAN,
    DATE,
    DURATION,
    INSTANT,
    MISSING,
    NUMBER,
    TEXT,
    ListOf,
    RecordOf,
    Type,
    check,
    environment,
    moments,
    parse,
    values,
)
from dacheng.metadata.problem import pointer_to, refuse
from dacheng.runtime.web.api.requests import json_object
from dacheng.runtime.web.routing import work_of

PLAIN: Final = MappingProxyType(
    {kind.name: kind for kind in (TEXT, NUMBER, BOOLEAN, DATE, INSTANT, DURATION, MISSING)}
)
KEYS: Final = frozenset({"expression", "record", "types", "now"})
QUANTIFIERS: Final = frozenset({"some", "all", "none"})  # their conditions look at the items, not the record
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)")


@dataclass(frozen=True, slots=True)
class _Known:
    """A value in the evaluator's outer form with the type it was given or seen to have."""

    type: Type
    value: Any


async def try_expression(request: Request) -> Response:
    """Evaluate; answers `{"value": …}`, numbers exact, dates and instants as ISO text."""
    body = await json_object(request)
    for name in body:
        if name not in KEYS:
            raise refuse("web.body_unknown_key", pointer_to(name), name=name)
    if "expression" not in body:
        raise refuse("web.form_incomplete", "/expression")
    work = work_of(request)
    given = body.get("record", {})
    if not isinstance(given, dict):
        raise refuse("web.bad_body", "/record")
    record = _record(given, body.get("types") or {}, "/record")
    assert isinstance(record.type, RecordOf)
    missing = frozenset(name for name in record.value if record.type.fields(name) == MISSING)
    asked = _with_nulls(body["expression"], missing)
    expression = check(parse(asked, operators=work.kinds.operators), record.type)
    now = _moment(body["now"], "/now") if body.get("now") is not None else work.context.now
    found = expression.run(record.value, environment(now, work.context.zone, calendar=work.context.calendar))
    return Response(orjson.dumps({"value": _json(found, expression.type)}), media_type="application/json")


def _with_nulls(expression: Any, missing: frozenset[str]) -> Any:
    """The expression with null for each field given as null without a type: it may stand for a value of any."""
    if not missing or not isinstance(expression, dict | list):
        return expression
    if isinstance(expression, list):
        return [_with_nulls(each, missing) for each in expression]
    name = expression.get("var")
    if isinstance(name, str) and len(expression) == 1:
        return None if name in missing else expression
    inner = QUANTIFIERS & expression.keys()
    if inner and isinstance(operands := expression[next(iter(inner))], list) and len(expression) == 1:
        return {next(iter(inner)): [*(_with_nulls(each, missing) for each in operands[:1]), *operands[1:]]}
    return {key: _with_nulls(each, missing) for key, each in expression.items()}


# ---------------------------------------------------------------- types and values given
def _record(given: Mapping[str, Any], types: Any, at: str) -> _Known:
    if not isinstance(types, dict):
        raise refuse("web.bad_parameter", at, name="types")
    names = {**dict.fromkeys(types), **dict.fromkeys(given)}
    known = {name: _value(given.get(name), types.get(name), at + pointer_to(name)) for name in names}
    money = set(known) == {"amount", "currency"}
    kinds = {name: each.type for name, each in known.items()}
    kind = RecordOf(fields=kinds.get, stands_for="amount" if money else "id")
    return _Known(kind, {name: each.value for name, each in known.items()})


def _value(raw: Any, declared: Any, at: str) -> _Known:
    if declared is None:
        return _seen(raw, at)
    if isinstance(declared, dict) and set(declared) != {"list"}:
        return _record(raw if isinstance(raw, dict) else {}, declared, at)
    item = _item_of(declared)
    if item is not None:
        entries = [_value(each, item, at) for each in raw] if isinstance(raw, list) else []
        kind = entries[0].type if entries else _value(None, item, at).type
        return _Known(ListOf(item=kind), tuple(each.value for each in entries))
    named = PLAIN.get(declared) if isinstance(declared, str) else None
    if named is None:
        raise refuse("web.bad_parameter", at, name="types")
    return _Known(named, _READERS[named](raw, at) if raw is not None else None)


def _item_of(declared: Any) -> Any:
    """What a list's items are declared to be: `"list:text"`, `["text"]`, `{"list": "text"}`; None for no list."""
    if isinstance(declared, dict):
        return declared["list"]
    if isinstance(declared, list) and len(declared) == 1:
        return declared[0]
    if isinstance(declared, str) and declared.startswith("list:"):
        return declared.removeprefix("list:")
    return None


def _seen(raw: Any, at: str) -> _Known:
    """The type a value shows by itself; `{"date": …}`, `{"instant": …}` and `{"duration": …}` are literals."""
    if raw is None:
        return _Known(MISSING, None)
    if isinstance(raw, bool):
        return _Known(BOOLEAN, raw)
    if isinstance(raw, int | Decimal):
        return _Known(NUMBER, Decimal(raw))
    if isinstance(raw, str):
        return _Known(TEXT, raw)
    if isinstance(raw, list):
        entries = [_seen(each, at) for each in raw]
        kind = next((each.type for each in entries if each.type != MISSING), MISSING)
        if any(isinstance(each.type, RecordOf) for each in entries):
            kind = _record(_merged(raw), {}, at).type
        return _Known(ListOf(item=kind), tuple(each.value for each in entries))
    if len(raw) == 1 and next(iter(raw)) in ("date", "instant", "duration"):
        name, text = next(iter(raw.items()))
        return _Known(PLAIN[name], _READERS[PLAIN[name]](text, at))
    return _record(raw, {}, at)


def _merged(entries: list[Any]) -> dict[str, Any]:
    """One record that has every field any of the records has, with a value where there is one."""
    merged: dict[str, Any] = {}
    for entry in entries:
        for name, value in entry.items() if isinstance(entry, dict) else ():
            if merged.get(name) is None:
                merged[name] = value
    return merged


def _moment(raw: Any, at: str) -> datetime:
    if not isinstance(raw, str) or not _INSTANT.fullmatch(raw):
        raise refuse("web.bad_parameter", at, name=at.rpartition("/")[2])
    try:
        return datetime.fromisoformat(raw).astimezone(UTC)
    except (ValueError, OverflowError):
        raise refuse("web.bad_parameter", at, name=at.rpartition("/")[2]) from None


def _number(raw: Any) -> Decimal | None:
    if isinstance(raw, bool) or not isinstance(raw, int | str | Decimal):
        return None
    try:
        number = Decimal(raw)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _checked(accept: Callable[[Any], Any]) -> Callable[[Any, str], Any]:
    def read(raw: Any, at: str) -> Any:
        found = accept(raw)
        if found is None:
            raise refuse("web.bad_parameter", at, name=at.rpartition("/")[2])
        return found

    return read


def _duration(raw: Any) -> Any:
    found = moments.parse_duration(raw) if isinstance(raw, str) else None
    return None if found is None else values.external(found, DURATION)


_READERS: Final[Mapping[Type, Callable[[Any, str], Any]]] = {
    TEXT: _checked(lambda raw: raw if isinstance(raw, str) else None),
    NUMBER: _checked(_number),
    BOOLEAN: _checked(lambda raw: raw if isinstance(raw, bool) else None),
    DATE: _checked(lambda raw: moments.parse_date(raw) if isinstance(raw, str) else None),
    INSTANT: _moment,
    DURATION: _checked(_duration),
    MISSING: lambda _raw, _at: None,
}


# ---------------------------------------------------------------- the answer
def _json(value: Any, kind: Type) -> Any:
    """The value as JSON; a number keeps every digit."""
    if value is None:
        return None
    if kind == NUMBER:
        return orjson.Fragment(values.json_safe(value, kind).encode())
    if isinstance(kind, ListOf):
        return [_json(each, kind.item) for each in value]
    if isinstance(kind, RecordOf):
        fields = {name: kind.fields(name) for name in value} if isinstance(value, Mapping) else {}
        return {
            name: _json(values.reader(found)(value[name]), found)
            for name, found in fields.items()
            if found is not None
        }
    return values.json_safe(value, kind)
