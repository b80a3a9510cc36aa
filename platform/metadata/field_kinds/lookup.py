"""Lookup: a value of a linked record shown on this one, read where it stands and never written here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dacheng.metadata.kinds import Codec, FieldKind, Spec


class Lookup(FieldKind):
    """The field at the end of `x-path`: over one link or two to a value there (`account.region`). It is read through
    both: who may not see the link, the field or the record behind sees nothing."""

    id = "lookup"
    derived = True
    schema: Mapping[str, Any] = {
        "required": ["x-path"],
        "properties": {
            "x-path": {
                "type": "string",
                "pattern": r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){1,2}$",
                "maxLength": 120,
            },
        },
    }
    merge: Mapping[str, str] = {"x-path": "owner"}

    def bind(self, field_id: str, spec: Spec) -> Codec:
        """The codec of the field it leads to, given as `x-source`."""
        source: Codec = spec["x-source"]
        return source
