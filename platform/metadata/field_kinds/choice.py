"""Choice: one of the options a field declares, kept by id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dacheng.metadata.expression import TEXT
from dacheng.metadata.field_kinds.verbatim import Verbatim
from dacheng.metadata.kinds import ColumnSpec, FieldKind, Json, Primitive, Spec
from dacheng.metadata.problem import refuse

TONES = ("good", "watch", "risk", "info", "neutral")


class ChoiceCodec(Verbatim):
    """A choice bound to one field: the option's id as `str`."""

    def __init__(self, spec: Spec) -> None:
        self.options = frozenset(spec["x-options"])
        self.columns = (ColumnSpec(Primitive.TEXT, indexed=bool(spec.get("x-index"))),)
        self.type = TEXT
        ordered = sorted(spec["x-options"].items(), key=lambda pair: (pair[1].get("order", 0), pair[0]))
        self.value_schema: Mapping[str, Any] = {"type": "string", "enum": [key for key, _ in ordered]}

    def parse(self, raw: Json) -> str | None:
        """An option's id → the id; archived options stay valid, so that old records can be saved."""
        if raw is None or raw == "":
            return None
        if not isinstance(raw, str) or raw not in self.options:
            raise refuse("value.no_such_option", value=raw)
        return raw

    def parse_text(self, text: str) -> str | None:
        """An option's id, trimmed → the id."""
        return self.parse(text.strip())


class Choice(FieldKind):
    """One of `x-options`, each with order, tone and whether it is archived.

    With `x-depends-on`, another choice of the entity, an option with `under` is offered only while that one holds
    one of the options named there.
    """

    id = "choice"
    schema: Mapping[str, Any] = {
        "required": ["x-options"],
        "properties": {
            "x-options": {
                "type": "object",
                "minProperties": 1,
                "maxProperties": 500,
                "propertyNames": {"pattern": "^[a-z][a-z0-9_]{0,39}$"},
                "additionalProperties": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {
                        "order": {"type": "integer"},
                        "tone": {"enum": list(TONES)},
                        "archived": {"type": "boolean"},
                        "under": {
                            "type": "array",
                            "minItems": 1,
                            "uniqueItems": True,
                            "items": {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,39}$"},
                        },
                    },
                },
            },
            "x-depends-on": {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,39}$"},
        },
    }

    def bind(self, field_id: str, spec: Spec) -> ChoiceCodec:
        """The codec of one choice field."""
        return ChoiceCodec(spec)
