"""JSON: an object or a list as another system wrote it, bounded in depth and size."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from dacheng.metadata.expression import TEXT
from dacheng.metadata.field_kinds.text import clean_text
from dacheng.metadata.kinds import ColumnSpec, FieldKind, Primitive, Spec
from dacheng.metadata.problem import refuse

Json = Any
DEEPEST = 20
LARGEST = 65_536  # characters of canonical text
MOST = 10_000  # values in it
EXACT = 2**53


def canonical(value: Json) -> str:
    """The one text of a JSON value: sorted keys, no white space."""
    return json.dumps(
        value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False, default=float
    )


class JsonCodec:
    """A JSON object or list bound to one field: kept as canonical text."""

    def __init__(self, spec: Spec) -> None:
        self.columns = (ColumnSpec(Primitive.JSON),)
        self.type = TEXT
        self.value_schema: Mapping[str, Any] = {"type": ["object", "array"]}

    def parse(self, raw: Json) -> Json:
        """A JSON object or list → the same, after a look at every value in it."""
        if raw is None or raw == "":
            return None
        if not isinstance(raw, dict | list):
            raise refuse("value.not_json")
        _measure(raw)
        text = canonical(raw)
        if len(text) > LARGEST:
            raise refuse("value.json_too_large", length=len(text), limit=LARGEST)
        return json.loads(text)

    def parse_text(self, text: str) -> Json:
        """Strict JSON text: no doubled keys, no NaN, nothing behind it."""
        plain = text.strip()
        if not plain:
            return None
        if len(plain) > 4 * LARGEST:
            raise refuse("value.json_too_large", length=len(plain), limit=LARGEST)
        try:
            return self.parse(json.loads(plain, object_pairs_hook=_no_doubles, parse_constant=_no_constant))
        except (ValueError, RecursionError):
            raise refuse("value.not_json") from None

    def store(self, value: Json) -> tuple[Any, ...]:
        """Canonical text."""
        return (None if value is None else canonical(value),)

    def load(self, stored: Sequence[Any]) -> Json:
        """Canonical text → JSON."""
        return None if stored[0] is None else json.loads(stored[0])

    def json(self, value: Json) -> Json:
        """As it is."""
        return value

    def json_stored(self, stored: Sequence[Any]) -> Json:
        """Canonical text → JSON."""
        return None if stored[0] is None else json.loads(stored[0])

    def text(self, value: Json) -> str:
        """Canonical text."""
        return "" if value is None else canonical(value)

    def operand(self, value: Json) -> Any:
        """Canonical text."""
        return None if value is None else canonical(value)


def _no_doubles(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_constant(name: str) -> Json:
    raise ValueError(name)


def _measure(value: Json) -> None:
    """Refuse what cannot be carried exactly everywhere: too deep, too many, odd keys, numbers a browser rounds."""
    pending, seen = [(value, 1)], 0
    while pending:
        one, depth = pending.pop()
        seen += 1
        if depth > DEEPEST:
            raise refuse("value.json_too_deep", limit=DEEPEST)
        if seen > MOST:
            raise refuse("value.json_too_large", length=seen, limit=MOST)
        if isinstance(one, dict):
            for key in one:
                clean_text(key)
            pending.extend((inner, depth + 1) for inner in one.values())
        elif isinstance(one, list):
            pending.extend((inner, depth + 1) for inner in one)
        else:
            _check_plain(one)


def _check_plain(one: Json) -> None:
    if isinstance(one, str):
        clean_text(one)
    elif isinstance(one, bool) or one is None:
        return
    elif isinstance(one, int):
        if abs(one) >= EXACT:
            raise refuse("value.too_many_digits", digits=15)
    elif isinstance(one, Decimal):  # as the API reads numbers, so that money stays exact
        if not one.is_finite() or Decimal(repr(float(one))) != one:
            raise refuse("value.too_many_digits", digits=15)
    elif not isinstance(one, float) or not math.isfinite(one):
        raise refuse("value.not_json")


class JsonKind(FieldKind):
    """A JSON object or list, at most 20 levels deep and 64 KB long; for what other systems send along."""

    id = "json"
    sortable = False
    keyed = False

    def bind(self, field_id: str, spec: Spec) -> JsonCodec:
        """The codec of one JSON field."""
        return JsonCodec(spec)
