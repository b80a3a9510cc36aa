"""Pictures are taken apart and written anew: what is kept holds pixels alone, no place, no camera, no second file.

A picture with too many pixels is refused before any of them is unpacked.
"""

from __future__ import annotations

import io
import threading
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final

from dacheng.metadata.field_kinds.file_types import GIF, JPEG, PNG, WEBP
from dacheng.metadata.problem import refuse

if TYPE_CHECKING:
    from PIL import Image

FORMATS: Final = {JPEG: "JPEG", PNG: "PNG", WEBP: "WEBP", GIF: "GIF"}
MOST_PIXELS: Final = 50_000_000
LONGEST: Final = 4096  # the longer side of what is kept
THUMBNAIL: Final = 320
_one_at_a_time = threading.Semaphore(1)  # an unpacked picture takes 200 MB at most


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture written anew, and a small one of it."""

    content: IO[bytes]
    type: str
    width: int
    height: int
    thumbnail: IO[bytes]


def rewritten(content: IO[bytes], kind: str, name: str) -> Picture:
    """The picture upright and without anything but pixels; of a moving one its first frame."""
    from PIL import Image, ImageOps  # noqa: PLC0415 - a start that most commands never need

    content.seek(0)
    with _one_at_a_time:
        try:
            with Image.open(content, formats=(FORMATS[kind],)) as opened:
                if opened.width * opened.height > MOST_PIXELS:
                    raise refuse("file.too_many_pixels", limit=MOST_PIXELS // 1_000_000)
                if kind == JPEG:
                    opened.draft("RGB", (LONGEST, LONGEST))
                upright = ImageOps.exif_transpose(opened)
                return _written(upright, kind)
        except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
            raise refuse("file.not_an_image", name=name) from error


def _written(image: Image.Image, kind: str) -> Picture:
    clear = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
    plain = image.convert("RGBA" if clear else "RGB")
    plain.info.clear()
    if max(plain.size) > LONGEST:
        plain.thumbnail((LONGEST, LONGEST))
    small = plain.copy()
    small.thumbnail((THUMBNAIL, THUMBNAIL))
    found = kind if kind in (JPEG, WEBP) and not (kind == JPEG and clear) else PNG
    return Picture(_saved(plain, found), found, plain.width, plain.height, _saved(small, WEBP))


def _saved(image: Image.Image, kind: str) -> IO[bytes]:
    out = io.BytesIO()
    if kind == JPEG:
        image.save(out, "JPEG", quality=88, optimize=True)
    elif kind == WEBP:
        image.save(out, "WEBP", quality=85)
    else:
        image.save(out, "PNG")
    return out
