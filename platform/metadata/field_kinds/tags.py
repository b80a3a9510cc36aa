"""Tags: free labels, each a short text; what is in use is offered again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dacheng.metadata.field_kinds.text import clean_text
from dacheng.metadata.field_kinds.text_list import SEPARATORS, TextList
from dacheng.metadata.kinds import FieldKind, Json, Spec
from dacheng.metadata.problem import refuse

MOST = 50
LONGEST = 40
FEW = 20


class TagsCodec(TextList):
    """Tags bound to one field: trimmed, each once, at most `limit`."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(int(spec.get("x-limit", FEW)))
        item = {"type": "string", "minLength": 1, "maxLength": LONGEST}
        self.value_schema: Mapping[str, Any] = {"type": "array", "maxItems": self.limit, "items": item}

    def item(self, raw: Json) -> str:
        """One tag: a line of at most 40 characters, without what separates tags."""
        text = " ".join(clean_text(raw).split())
        if not text or any(sign in text for sign in SEPARATORS):
            raise refuse("value.not_a_tag")
        if len(text) > LONGEST:
            raise refuse("value.too_long", limit=LONGEST, length=len(text))
        return text


class Tags(FieldKind):
    """Free labels, at most `x-limit` (20)."""

    id = "tags"
    sortable = False
    schema: Mapping[str, Any] = {
        "properties": {"x-limit": {"type": "integer", "minimum": 1, "maximum": MOST}}
    }

    def bind(self, field_id: str, spec: Spec) -> TagsCodec:
        """The codec of one field of tags."""
        return TagsCodec(spec)
