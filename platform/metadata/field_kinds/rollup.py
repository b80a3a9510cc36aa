"""Roll-up: a stored figure over a record's lines, maintained where the lines are written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dacheng.metadata.field_kinds.integer import IntegerCodec
from dacheng.metadata.kinds import Codec, FieldKind, Spec

AGGREGATES = ("sum", "count", "min", "max")


class Rollup(FieldKind):
    """`x-aggregate` of `x-field` over the lines field `x-of`; `count` needs no field."""

    id = "rollup"
    numeric = ordered = True
    derived = True
    schema: Mapping[str, Any] = {
        "required": ["x-of", "x-aggregate"],
        "properties": {
            "x-of": {"type": "string", "pattern": "^[a-z][a-z0-9_]*$", "maxLength": 40},
            "x-aggregate": {"enum": list(AGGREGATES)},
            "x-field": {"type": "string", "pattern": "^[a-z][a-z0-9_]*$", "maxLength": 40},
        },
    }
    merge: Mapping[str, str] = {"x-of": "owner", "x-aggregate": "owner", "x-field": "owner"}

    def bind(self, field_id: str, spec: Spec) -> Codec:
        """The codec of its source field, given as `x-source`; a count is a whole number."""
        if spec["x-aggregate"] == "count":
            return IntegerCodec({})
        source: Codec = spec["x-source"]
        return source
