"""Signatures."""

from __future__ import annotations

from dataclasses import replace

from tests.contracts.field_kinds.cases.image import CASE as IMAGE
from tests.support.pictures import picture

CASE = replace(
    IMAGE,
    live=lambda create: [
        [create.file("signature.png", picture("PNG"), "drawn")],
        [create.file("signature.png", picture("PNG", width=7), "typed")],
    ],
)
