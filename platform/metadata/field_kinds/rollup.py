"""Roll-up: a stored figure over a record's lines or the records that link to it, maintained where those are written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dacheng.metadata.field_kinds.integer import IntegerCodec
from dacheng.metadata.kinds import Codec, FieldKind, Spec

AGGREGATES = ("sum", "count", "min", "max")


class Rollup(FieldKind):
    """`x-aggregate` of `x-field` over the lines field `x-of`, or over the records whose link leads here: `x-from`, as
    `entity.link`, of which `x-filter` may count only some. `count` needs no field."""

    id = "rollup"
    numeric = ordered = True
    derived = True
    schema: Mapping[str, Any] = {
        "required": ["x-aggregate"],
        "properties": {
            "x-of": {"type": "string", "pattern": "^[a-z][a-z0-9_]*$", "maxLength": 40},
            "x-from": {"type": "string", "pattern": r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$", "maxLength": 80},
            "x-filter": {},
            "x-aggregate": {"enum": list(AGGREGATES)},
            "x-field": {"type": "string", "pattern": "^[a-z][a-z0-9_]*$", "maxLength": 40},
        },
    }
    merge: Mapping[str, str] = {
        "x-of": "owner",
        "x-from": "owner",
        "x-filter": "owner",
        "x-aggregate": "owner",
        "x-field": "owner",
    }

    def bind(self, field_id: str, spec: Spec) -> Codec:
        """The codec of its source field, given as `x-source`; a count is a whole number."""
        if spec["x-aggregate"] == "count":
            return IntegerCodec({})
        source: Codec = spec["x-source"]
        return source
