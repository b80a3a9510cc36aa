"""Web addresses."""

from __future__ import annotations

from tests.contracts.field_kinds.cases import Case

CASE = Case(
    spec={},
    values=[
        ("https://example.com/a?b=c#d", "https://example.com/a?b=c#d", ("https://example.com/a?b=c#d",)),
        ("HTTPS://Example.COM/A", "https://example.com/A", ("https://example.com/A",)),
        ("http://例子.公司:8080/路", "http://例子.公司:8080/路", ("http://例子.公司:8080/路",)),
    ],
    bad=[
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "//example.com",
        "https://",
        "https://user:password@example.com",
        "https://bank.example@evil.example",
        "https://example.com/a b",
        "https://example.com\\@evil.example",
        'https://example.com/"onclick=x',
        "https://example.com:99999",
        "https://example.com/\u202egpj",
        "https://" + "a" * 2000,
        1,
        True,
        [],
        {},
    ],
    typed=[(" example.com/a ", "https://example.com/a"), ("example.com:8080", "https://example.com:8080")],
    live=lambda create: ["http://a.example/", "https://example.com/a?b=1&c=2", "https://例子.公司/路"],
)
