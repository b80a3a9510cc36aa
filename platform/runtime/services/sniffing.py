"""What a file is, told from its own bytes: a table of the types the product knows, never from what its sender says.

The name only decides between types that look alike (a spreadsheet and a letter are both ZIP archives, a CSV
file is text). What cannot be told is `application/octet-stream`.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from typing import IO, Final

from dacheng.metadata.field_kinds.file_types import ENDINGS, GIF, JPEG, PNG, UNKNOWN, WEBP

HEAD: Final = 65_536
ACTIVE: Final = (
    "<!doctype",
    "<html",
    "<svg",
    "<script",
    "<?xml",
    "<!--",
    "<body",
    "<head",
    "<math",
    "<iframe",
)
_MAX_ENTRIES: Final = 10_000


def sniff(content: IO[bytes], name: str) -> str:
    """The type of a file by its bytes."""
    content.seek(0)
    head = content.read(HEAD)
    for start, found in _STARTS:
        if head.startswith(start):
            return found if isinstance(found, str) else found(content, head, name)
    if head[4:8] == b"ftyp":
        return _iso_media(head)
    return _text(head, name)


def _riff(_content: IO[bytes], head: bytes, _name: str) -> str:
    return {b"WEBP": WEBP, b"WAVE": "audio/wav"}.get(head[8:12], UNKNOWN)


def _ogg(_content: IO[bytes], _head: bytes, _name: str) -> str:
    return "audio/ogg"


def _matroska(_content: IO[bytes], head: bytes, _name: str) -> str:
    return "video/webm" if b"V_VP" in head or b"V_AV1" in head or b"V_MPEG" in head else "audio/webm"


def _iso_media(head: bytes) -> str:
    if head[8:10] == b"qt":
        return "video/quicktime"
    sound = head[8:12] in (b"M4A ", b"M4B ") or (b"soun" in head and b"vide" not in head)
    return "audio/mp4" if sound else "video/mp4"


def _ole(_content: IO[bytes], _head: bytes, name: str) -> str:
    return _by_ending(
        name, ("application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint")
    )


def _zip(content: IO[bytes], _head: bytes, name: str) -> str:
    """An office file when it holds what one holds; else an archive."""
    try:
        with zipfile.ZipFile(content) as archive:
            names = {each.filename for each in archive.infolist()[:_MAX_ENTRIES]}
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        return UNKNOWN
    if "[Content_Types].xml" in names:
        for part, found in _OFFICE:
            if part in names:
                return found
    return "application/zip"


def _text(head: bytes, name: str) -> str:
    if not head or b"\x00" in head:
        return UNKNOWN
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = head.decode(encoding)
        except UnicodeDecodeError as error:
            if len(head) < HEAD or error.start < HEAD - 4:
                continue
            text = head[: error.start].decode(encoding)
        plain = text.lstrip().lower()
        if any(mark in plain[:2000] for mark in ACTIVE):
            return UNKNOWN
        return _by_ending(name, ("text/csv",), "text/plain")
    return UNKNOWN


def _by_ending(name: str, offered: tuple[str, ...], otherwise: str = UNKNOWN) -> str:
    return next((kind for kind in offered if name.lower().endswith(ENDINGS[kind])), otherwise)


_OPEN = "application/vnd.openxmlformats-officedocument."
_OFFICE: Final = (
    ("word/document.xml", f"{_OPEN}wordprocessingml.document"),
    ("xl/workbook.xml", f"{_OPEN}spreadsheetml.sheet"),
    ("ppt/presentation.xml", f"{_OPEN}presentationml.presentation"),
)
_STARTS: Final[tuple[tuple[bytes, str | Callable[[IO[bytes], bytes, str], str]], ...]] = (
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"\xff\xd8\xff", JPEG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"RIFF", _riff),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", _zip),
    (b"PK\x05\x06", "application/zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _ole),
    (b"{\\rtf", "application/rtf"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"OggS", _ogg),
    (b"\x1a\x45\xdf\xa3", _matroska),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
    (b"\xff\xf2", "audio/mpeg"),
    (b"#!AMR", "audio/amr"),
)
