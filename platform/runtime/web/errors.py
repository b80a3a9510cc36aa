"""The one place where refusals and failures become HTTP: problem documents for the API, pages for people."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dacheng.metadata.problem import Problem, Refused, catalogue, problem
from dacheng.runtime.web.page import Link, MessagePage
from dacheng.runtime.web.render import locale_of, render
from dacheng.runtime.web.words import words

log = logging.getLogger("dacheng.web")

STATUS: Final = {
    "malformed": 400,
    "unauthenticated": 401,
    "forbidden": 403,
    "missing": 404,
    "conflict": 409,
    "precondition": 412,
    "too_large": 413,
    "invalid": 422,
    "limited": 429,
    "unavailable": 503,
    "full": 507,
}
EXACT: Final = {"web.method_not_allowed": 405, "web.media_type": 415, "web.precondition_missing": 428}
BY_STATUS: Final = {
    401: "account.sign_in_needed",
    403: "access.not_permitted",
    404: "web.not_found",
    405: "web.method_not_allowed",
}
PROBLEM_TYPE: Final = "application/problem+json"


def status_of(problems: Sequence[Problem]) -> int:
    """The HTTP status of a refusal: that of its first problem."""
    if not problems:
        return STATUS["invalid"]
    return EXACT.get(problems[0].code) or STATUS[catalogue()[problems[0].code].category]


def problem_items(problems: Iterable[Problem], locale: str) -> list[dict[str, Any]]:
    """Problems as JSON objects with sentences in `locale`: the body shape of every error there is."""
    return [
        {
            "code": each.code,
            "pointer": each.pointer,
            "message": each.message_in(locale),
            "hint": each.hint_in(locale),
        }
        for each in problems
    ]


def problem_response(request: Request, problems: Sequence[Problem], *, status: int = 0) -> Response:
    """An RFC 9457 document; `title` is the status' own name, `detail` the first problem's sentence."""
    number = status or status_of(problems)
    items = problem_items(problems, locale_of(request))
    body = {
        "type": "about:blank",
        "title": HTTPStatus(number).phrase,
        "status": number,
        "detail": items[0]["message"] if items else "",
        "instance": f"urn:request:{request.scope.get('dacheng.request', '')}",
        "problems": items,
    }
    response = Response(orjson.dumps(body), number, media_type=PROBLEM_TYPE)
    response.headers["cache-control"] = "no-store"
    return _with_status_headers(response, number)


def refusal(request: Request, refused: Refused) -> Response:
    """The answer to a refused request: a document, a page, or the way to the sign-in page."""
    status = status_of(refused.problems)
    if status == 401 and wants_page(request) and request.method in ("GET", "HEAD"):
        return RedirectResponse(sign_in_address(request), 303, {"cache-control": "no-store"})
    return error_answer(request, refused.problems, status=status)


def error_answer(request: Request, problems: Sequence[Problem], *, status: int = 0) -> Response:
    """A page in the frame where a person is looking, else a problem document."""
    number = status or status_of(problems)
    if not wants_page(request):
        return problem_response(request, problems, status=number)
    say, locale = words(locale_of(request)), locale_of(request)
    lines = [
        text for each in problems[:5] for text in (each.message_in(locale), each.hint_in(locale)) if text
    ]
    signed_out = number == 401
    page = MessagePage(
        title=say(_TITLES.get(number, "errors.title_refused")),
        lines=tuple(dict.fromkeys(lines)),
        reference=str(request.scope.get("dacheng.request", "")) if number >= 500 else "",
        links=(
            Link(
                say("errors.sign_in") if signed_out else say("errors.home"), "/sign-in" if signed_out else "/"
            ),
        ),
    )
    return _with_status_headers(render(request, "message.html", page, status=number), number)


def from_status(request: Request, error: HTTPException) -> Response:
    """The answer where routing itself refuses: no such address, method, too large."""
    code = BY_STATUS.get(error.status_code)
    found = problem(code) if code else problem("web.not_understood")
    response = error_answer(request, [found], status=error.status_code)
    for name, value in (error.headers or {}).items():
        response.headers[name] = value
    return response


def unexpected(request: Request, error: Exception) -> Response:
    """The answer to a fault of ours: a number to quote, no inner detail; the traceback goes to the log alone."""
    reference = str(request.scope.get("dacheng.request", ""))
    log.error("request %s failed", reference, exc_info=error)
    try:
        return error_answer(request, [problem("web.fault", reference=reference)], status=500)
    except Exception:
        log.exception("the page for request %s failed too", reference)
        return problem_response(request, [problem("web.fault", reference=reference)], status=500)


def wants_page(request: Request) -> bool:
    """Whether a person's browser asked: everything outside `/api/` and `/static/`."""
    return not request.scope["path"].startswith(("/api/", "/static/"))


def sign_in_address(request: Request) -> str:
    """The sign-in page, told where to go afterwards."""
    query = request.url.query
    place = request.url.path + (f"?{query}" if query else "")
    return "/sign-in" if place == "/" else f"/sign-in?{urlencode({'next': place})}"


_TITLES = {
    401: "errors.title_sign_in",
    403: "errors.title_forbidden",
    404: "errors.title_missing",
    405: "errors.title_missing",
    409: "errors.title_conflict",
    412: "errors.title_conflict",
    413: "errors.title_too_large",
    429: "errors.title_limited",
    500: "errors.title_fault",
    503: "errors.title_busy",
    507: "errors.title_full",
}


def _with_status_headers(response: Response, status: int) -> Response:
    if status == 401:
        response.headers["www-authenticate"] = "Bearer"
    if status in (429, 503):
        response.headers["retry-after"] = "60" if status == 429 else "5"
    return response
