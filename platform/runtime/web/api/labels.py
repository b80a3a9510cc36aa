"""Terms and texts of the workspace: what each says, whose wording it is, setting it and giving the package's back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from dacheng.metadata.problem import refuse
from dacheng.runtime.host import Host
from dacheng.runtime.services import edit_labels
from dacheng.runtime.services.edit_labels import WORKSPACE, LabelPage, LabelRow, TermRow
from dacheng.runtime.services.work import Work
from dacheng.runtime.web.api.bodies import Body
from dacheng.runtime.web.api.operation import (
    TEXT,
    TRUTH,
    Json,
    Operation,
    by_name,
    items,
    list_of,
    shape,
)
from dacheng.runtime.web.api.read import answer
from dacheng.runtime.web.routing import host_of, in_thread, work_of

WORDING: Final[Json] = {"type": "string", "minLength": 1, "maxLength": 500}
TERM_BODY: Final = Body({"one": WORDING, "plural": WORDING}, ("one",))
TEXT_BODY: Final = Body({"text": WORDING}, ("text",))
TERM_SHAPE: Final = shape(
    term=TEXT, forms=by_name(TEXT), base=by_name(TEXT), owner=TEXT, edited=TRUTH, used_in=list_of(TEXT)
)
LABEL_SHAPE: Final = shape(
    slot=TEXT, text=TEXT, source=TEXT, base=TEXT, owner=TEXT, edited=TRUTH, terms=list_of(TEXT)
)
COVERAGE: Final[Json] = {"type": "number", "minimum": 0, "maximum": 1}


async def list_apps(request: Request) -> Response:
    """Every app with its languages and the share of needed texts that has words in each, 0 to 1."""
    model = work_of(request).model
    labels = model.labels
    found = [
        {
            "app": app,
            "coverage": {
                locale: round(labels.coverage(locale, app).ratio, 4) for locale in labels.locales(app)
            },
        }
        for app in model.catalogue.apps
    ]
    return answer({"items": found})


async def show_app(request: Request) -> Response:
    """All terms and texts of one app in one language, each with whose wording it is."""
    app, locale = _place(request)
    return answer(
        _page(await in_thread(edit_labels.list_labels, host_of(request), work_of(request), app, locale))
    )


async def set_term(request: Request) -> Response:
    """Call a term something else in every text that uses it; a plural left out follows `one`."""
    forms = await TERM_BODY.read(request)
    term = request.path_params["term"]

    def change(host: Host, work: Work, app: str, locale: str) -> None:
        edit_labels.set_term(host, work, app, locale, term, forms)

    return answer(_find_term(await _changed(request, change), term))


async def reset_term(request: Request) -> Response:
    """Give a term the package's words back; one that was not changed is no error."""
    term = request.path_params["term"]

    def change(host: Host, work: Work, app: str, locale: str) -> None:
        edit_labels.reset_term(host, work, app, locale, term)

    return answer(_find_term(await _changed(request, change), term))


async def set_label(request: Request) -> Response:
    """Word one text differently; terms in it are written `{term:…}`."""
    text = (await TEXT_BODY.read(request))["text"]
    slot = request.path_params["slot"]

    def change(host: Host, work: Work, app: str, locale: str) -> None:
        edit_labels.set_label(host, work, app, locale, slot, text)

    return answer(_find_label(await _changed(request, change), slot))


async def reset_label(request: Request) -> Response:
    """Give one text the package's wording back; one that was not changed is no error."""
    slot = request.path_params["slot"]

    def change(host: Host, work: Work, app: str, locale: str) -> None:
        _find_label(edit_labels.list_labels(host, work, app, locale), slot)
        edit_labels.reset_label(host, work, app, locale, slot)

    return answer(_find_label(await _changed(request, change), slot))


async def _changed(request: Request, change: Callable[[Host, Work, str, str], None]) -> LabelPage:
    """Carry a change out and read the words anew, through the texts that hold from now on."""
    app, locale = _place(request)
    host, work = host_of(request), work_of(request)

    def settle() -> LabelPage:
        change(host, work, app, locale)
        return edit_labels.list_labels(host, work, app, locale)

    return await in_thread(settle)


def _place(request: Request) -> tuple[str, str]:
    return request.path_params["app"], request.path_params["locale"]


def _page(found: LabelPage) -> dict[str, Any]:
    return {
        "app": found.app,
        "locale": found.locale,
        "locales": list(found.locales),
        "coverage": round(found.coverage, 4),
        "terms": [_term(each) for each in found.terms],
        "texts": [_label(each) for each in found.labels],
    }


def _find_term(found: LabelPage, term: str) -> dict[str, Any]:
    return next(_term(each) for each in found.terms if each.term == term)


def _find_label(found: LabelPage, slot: str) -> dict[str, Any]:
    row = next((each for each in found.labels if each.slot == slot), None)
    if row is None:
        raise refuse("label.unknown_slot", "/slot", slot=slot)
    return _label(row)


def _term(row: TermRow) -> dict[str, Any]:
    return {
        "term": row.term,
        "forms": dict(row.forms),
        "base": dict(row.base),
        "owner": row.owner,
        "edited": row.owner == WORKSPACE,
        "used_in": list(row.used_in),
    }


def _label(row: LabelRow) -> dict[str, Any]:
    return {
        "slot": row.slot,
        "text": row.text,
        "source": row.source,
        "base": row.base,
        "owner": row.owner,
        "edited": row.owner == WORKSPACE,
        "terms": list(row.terms),
    }


_APP = "/api/v1/labels/{app}/{locale}"
_PAGE = shape(
    app=TEXT,
    locale=TEXT,
    locales=list_of(TEXT),
    coverage=COVERAGE,
    terms=list_of(TERM_SHAPE),
    texts=list_of(LABEL_SHAPE),
)
OPERATIONS: Final = (
    Operation(
        "GET", "/api/v1/labels", list_apps, "list_labels", items(shape(app=TEXT, coverage=by_name(COVERAGE)))
    ),
    Operation("GET", _APP, show_app, "show_labels", _PAGE),
    Operation("PUT", _APP + "/terms/{term}", set_term, "set_term", TERM_SHAPE, body=TERM_BODY),
    Operation("DELETE", _APP + "/terms/{term}", reset_term, "reset_term", TERM_SHAPE),
    Operation("PUT", _APP + "/texts/{slot}", set_label, "set_label", LABEL_SHAPE, body=TEXT_BODY),
    Operation("DELETE", _APP + "/texts/{slot}", reset_label, "reset_label", LABEL_SHAPE),
)
