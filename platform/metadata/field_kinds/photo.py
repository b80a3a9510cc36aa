"""Photo: pictures taken with the camera here and now; a picture from elsewhere is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dacheng.metadata.field_kinds.file import LIMITS, FilesCodec
from dacheng.metadata.kinds import FieldKind, Shape, Spec

CAMERA = "camera"


class Photo(FieldKind):
    """One photo, or up to `x-files` of them; the upload says that it came from the camera, and the file keeps it."""

    id = "photo"
    shape = Shape.FILES
    sortable = False
    schema: Mapping[str, Any] = {"properties": LIMITS}

    def bind(self, field_id: str, spec: Spec) -> FilesCodec:
        """The codec of one photo field."""
        return FilesCodec(spec, ("image",), CAMERA)
