"""Image: one or several pictures, shown small in lists; stored as the product re-encoded them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dacheng.metadata.field_kinds.file import LIMITS, FilesCodec
from dacheng.metadata.kinds import FieldKind, Shape, Spec


class Image(FieldKind):
    """One picture, or up to `x-files` of them."""

    id = "image"
    shape = Shape.FILES
    sortable = False
    schema: Mapping[str, Any] = {"properties": LIMITS}

    def bind(self, field_id: str, spec: Spec) -> FilesCodec:
        """The codec of one image field."""
        return FilesCodec(spec, ("image",))
