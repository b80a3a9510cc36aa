"""Small pictures made on the spot, with whatever a test wants hidden in them."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image


def picture(kind: str, *, width: int = 8, height: int = 6, colour: str = "red", **options: Any) -> bytes:
    """A picture of one colour as JPEG, PNG, WEBP or GIF."""
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, kind, **options)
    return out.getvalue()
