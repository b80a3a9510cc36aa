"""A comment's text as HTML: all of it escaped, addresses as links, people mentioned by name stand out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape

from markupsafe import Markup

from dacheng.runtime.web.markup import drawn

LONGEST_LINK = 60
_ADDRESS = re.compile(r"https?://[^\s<>\"'，。；：！？、（）「」《》]{1,500}")
_TRAILING = ".,;:!?)]}"


def comment_body(text: str, names: Sequence[str]) -> Markup:
    """The text as it stands on the page; lines stay lines by its style."""
    return drawn(_parts(text, names))


def _parts(text: str, names: Sequence[str]) -> Iterable[str]:
    at = 0
    for found in _ADDRESS.finditer(text):
        address = found.group().rstrip(_TRAILING)
        yield _with_names(text[at : found.start()], names)
        yield _link(address)
        at = found.start() + len(address)
    yield _with_names(text[at:], names)


def _link(address: str) -> str:
    shown = address if len(address) <= LONGEST_LINK else address[: LONGEST_LINK - 1] + "…"
    return (
        f'<a href="{escape(address)}" rel="noopener noreferrer nofollow" target="_blank">{escape(shown)}</a>'
    )


def _with_names(text: str, names: Sequence[str]) -> str:
    known = sorted({name for name in names if name}, key=len, reverse=True)
    if not known:
        return escape(text)
    pattern = re.compile("@(?:" + "|".join(map(re.escape, known)) + ")")
    pieces, at = [], 0
    for found in pattern.finditer(text):
        pieces.append(escape(text[at : found.start()]))
        pieces.append(f'<span class="mention">{escape(found.group())}</span>')
        at = found.end()
    return "".join([*pieces, escape(text[at:])])
