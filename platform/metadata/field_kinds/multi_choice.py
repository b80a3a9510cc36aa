"""Multi-choice: several of the options a field declares, kept by id, in the order of the options or of the choosing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dacheng.metadata.field_kinds.choice import Choice
from dacheng.metadata.field_kinds.text_list import TextList
from dacheng.metadata.kinds import FieldKind, Json, Spec
from dacheng.metadata.problem import refuse

MOST = 100


class MultiChoiceCodec(TextList):
    """Options bound to one field: their ids, at most `limit`; in the options' own order unless `ordered`."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(int(spec.get("x-limit", MOST)))
        self.ordered = bool(spec.get("x-ordered", False))
        by_order = sorted(spec["x-options"].items(), key=lambda pair: (pair[1].get("order", 0), pair[0]))
        self.places = {key: place for place, (key, _) in enumerate(by_order)}
        item = {"type": "string", "enum": [*self.places]}
        self.value_schema: Mapping[str, Any] = {"type": "array", "maxItems": self.limit, "items": item}

    def item(self, raw: Json) -> str:
        """An option's id; archived ones stay valid, so that old records can be saved."""
        if not isinstance(raw, str) or raw not in self.places:
            raise refuse("value.no_such_option", value=raw)
        return raw

    def parse(self, raw: Json) -> tuple[str, ...] | None:
        """Ids of options → each once, in order."""
        found = super().parse(raw)
        if found is None or self.ordered:
            return found
        return tuple(sorted(found, key=self.places.__getitem__))


class MultiChoice(FieldKind):
    """Several of `x-options`, at most `x-limit`; with `x-ordered` the order of choosing counts and is kept."""

    id = "multi_choice"
    sortable = False
    schema: Mapping[str, Any] = {
        "required": ["x-options"],
        "properties": {
            **Choice.schema["properties"],
            "x-limit": {"type": "integer", "minimum": 1, "maximum": MOST},
            "x-ordered": {"type": "boolean"},
        },
    }

    def bind(self, field_id: str, spec: Spec) -> MultiChoiceCodec:
        """The codec of one multi-choice field."""
        return MultiChoiceCodec(spec)
