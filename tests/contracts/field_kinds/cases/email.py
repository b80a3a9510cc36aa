"""E-mail addresses."""

from __future__ import annotations

from tests.contracts.field_kinds.cases import Case

CASE = Case(
    spec={},
    values=[
        ("ada@example.com", "ada@example.com", ("ada@example.com",)),
        ("Ada.B+c@Example.COM", "ada.b+c@example.com", ("ada.b+c@example.com",)),
        ("王伟@例子.公司", "王伟@例子.公司", ("王伟@例子.公司",)),
    ],
    bad=[
        "ada",
        "ada@",
        "@example.com",
        "a b@example.com",
        "ada@example",
        "a..b@example.com",
        "ada@-example.com",
        "ada@example.com\nbcc:x@example.com",
        "a@" + "b" * 250 + ".com",
        "<a@example.com>",
        1,
        True,
        [],
        {},
    ],
    typed=[(" Ada＠example.com ", "ada@example.com"), ("mailto:ada@example.com", "ada@example.com")],
    live=lambda create: ["ada@example.com", "bob@example.com", "王伟@例子.公司"],
)
