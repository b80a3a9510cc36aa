"""JSON from outside: exact numbers, no duplicates, bounded in size and depth; anything else is a Problem."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any, NoReturn

from dacheng.metadata.problem import refuse

MAX_BYTES = 5_000_000
MAX_DEPTH = 64
MAX_NUMBER = 64  # characters of one number
MAX_EXPONENT = 308
MAX_INTEGER = 2**63  # what lies beyond is a Decimal, as JSON writers and databases take 64 bits
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)


def strict_json(data: bytes, *, max_bytes: int = MAX_BYTES, file: str = "") -> Any:
    """The value of a JSON document: integers of 64 bits as int, other numbers as Decimal.

    Refuses more than `max_bytes`, depth beyond 64, bytes that are not UTF-8, NaN and infinities, numbers no
    database holds, duplicate keys, lone surrogates; each with its own code and, where known, line and column.
    """
    if len(data) > max_bytes:
        raise refuse("json.too_large", file=file, limit=max_bytes)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise refuse("json.encoding", file=file, position=error.start) from None
    if text.count("[") + text.count("{") > MAX_DEPTH:
        _check_depth(text, file)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise refuse("json.syntax", file=file, line=error.lineno, column=error.colno) from None
    except _NotAcceptedError as error:
        raise refuse(error.code, file=file, value=error.value) from None
    if _SURROGATE.search(text):
        _check_surrogates(value, file)
    return value


class _NotAcceptedError(Exception):
    def __init__(self, code: str, value: str) -> None:
        self.code, self.value = code, value
        super().__init__(code)


def _check_depth(text: str, file: str) -> None:
    depth = 0
    for token in _TOKEN.finditer(text):
        first = text[token.start()]
        if first in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise refuse("json.too_deep", file=file, limit=MAX_DEPTH)
        elif first != '"':
            depth -= 1


def _check_surrogates(value: Any, file: str) -> None:
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode("utf-8")
    except UnicodeEncodeError:
        raise refuse("json.surrogate", file=file) from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _NotAcceptedError("json.duplicate_key", key)
            seen.add(key)
    return found


def _integer(text: str) -> int | Decimal:
    if len(text) > MAX_NUMBER:
        raise _NotAcceptedError("json.number", text)
    value = int(text)
    return value if -MAX_INTEGER <= value < MAX_INTEGER else Decimal(value)


def _decimal(text: str) -> Decimal:
    value = Decimal(text) if len(text) <= MAX_NUMBER else None
    if value is None or abs(value.adjusted()) > MAX_EXPONENT:
        raise _NotAcceptedError("json.number", text)
    return value


def _constant(text: str) -> NoReturn:
    raise _NotAcceptedError("json.number", text)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_decimal, parse_constant=_constant
)
