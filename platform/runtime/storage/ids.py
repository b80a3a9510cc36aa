"""Record ids: UUIDv7 text, growing within a process even inside one millisecond."""

from __future__ import annotations

import os
import threading
import time

_lock = threading.Lock()
_last = 0


def new_id() -> str:
    """A new id, lower-case with dashes; later ids of this process compare greater."""
    global _last  # noqa: PLW0603 - the one growing number of the process
    with _lock:
        now = (time.time_ns() // 1_000_000 << 12) | (time.time_ns() // 244 & 0xFFF)
        _last = now if now > _last else _last + 1
        stamp = _last
    random = int.from_bytes(os.urandom(8), "big") & 0x3FFF_FFFF_FFFF_FFFF
    number = (stamp >> 12) << 80 | 0x7 << 76 | (stamp & 0xFFF) << 64 | 0x2 << 62 | random
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def id_at(ms: int) -> str:
    """A new id that stands among those of a moment (ms since 1970 UTC), for records of the past."""
    number = int.from_bytes(os.urandom(10), "big")
    low = number & 0x3FFF_FFFF_FFFF_FFFF
    whole = ms << 80 | 0x7 << 76 | (number >> 64 & 0xFFF) << 64 | 0x2 << 62 | low
    text = f"{whole:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
