"""Scan: the text of a bar code or QR code, read by camera, by a scanner that types, or by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dacheng.metadata.field_kinds.text import MAX_PATTERN, TextCodec
from dacheng.metadata.kinds import FieldKind, Spec

LONGEST = 2000


class Scan(FieldKind):
    """The text of a code, of at most `maxLength` (255) characters and of the form `pattern`, where one is given."""

    id = "scan"
    ordered = True
    schema: Mapping[str, Any] = {
        "properties": {
            "maxLength": {"type": "integer", "minimum": 1, "maximum": LONGEST},
            "pattern": {"type": "string", "minLength": 1, "maxLength": MAX_PATTERN},
        }
    }

    def bind(self, field_id: str, spec: Spec) -> TextCodec:
        """The codec of one field for codes."""
        return TextCodec(spec)
