"""Pictures."""

from __future__ import annotations

from dacheng.metadata.field_kinds.file import FileRef
from tests.contracts.field_kinds.cases import Case
from tests.contracts.field_kinds.cases.file import ABOUT, ONE, A
from tests.support.pictures import picture

CASE = Case(
    spec={},
    values=[([ONE], (FileRef(A, "合同.pdf", "application/pdf", 12),), (f'["{A}"]', f"[{ABOUT}]"))],
    bad=[1, ["x"], {"path": A}],
    live_spec={},
    live=lambda create: [
        [create.file("a.png", picture("PNG"))],
        [create.file("b.jpg", picture("JPEG"))],
    ],
    sortable=False,  # the same reasons as for files
    unique=False,
    grouped=False,
)
