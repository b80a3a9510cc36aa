"""Files of any type."""

from __future__ import annotations

from dacheng.metadata.field_kinds.file import FileRef
from tests.contracts.field_kinds.cases import Case

A, B = "01890a5d-ac96-774b-bcce-b302099a8057", "01890a5d-ac96-774b-bcce-b302099a8058"
ONE = {"id": A, "name": "合同.pdf", "type": "application/pdf", "size": 12}
ABOUT = '{"name":"合同.pdf","type":"application/pdf","size":12}'
EMPTY = '{"name":"","type":"application/octet-stream","size":0}'
CASE = Case(
    spec={"x-files": 2},
    values=[
        ([ONE], (FileRef(A, "合同.pdf", "application/pdf", 12),), (f'["{A}"]', f"[{ABOUT}]")),
        (
            [ONE, B, A],
            (FileRef(A, "合同.pdf", "application/pdf", 12), FileRef(B)),
            (f'["{A}","{B}"]', f"[{ABOUT},{EMPTY}]"),
        ),
    ],
    bad=[1, "x", ["x"], [{"name": "a"}], {"id": A, "path": "/etc/passwd"}, [[A]], [A, B, A.replace("8", "7")], True, A.upper()],
    typed=[(A, (FileRef(A),)), (f"a <b>.pdf <{A}>; x <{B}>", (FileRef(A), FileRef(B)))],
    live_spec={"x-files": 2},
    live=lambda create: [
        [create.file("a.txt", b"hello")],
        [create.file("b.pdf", b"%PDF-1.7 x"), create.file("报价, 终版.csv", "a,b\n客户,2\n".encode())],
    ],
    sortable=False,  # a list of files has no order
    unique=False,  # two records may hold the same file
    grouped=False,
)  # fmt: skip
