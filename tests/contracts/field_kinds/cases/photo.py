"""Photos."""

from __future__ import annotations

from dataclasses import replace

from tests.contracts.field_kinds.cases.image import CASE as IMAGE
from tests.support.pictures import picture

CASE = replace(
    IMAGE,
    live=lambda create: [
        [create.file("a.jpg", picture("JPEG"), "camera")],
        [create.file("b.jpg", picture("JPEG", width=9), "camera")],
    ],
)
