"""Pages by key: the place behind a row, whatever the order and however many values are missing.

A page is read in at most two steps, each a plain range of an index: missing values are the smallest,
so behind a value come larger ones (ascending) or smaller ones and then the missing (descending).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from dacheng.metadata.problem import refuse

MAX_CURSOR = 4000


@dataclass(frozen=True, slots=True)
class Key:
    """One sort key as SQL."""

    column: sa.ColumnElement[Any]
    descending: bool
    nullable: bool = True


Pattern = tuple[bool, ...]  # for each key, whether the cursor's value is missing


def digest(shape: object) -> str:
    """A short name of a list and its order; a cursor of another one is refused."""
    return hashlib.sha256(repr(shape).encode()).hexdigest()[:12]


def encode(shape: str, values: Sequence[Any]) -> str:
    """The place behind a row, as text that fits in a URL."""
    return base64.urlsafe_b64encode(orjson.dumps([shape, *values])).decode().rstrip("=")


def decode(text: str, shape: str, kinds: Sequence[type]) -> tuple[Any, ...]:
    """The values of a cursor; anything but one of our own for this very list is `storage.bad_cursor`."""
    if len(text) > MAX_CURSOR:
        raise refuse("storage.bad_cursor")
    try:
        found = orjson.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        raise refuse("storage.bad_cursor") from None
    if not isinstance(found, list) or len(found) != len(kinds) + 1 or found[0] != shape:
        raise refuse("storage.bad_cursor")
    values = tuple(found[1:])
    if values[-1] is None or any(
        v is not None and not _fits(v, k) for v, k in zip(values, kinds, strict=True)
    ):
        raise refuse("storage.bad_cursor")
    return values


def _fits(value: Any, kind: type) -> bool:
    if kind is str:
        return isinstance(value, str) and "\0" not in value
    return type(value) is int and -(2**63) < value < 2**63


def segments(keys: Sequence[Key], pattern: Pattern | None) -> list[sa.ColumnElement[bool]]:
    """The conditions whose rows, one after the other, are everything behind the cursor (None: everything)."""
    if pattern is None:
        return [sa.true()]
    return _behind(keys, pattern, 0)


def _behind(keys: Sequence[Key], pattern: Pattern, at: int) -> list[sa.ColumnElement[bool]]:
    key, is_null = keys[at], pattern[at]
    column = key.column
    value = sa.bindparam(f"c{at}", type_=column.type)
    last = at == len(keys) - 1
    ties = sa.false() if last else sa.or_(*_behind(keys, pattern, at + 1))
    if is_null:
        tied = sa.and_(column.is_(None), ties)
        return [tied] if key.descending else [tied, column.is_not(None)]
    beyond = column < value if key.descending else column > value
    if last:
        return [beyond]
    reach = column <= value if key.descending else column >= value
    found = [sa.and_(reach, sa.or_(beyond, ties))]
    if key.descending and key.nullable:
        found.append(column.is_(None))
    return found
