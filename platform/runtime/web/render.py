"""Pages from templates: one environment, one frame around each page, whole or only the part asked for."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib import resources
from typing import Any
from urllib.parse import quote, unquote

from jinja2 import Environment, PackageLoader, StrictUndefined
from jinja2.environment import TemplateModule
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from dacheng.plugins.context import User
from dacheng.runtime.web.frame import Frame, block, framed
from dacheng.runtime.web.page import NOTICE_COOKIE, THEME_COOKIE, THEMES, Notice, Page
from dacheng.runtime.web.routing import path_of
from dacheng.runtime.web.security import asked_locale
from dacheng.runtime.web.shell import shell_of
from dacheng.runtime.web.words import DEFAULT_LOCALE, LOCALES, Words, words


def render(request: Request, template: str, page: Page, *, status: int = 200) -> Response:
    """`page` drawn by `template`.

    A request of alpine-ajax gets the block `main` alone where the template has one: the same HTML as in
    the whole page. A notice left by `flash` is shown and forgotten.
    """
    locale, partial = locale_of(request), "x-alpine-request" in request.headers
    notices = _take_notices(request, words(locale))
    frame = Frame(
        locale, theme_of(request), _address(request), notices, partial, badge=_badge(request, locale)
    )
    response = HTMLResponse(_drawn(request, template, page, frame), status, headers=_HEADERS)
    if NOTICE_COOKIE in request.cookies:
        response.delete_cookie(NOTICE_COOKIE, httponly=True, samesite="lax")
    return response


def _drawn(request: Request, template: str, page: Page, frame: Frame) -> str | bytes:
    """The template's HTML; around a page of the shell the frame is kept from one request to the next."""

    def draw(page: Page, frame: Frame) -> str:
        context: dict[str, Any] = {
            "page": page,
            "t": words(frame.locale),
            "frame": frame,
            "shell": shell_of(request),
            "asset": asset,
            "icons": asset("icons.svg"),
            "m": macros(frame.locale),
        }
        return environment().get_template(template).render(context)

    work = getattr(request.state, "work", None)
    actor = work.context.actor if work is not None else None
    plain = not frame.notices and not page.notices
    if frame.partial and plain and work is not None and _in_shell(template):
        return block(page, frame, draw)
    plain = plain and not frame.partial
    if work is None or not isinstance(actor, User) or not plain or not _in_shell(template):
        return draw(page, frame)
    person = (actor.id, actor.name, work.policy.hash, work.context.labels.hash)
    return framed((template, person), page, frame, draw)


_HEADERS = {"Vary": "Cookie, X-Alpine-Request", "Cache-Control": "private, no-store"}


@cache
def _in_shell(template: str) -> bool:
    """Whether a template stands inside the shell when somebody is signed in."""
    loader = environment().loader
    assert loader is not None
    return loader.get_source(environment(), template)[0].startswith('{% extends "shell.html"')


def locale_of(request: Request) -> str:
    """The language of the person asking; of their browser where nobody has been asked for yet."""
    work = getattr(request.state, "work", None)
    locale = work.context.locale if work is not None else asked_locale(request)
    return locale if locale in LOCALES else DEFAULT_LOCALE


def theme_of(request: Request) -> str:
    """`light`, `dark`, or `system` when the person has not chosen."""
    chosen = request.cookies.get(THEME_COOKIE, "system")
    return chosen if chosen in THEMES else "system"


def flash(response: Response, key: str, *, tone: str = "good", undo: str = "", **params: str) -> None:
    """Let the next page say the words of `key` once; `undo` is the address that takes the step back."""
    body = json.dumps([key, tone, undo, params], ensure_ascii=False)
    response.set_cookie(NOTICE_COOKIE, quote(body), max_age=60, httponly=True, samesite="lax")


@cache
def asset(path: str) -> str:
    """The address of a static file, changed whenever its bytes change."""
    file = resources.files("dacheng.runtime.web").joinpath("static", *path.split("/"))
    return f"/static/{path}?v={hashlib.sha256(file.read_bytes()).hexdigest()[:10]}"


@cache
def macros(locale: str) -> TemplateModule:
    """The small parts every template draws with, bound to one locale's words."""
    bound = {"t": words(locale), "icons": asset("icons.svg")}
    return environment().get_template("_macros.html").make_module(bound)


@cache
def environment() -> Environment:
    """The one template environment: escaping everywhere, unknown names refused, wheel files alone."""
    return Environment(
        loader=PackageLoader("dacheng.runtime.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        cache_size=-1,
    )


def _badge(request: Request, locale: str) -> str:
    """How many notifications wait for the person asking, drawn; nothing for none."""
    work = getattr(request.state, "work", None)
    unread = work.context.actor.unread if work is not None and isinstance(work.context.actor, User) else 0
    if not unread:
        return ""
    drawn: str = macros(locale).badge(unread)  # type: ignore[attr-defined]
    return drawn


def _address(request: Request) -> str:
    query = request.scope["query_string"].decode("latin-1")
    return path_of(request) + (f"?{query}" if query else "")


def _take_notices(request: Request, say: Words) -> tuple[Notice, ...]:
    raw = request.cookies.get(NOTICE_COOKIE)
    if not raw:
        return ()
    try:
        key, tone, undo, params = json.loads(unquote(raw))
        own = undo == "" or (undo.startswith("/") and not undo.startswith("//"))
        text = say(key, **params)
    except (ValueError, KeyError, TypeError, AttributeError):
        return ()
    return (Notice(text, tone, undo),) if own and tone in ("good", "info", "watch", "risk") else ()
