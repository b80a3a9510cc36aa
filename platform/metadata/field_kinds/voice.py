"""Voice: a note spoken into the microphone, or a recording made elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dacheng.metadata.field_kinds.file import LIMITS, FilesCodec
from dacheng.metadata.kinds import FieldKind, Shape, Spec


class Voice(FieldKind):
    """One recording, or up to `x-files` of them."""

    id = "voice"
    shape = Shape.FILES
    sortable = False
    schema: Mapping[str, Any] = {"properties": LIMITS}

    def bind(self, field_id: str, spec: Spec) -> FilesCodec:
        """The codec of one voice field."""
        return FilesCodec(spec, ("audio",))
