"""Formulas of a record, one after the other: from typed values to typed values, the same for storage and planning."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from dacheng.metadata.definition import Field
from dacheng.metadata.derived import Formula
from dacheng.metadata.expression import Environment, environment, prepare
from dacheng.metadata.field_kinds.datetime import TYPED_ZONE
from dacheng.metadata.field_kinds.formula import settle
from dacheng.metadata.field_kinds.money import Money

_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)  # no stored formula asks what time it is
TIMELESS = environment(_MOMENT, TYPED_ZONE, {})


def compute(
    formulas: Iterable[Formula],
    fields: Mapping[str, Field],
    values: Mapping[str, Any],
    surroundings: Environment = TIMELESS,
) -> dict[str, Any]:
    """The typed value of each formula, in their order; a later one may look at an earlier one."""
    found: dict[str, Any] = {}
    for each in formulas:
        given = {name: found[name] if name in found else values.get(name) for name in each.inputs}
        record = {name: fields[name].codec.operand(value) for name, value in given.items()}
        used = frozenset(value.currency for value in given.values() if isinstance(value, Money))
        target = fields[each.field]
        result = prepare(each.expression)(record, surroundings)
        found[each.field] = settle(target.spec, target.codec, result, used)
    return found


def affected(formulas: Iterable[Formula], changed: Iterable[str]) -> list[Formula]:
    """The formulas that may give something else when these fields change, in their order."""
    moved = set(changed)
    found = []
    for each in formulas:
        if not moved.isdisjoint(each.inputs):
            moved.add(each.field)
            found.append(each)
    return found
