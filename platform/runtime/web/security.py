"""What keeps a request honest: cookies, who is asking, where they may be sent, headers of every answer."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from dacheng.runtime.settings import Settings
from dacheng.runtime.web.page import LOCALE_COOKIE
from dacheng.runtime.web.words import LOCALES

CONTENT_POLICY: Final = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
DEVICES: Final = ("camera", "microphone", "geolocation")
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_HOME = "/"
_OWN_PATH = re.compile(r"/(?:[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*)?/?(?:\?[A-Za-z0-9_.~%=&+:,*!'()\[\]-]*)?")
_NEXT_ROOTS = frozenset(
    {
        "",
        "apps",
        "marketplace",
        "labels",
        "forms",
        "settings",
        "import",
        "search",
        "sign-in",
        "setup",
        "reset",
    }
)
_ACCEPT = re.compile(
    r"\s*([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*)\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?))?\s*"
)


# ---------------------------------------------------------------- headers
def policy_framed_by(origins: Iterable[str]) -> str:
    """The content policy of a page that some other sites may frame."""
    listed = " ".join(["'self'", *origins])
    return CONTENT_POLICY.replace("frame-ancestors 'none'", f"frame-ancestors {listed}")


def fixed_headers(settings: Settings) -> tuple[tuple[bytes, bytes], ...]:
    """The headers that every answer carries."""
    headers = [
        ("content-security-policy", CONTENT_POLICY),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", permissions()),
    ]
    if settings.https:
        headers.append(("strict-transport-security", "max-age=63072000; includeSubDomains"))
    return tuple((name.encode(), value.encode()) for name, value in headers)


def permissions(devices: Collection[str] = ()) -> str:
    """The header `Permissions-Policy`: the devices named are this site's to ask for, all others nobody's."""
    return ", ".join(f"{each}=({'self' if each in devices else ''})" for each in DEVICES)


# ---------------------------------------------------------------- cookies
def session_cookie(settings: Settings) -> str:
    """The session cookie's name: under https it has the prefix that browsers hold to host and path."""
    return "__Host-dacheng_session" if settings.https else "dacheng_session"


def keep_session(response: Response, settings: Settings, token: str) -> None:
    """Put the session's token into the browser; scripts cannot read it, other sites cannot send it."""
    response.set_cookie(
        session_cookie(settings),
        token,
        max_age=settings.session_days * 86_400,
        secure=settings.https,
        httponly=True,
        samesite="lax",
    )


def drop_session(response: Response, settings: Settings) -> None:
    """Take the session's token out of the browser."""
    response.delete_cookie(session_cookie(settings), secure=settings.https, httponly=True, samesite="lax")


def bearer(request: Request) -> str:
    """The API token of the `Authorization` header; empty when there is none of that kind."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


# ---------------------------------------------------------------- where from, where to
def client_address(scope: Scope) -> str:
    """The address the request came from; the server has already put in what a trusted proxy said."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def shortened_address(address: str) -> str:
    """An address with its last part left out, for logs: `192.0.2.0`, `2001:db8:1::`."""
    if ":" in address:
        return ":".join(address.split(":")[:3]) + "::"
    head, dot, _ = address.rpartition(".")
    return f"{head}.0" if dot else address


def from_own_pages(scope: Scope, settings: Settings) -> bool:
    """Whether a request that may change something was not made by another site's page.

    Browsers say so in `Sec-Fetch-Site`, older ones in `Origin`; a request without either passes only
    when it carries no cookie, so that it cannot act for somebody signed in.
    """
    headers = {name: value for name, value in scope["headers"] if name in _ORIGIN_HEADERS}
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        return site in (b"same-origin", b"none")
    origin = headers.get(b"origin")
    if origin is None:
        return b"cookie" not in headers
    netloc = _netloc(origin.decode("latin-1"))
    own = {headers.get(b"host", b"").decode("latin-1").lower(), _netloc(settings.base_url)}
    return bool(netloc) and netloc in own - {""}


def _netloc(address: str) -> str:
    """Host and port of an address; empty for one that is none."""
    try:
        return urlsplit(address).netloc.lower()
    except ValueError:
        return ""


_ORIGIN_HEADERS = frozenset({b"sec-fetch-site", b"origin", b"host", b"cookie"})


def own_path(text: str | None) -> str:
    """`text` when it is a plain path to one of the product's pages, else the first page.

    An allow-list of shape and first segment: no host, backslash, control character, dot segment,
    encoded slash or double slash passes.
    """
    if not text or len(text) > 2000 or not _OWN_PATH.fullmatch(text):
        return _HOME
    path, _, query = text.partition("?")
    segments = path.split("/")[1:]
    if segments[0] not in _NEXT_ROOTS or any(set(part) == {"."} for part in segments if part):
        return _HOME
    return text if "%" not in path and "//" not in query else _HOME


# ---------------------------------------------------------------- language
def asked_locale(request: Request) -> str:
    """The locale chosen in this browser, else what `Accept-Language` prefers; empty when it says nothing known."""
    chosen = request.cookies.get(LOCALE_COOKIE, "")
    return chosen if chosen in LOCALES else preferred_locale(request.headers.get("accept-language", "")[:200])


@lru_cache(maxsize=512)
def preferred_locale(header: str) -> str:
    """The best of our locales for an `Accept-Language` header; empty when none fits."""
    best, weight = "", 0.0
    for part in header.split(","):
        found = _ACCEPT.fullmatch(part)
        if found is None:
            continue
        language = found[1].split("-")[0].lower()
        match = next((ours for ours in LOCALES if ours.split("-")[0] == language), "")
        quality = float(found[2] or 1)
        if match and quality > weight:
            best, weight = match, quality
    return best


# ---------------------------------------------------------------- rates
class Rates:
    """Calls per key in each minute, for at most `size` keys; the longest unused are forgotten first."""

    def __init__(self, size: int = 10_000) -> None:
        self._size = size
        self._counts: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def over(self, key: str, per_minute: int, now: float) -> bool:
        """Count one call at `now` (seconds) and say whether the minute's allowance is used up."""
        minute = int(now // 60)
        seen, count = self._counts.pop(key, (minute, 0))
        count = count + 1 if seen == minute else 1
        self._counts[key] = (minute, count)
        while len(self._counts) > self._size:
            self._counts.popitem(last=False)
        return count > per_minute
