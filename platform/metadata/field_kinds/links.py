"""Links: the ids of several records of another entity, in the order they were chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dacheng.metadata.field_kinds.link import ID_PATTERN, Link, LinkCodec
from dacheng.metadata.field_kinds.text_list import TextList
from dacheng.metadata.kinds import ColumnSpec, FieldKind, Json, Primitive, Shape, Spec
from dacheng.metadata.problem import refuse

MOST = 200
FEW = 50


class LinksCodec(TextList):
    """Links bound to one field: a `tuple` of ids, each once; that the records exist is checked where they are written."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(int(spec.get("x-limit", FEW)))
        self._one = LinkCodec(spec)
        self.columns = (ColumnSpec(Primitive.JSON, references=str(spec["x-to"])),)
        item = {"type": "string", "pattern": ID_PATTERN}
        self.value_schema: Mapping[str, Any] = {"type": "array", "maxItems": self.limit, "items": item}

    def item(self, raw: Json) -> str:
        """One id."""
        found = self._one.parse(raw)
        if found is None:
            raise refuse("value.not_an_id", value=raw)
        return found


class Links(FieldKind):
    """Links to at most `x-limit` (50) records of `x-to`; `x-on-delete` says what happens when one of them is deleted."""

    id = "links"
    shape = Shape.LINKS
    sortable = False
    keyed = False
    schema: Mapping[str, Any] = {
        "required": ["x-to"],
        "properties": {
            **Link.schema["properties"],
            "x-limit": {"type": "integer", "minimum": 1, "maximum": MOST},
        },
    }
    merge: Mapping[str, str] = Link.merge

    def bind(self, field_id: str, spec: Spec) -> LinksCodec:
        """The codec of one field of links; `x-to` is the full reference."""
        return LinksCodec(spec)
