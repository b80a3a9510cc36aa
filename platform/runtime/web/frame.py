"""The frame around a signed-in page, drawn once per person and kind of page, and filled in for each request.

Whatever differs from page to page of one kind (title, addresses, crumbs, the page itself) is a hole in
the kept HTML. A hole's mark is made anew in each process, so no text of anybody's can be taken for one.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace

from markupsafe import escape

from dacheng.runtime.web.page import Link, Notice, Page
from dacheng.runtime.web.view.prepared import Prepared

_MARK = secrets.token_hex(8)
_HOLE = re.compile(f"{_MARK}-([a-z_]+[0-9]*)-")


@dataclass(frozen=True, slots=True)
class _Kept:
    """HTML with holes, encoded once: one more piece than there are names."""

    pieces: tuple[bytes, ...]
    names: tuple[str, ...]

    @classmethod
    def of(cls, html: str) -> _Kept:
        """What was drawn with the marks of holes in it."""
        parts = _HOLE.split(html)
        return cls(tuple([part.encode() for part in parts[::2]]), tuple(parts[1::2]))

    def filled(self, filling: Mapping[str, bytes]) -> bytes:
        """The HTML with something in every hole."""
        found = [b""] * (2 * len(self.names) + 1)
        found[::2] = self.pieces
        found[1::2] = [filling[name] for name in self.names]
        return b"".join(found)


_frames: Prepared[_Kept] = Prepared(256)
_moulds: Prepared[_Kept] = Prepared(256)


@dataclass(frozen=True, slots=True)
class Frame:
    """What the document needs of the request: language, theme, own address, sentences to show once.

    `partial` asks for the page's own block alone; `main`, when not empty, stands in that block's place.
    `badge` is the count of notifications waiting, drawn.
    """

    locale: str
    theme: str
    address: str
    notices: tuple[Notice, ...]
    partial: bool
    main: str = ""
    badge: str = ""


Draw = Callable[[Page, Frame], str]


def framed(kind: Hashable, page: Page, frame: Frame, draw: Draw) -> bytes:
    """The whole page; `draw` renders its template.

    `kind` names whatever else the frame shows, such as the person, their apps and their language.
    """
    key = (
        kind,
        frame.locale,
        frame.theme,
        page.current,
        page.scripts,
        page.back == "",
        tuple([crumb.href == "" for crumb in page.crumbs]),
    )
    parts = _frames.get(key, lambda: _with_holes(page, frame, draw))
    filling = {
        "title": escape(page.title).encode(),
        "address": escape(frame.address).encode(),
        "back": escape(page.back).encode(),
        "main": block(page, frame, draw),
        "badge": frame.badge.encode(),
    }
    for at, crumb in enumerate(page.crumbs):
        filling[f"label{at}"] = escape(crumb.label).encode()
        filling[f"href{at}"] = escape(crumb.href).encode()
    return parts.filled(filling)


def block(page: Page, frame: Frame, draw: Draw) -> bytes:
    """The page's own block alone; from its mould where it has one."""
    mould = page.mould()
    if mould is None:
        return draw(page, replace(frame, partial=True)).encode()
    key = (type(page), mould)
    parts = _moulds.get(
        key, lambda: _Kept.of(draw(page.hollow(_hole), replace(frame, partial=True, address="")))
    )
    return parts.filled({name: html.encode() for name, html in page.filling().items()})


def _with_holes(page: Page, frame: Frame, draw: Draw) -> _Kept:
    hollow = Page(
        title=_hole("title"),
        current=page.current,
        crumbs=tuple(
            Link(_hole(f"label{at}"), _hole(f"href{at}") if crumb.href else "")
            for at, crumb in enumerate(page.crumbs)
        ),
        back=_hole("back") if page.back else "",
        scripts=page.scripts,
    )
    outside = replace(frame, address=_hole("address"), main=_hole("main"), badge=_hole("badge"))
    return _Kept.of(draw(hollow, outside))


def _hole(name: str) -> str:
    return f"{_MARK}-{name}-"
