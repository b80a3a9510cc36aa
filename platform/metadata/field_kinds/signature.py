"""Signature: a name written by hand, kept as a picture."""

from __future__ import annotations

from dacheng.metadata.field_kinds.file import FilesCodec
from dacheng.metadata.kinds import FieldKind, Shape, Spec


class Signature(FieldKind):
    """One signature: drawn with finger, pen or mouse, or typed where nobody can draw."""

    id = "signature"
    shape = Shape.FILES
    sortable = False

    def bind(self, field_id: str, spec: Spec) -> FilesCodec:
        """The codec of one signature field."""
        return FilesCodec(spec, ("image",))
