"""Rich text: paragraphs, lists, links and emphasis; kept as HTML of a few harmless tags and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape, unescape
from typing import Any

import nh3

from dacheng.metadata.expression import TEXT
from dacheng.metadata.field_kinds.text import clean_text
from dacheng.metadata.field_kinds.verbatim import Verbatim
from dacheng.metadata.kinds import ColumnSpec, FieldKind, Json, Primitive, Spec
from dacheng.metadata.problem import refuse

LONGEST = 50_000
TAGS = frozenset(
    [
        "p",
        "br",
        "b",
        "strong",
        "i",
        "em",
        "u",
        "s",
        "h3",
        "h4",
        "ul",
        "ol",
        "li",
        "blockquote",
        "code",
        "pre",
        "hr",
        "a",
    ]
)
SCHEMES = frozenset({"http", "https", "mailto", "tel"})
_TAG = re.compile(r"<[a-zA-Z/!?]")
_BLOCK_END = re.compile(r"</(?:p|li|h3|h4|blockquote|pre)>|<br>|<hr>")
_CLEANER = nh3.Cleaner(
    tags=set(TAGS),
    clean_content_tags={
        "script",
        "style",
        "title",
        "textarea",
        "template",
        "noscript",
        "iframe",
        "svg",
        "math",
    },
    attributes={"a": {"href"}},
    url_schemes=set(SCHEMES),
    link_rel="noopener noreferrer nofollow",
    url_relative="deny",
)
_STRIPPER = nh3.Cleaner(tags=set(), attributes={}, link_rel=None)


def harmless(html: str) -> str:
    """The HTML with everything taken out but a few tags and links that lead out; the same for what it gave."""
    return _CLEANER.clean(html)


def words_of(html: str) -> str:
    """The text of harmless HTML without its tags, a line for each block."""
    return unescape(_STRIPPER.clean(_BLOCK_END.sub(lambda end: f"{end[0]}\n", html))).strip()


def _as_html(text: str) -> str:
    """Text without any tag as paragraphs; HTML as its harmless part, bare text in it set in a paragraph."""
    if not _TAG.search(text):
        parts = [part.strip("\n") for part in re.split(r"\n\s*\n", text.replace("\r\n", "\n"))]
        return "".join(
            f"<p>{escape(part, quote=False).replace(chr(10), '<br>')}</p>" for part in parts if part
        )
    cleaned = harmless(text).strip()
    return cleaned if _TAG.search(cleaned) else f"<p>{cleaned}</p>"


class RichTextCodec(Verbatim):
    """Rich text bound to one field: harmless HTML as `str`; without a word in it, missing."""

    def __init__(self, spec: Spec) -> None:
        self.columns = (ColumnSpec(Primitive.TEXT),)
        self.type = TEXT
        self.value_schema: Mapping[str, Any] = {"type": "string", "maxLength": LONGEST}

    def parse(self, raw: Json) -> str | None:
        """HTML, or text without tags → harmless HTML."""
        if raw is None or raw == "":
            return None
        text = clean_text(raw)
        if len(text) > 4 * LONGEST:
            raise refuse("value.too_long", limit=LONGEST, length=len(text))
        kept = harmless(_as_html(text))
        if len(kept) > LONGEST:
            raise refuse("value.too_long", limit=LONGEST, length=len(kept))
        return kept if words_of(kept) else None

    def parse_text(self, text: str) -> str | None:
        """What was typed or a file holds → harmless HTML."""
        return self.parse(text.strip())

    def searched(self, stored: Sequence[Any]) -> str:
        """The words without tags."""
        return words_of(stored[0])


class RichText(FieldKind):
    """Text with emphasis, headings, lists, quotes and links; cleaned when it is written and again when it is shown."""

    id = "rich_text"
    sortable = False
    keyed = False

    def bind(self, field_id: str, spec: Spec) -> RichTextCodec:
        """The codec of one field of rich text."""
        return RichTextCodec(spec)
