"""Text with emphasis, lists and links."""

from __future__ import annotations

from tests.contracts.field_kinds.cases import Case

LINK = '<p><a href="https://example.com/?a=1&amp;b=2" rel="noopener noreferrer nofollow">x</a></p>'
CASE = Case(
    spec={},
    values=[
        ("<p>第一段 <b>粗</b></p>", "<p>第一段 <b>粗</b></p>", ("<p>第一段 <b>粗</b></p>",)),
        ("a < b & c", "<p>a &lt; b &amp; c</p>", ("<p>a &lt; b &amp; c</p>",)),
        ('<p onclick="x()">a<script>alert(1)</script></p>', "<p>a</p>", ("<p>a</p>",)),
        ('<p><a href="https://example.com/?a=1&b=2" onmouseover="x">x</a></p>', LINK, (LINK,)),
        ("<svg onload=alert(1)></svg>bare", "<p>bare</p>", ("<p>bare</p>",)),
    ],
    bad=[1, True, [], {}, "a\x00", "\ud800", "a" * 50_001],
    typed=[("a\r\nb\r\n\r\nc", "<p>a<br>b</p><p>c</p>"), ("<p>  </p>", None), ("<img src=x>", None)],
    live=lambda create: ["<p>a</p>", "<ul><li>客户</li><li>b</li></ul>", LINK],
    sortable=False,  # nobody looks for a paragraph by its first letters
    unique=False,  # longer than an index entry may be
    grouped=False,  # nobody counts by paragraphs
)
