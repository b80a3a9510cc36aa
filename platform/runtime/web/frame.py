"""The frame around a signed-in page, drawn once per person and kind of page, and filled in for each request.

Whatever differs from page to page of one kind (title, addresses, crumbs, the page itself) is a hole in
the kept HTML. A hole's mark is made anew in each process, so no text of anybody's can be taken for one.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from markupsafe import escape

from dacheng.runtime.web.page import Link, Notice, Page
from dacheng.runtime.web.view.prepared import Prepared

_MARK = secrets.token_hex(8)
_HOLE = re.compile(f"{_MARK}-([a-z]+[0-9]*)-")
_frames: Prepared[tuple[str, ...]] = Prepared(256)
Draw = Callable[[Mapping[str, Any]], str]


@dataclass(frozen=True, slots=True)
class Frame:
    """What the document needs of the request: language, theme, own address, sentences to show once.

    `partial` asks for the page's own block alone; `main`, when not empty, stands in that block's place.
    """

    locale: str
    theme: str
    address: str
    notices: tuple[Notice, ...]
    partial: bool
    main: str = ""


def framed(kind: Hashable, context: Mapping[str, Any], draw: Draw) -> str:
    """The whole page of `context`; `draw` renders its template.

    `kind` names whatever else the frame shows, such as the person, their apps and their language.
    """
    page: Page = context["page"]
    frame: Frame = context["frame"]
    key = (
        kind,
        frame.locale,
        frame.theme,
        page.current,
        page.scripts,
        page.back == "",
        tuple([crumb.href == "" for crumb in page.crumbs]),
    )
    parts = _frames.get(key, lambda: _with_holes(context, page, frame, draw))
    filling: dict[str, str] = {
        "title": escape(page.title),
        "address": escape(frame.address),
        "back": escape(page.back),
        "main": draw({**context, "frame": replace(frame, partial=True)}),
    }
    for at, crumb in enumerate(page.crumbs):
        filling[f"label{at}"], filling[f"href{at}"] = escape(crumb.label), escape(crumb.href)
    pieces: list[str] = list(parts)  # HTML and the names of holes take turns
    pieces[1::2] = [filling[name] for name in parts[1::2]]
    return "".join(pieces)


def _with_holes(context: Mapping[str, Any], page: Page, frame: Frame, draw: Draw) -> tuple[str, ...]:
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
    outside = replace(frame, address=_hole("address"), main=_hole("main"))
    return tuple(_HOLE.split(draw({**context, "page": hollow, "frame": outside})))


def _hole(name: str) -> str:
    return f"{_MARK}-{name}-"
