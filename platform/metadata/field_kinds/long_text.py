"""Long text: paragraphs, up to 20,000 characters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dacheng.metadata.field_kinds.text import MAX_LENGTH, TextCodec
from dacheng.metadata.kinds import FieldKind, Spec


class LongText(FieldKind):
    """Plain text in paragraphs, of at most `maxLength` code points (20,000 unless said)."""

    id = "long_text"
    sortable = False
    keyed = False
    schema: Mapping[str, Any] = {
        "properties": {
            "maxLength": {"type": "integer", "minimum": 1, "maximum": MAX_LENGTH},
            "minLength": {"type": "integer", "minimum": 1, "maximum": MAX_LENGTH},
        }
    }

    def bind(self, field_id: str, spec: Spec) -> TextCodec:
        """The codec of one field of long text."""
        return TextCodec({"maxLength": MAX_LENGTH, **spec})
