"""The types of files the product knows, in the groups that definitions and people speak of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

UNKNOWN = "application/octet-stream"
PNG, JPEG, WEBP, GIF = "image/png", "image/jpeg", "image/webp", "image/gif"
RASTER = frozenset({PNG, JPEG, WEBP})  # what is shown in place: pictures the product itself has written
GROUPS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "image": {JPEG: ".jpg", PNG: ".png", WEBP: ".webp", GIF: ".gif"},
        "pdf": {"application/pdf": ".pdf"},
        "document": {
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
            "application/msword": ".doc",
            "application/rtf": ".rtf",
            "text/plain": ".txt",
        },
        "spreadsheet": {
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
            "application/vnd.ms-excel": ".xls",
            "text/csv": ".csv",
        },
        "presentation": {
            "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
            "application/vnd.ms-powerpoint": ".ppt",
        },
        "audio": {
            "audio/mpeg": ".mp3",
            "audio/wav": ".wav",
            "audio/ogg": ".ogg",
            "audio/webm": ".weba",
            "audio/mp4": ".m4a",
            "audio/amr": ".amr",
        },
        "video": {"video/mp4": ".mp4", "video/webm": ".webm", "video/quicktime": ".mov"},
        "archive": {
            "application/zip": ".zip",
            "application/vnd.rar": ".rar",
            "application/x-7z-compressed": ".7z",
        },
    }
)
ENDINGS: Mapping[str, str] = MappingProxyType(
    {t: end for group in GROUPS.values() for t, end in group.items()}
)


def types_of(groups: Iterable[str]) -> frozenset[str]:
    """Every type of some groups."""
    return frozenset(kind for group in groups for kind in GROUPS[group])
