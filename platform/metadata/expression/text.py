"""Text rules that must hold alike in Python, SQL and the browser: lower case and prefix bounds by code point.

`lower` maps code point by code point, only where the simple mapping gives exactly one code point, and only in the
blocks below; everything else stays. So `İ` stays `İ`, `ß` stays `ß`, and every `Σ` becomes `σ` wherever it stands.
"""

from __future__ import annotations

from decimal import Decimal

CASED_BLOCKS = (
    (0x0041, 0x024F),  # Latin, Latin-1, Latin Extended A and B
    (0x0370, 0x052F),  # Greek, Cyrillic
    (0x1E00, 0x1EFF),  # Latin Extended Additional
    (0xFF21, 0xFF3A),  # full-width Latin
)


def _mapping() -> dict[int, int]:
    table = {}
    for first, last in CASED_BLOCKS:
        for code in range(first, last + 1):
            lowered = chr(code).lower()
            if len(lowered) == 1 and ord(lowered) != code:
                table[code] = ord(lowered)
    return table


LOWER = _mapping()


def lower(text: str) -> str:
    """The text in lower case by the rule above."""
    return text.lower() if text.isascii() else text.translate(LOWER)


def part(text: str, start: Decimal, length: Decimal) -> str:
    """`length` code points from `start` on; a negative start counts from the end, a negative length stops before it."""
    begin = max(len(text) + int(start), 0) if start <= -1 else int(start)
    stop = begin + int(length) if length > -1 else len(text) + int(length)
    return text[begin : max(begin, stop)]


def after_prefix(prefix: str) -> str | None:
    """The least text above every text that starts with `prefix`; None when there is none."""
    stem = prefix.rstrip("\U0010ffff")
    if not stem:
        return None
    code = ord(stem[-1]) + 1
    return stem[:-1] + chr(0xE000 if code == 0xD800 else code)
