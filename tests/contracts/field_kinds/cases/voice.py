"""Voice notes."""

from __future__ import annotations

from dataclasses import replace

from tests.contracts.field_kinds.cases.image import CASE as IMAGE

CASE = replace(
    IMAGE,
    live=lambda create: [
        [create.file("a.weba", b"\x1a\x45\xdf\xa3 A_OPUS", "microphone")],
        [create.file("b.mp3", b"ID3 sound")],
    ],
)
