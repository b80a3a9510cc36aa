"""Terms and texts of the workspace: terms first, with every sentence that uses one; then each single text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dacheng.metadata.labels import Terms, fill
from dacheng.metadata.problem import Refused, refuse
from dacheng.runtime.services import edit_labels
from dacheng.runtime.services.edit_labels import WORKSPACE, LabelPage, LabelRow, TermRow
from dacheng.runtime.web.errors import status_of
from dacheng.runtime.web.form_body import NOTHING_WRONG, Wrong, demand_filled, read_form, wrong_with
from dacheng.runtime.web.page import Page
from dacheng.runtime.web.render import flash, locale_of, render
from dacheng.runtime.web.routing import BUILDER, Route, host_of, in_thread, work_of
from dacheng.runtime.web.words import catalogue as word_catalogue
from dacheng.runtime.web.words import words

SHOWN: Final = 200
STATES: Final = ("", "edited", "missing")
LONGEST: Final = 500
CORE: Final = "core"  # its words come last, as in the navigation


@dataclass(frozen=True, slots=True)
class Use:
    """A sentence that uses a term: as it reads now, and with `{term:…}` left in for the live preview."""

    slot: str
    text: str
    source: str


@dataclass(frozen=True, slots=True)
class TermView:
    """One term with its words, the package's words, and where it is used."""

    term: str
    one: str
    plural: str
    has_plural: bool
    base: str
    edited: bool
    uses: tuple[Use, ...]


@dataclass(frozen=True, slots=True)
class LabelView:
    """One text: how it reads, how it is written, whose wording it is."""

    slot: str
    kind: str
    text: str
    source: str
    base: str
    owner: str
    edited: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelsPage(Page):
    """The words of one app in one language, filtered; `hidden` counts texts beyond those shown."""

    apps: tuple[tuple[str, str], ...]
    app: str
    locales: tuple[tuple[str, str], ...]
    locale: str
    kinds: tuple[tuple[str, str], ...]
    kind: str
    states: tuple[tuple[str, str], ...]
    state: str
    q: str
    coverage: int
    terms: tuple[TermView, ...]
    plurals: bool
    labels: tuple[LabelView, ...]
    hidden: int
    wrong: Wrong = NOTHING_WRONG


async def show(request: Request) -> Response:
    """The page; the address says which app, language and filter."""
    return await _page(request, request.query_params)


async def set_term(request: Request) -> Response:
    """Call a term something else, everywhere at once."""
    form = await read_form(request, "app", "locale", "term", "one", "plural")
    forms = {name: form[name] for name in ("one", "plural") if form[name].strip()}

    def change() -> int:
        demand_filled(form, "one")
        _demand_short(forms)
        service = edit_labels.set_term
        return service(host_of(request), work_of(request), form["app"], form["locale"], form["term"], forms)

    return await _edit(request, form, change, "labels.term_set", f"#term-{form['term']}")


async def reset_term(request: Request) -> Response:
    """Give a term the package's word back."""
    form = await read_form(request, "app", "locale", "term")

    def change() -> int:
        service = edit_labels.reset_term
        return service(host_of(request), work_of(request), form["app"], form["locale"], form["term"])

    return await _edit(request, form, change, "labels.term_set", f"#term-{form['term']}")


async def set_label(request: Request) -> Response:
    """Word one text differently."""
    form = await read_form(request, "app", "locale", "slot", "text", "q", "kind", "state")

    def change() -> int:
        _demand_short({"text": form["text"]})
        service = edit_labels.set_label
        service(host_of(request), work_of(request), form["app"], form["locale"], form["slot"], form["text"])
        return 1

    return await _edit(request, form, change, "labels.label_set", "#texts")


async def reset_label(request: Request) -> Response:
    """Give one text the package's wording back."""
    form = await read_form(request, "app", "locale", "slot", "q", "kind", "state")

    def change() -> int:
        service = edit_labels.reset_label
        service(host_of(request), work_of(request), form["app"], form["locale"], form["slot"])
        return 1

    return await _edit(request, form, change, "labels.label_set", "#texts")


async def _edit(
    request: Request, form: Mapping[str, str], change: Callable[[], int], words_key: str, place: str
) -> Response:
    try:
        used = await in_thread(change)
    except Refused as refused:
        return await _page(request, form, refused)
    kept = {name: form[name] for name in ("app", "locale", "q", "kind", "state") if form.get(name)}
    response = RedirectResponse(f"/labels?{urlencode(kept)}{place}", 303)
    flash(response, words_key, count=str(used))
    return response


def _demand_short(texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        if len(text) > LONGEST:
            raise refuse("value.too_long", f"/{name}", limit=LONGEST, length=len(text))


async def _page(request: Request, params: Mapping[str, str], refused: Refused | None = None) -> Response:
    work, locale = work_of(request), locale_of(request)
    labels, say = work.model.labels, words(locale)
    apps = {
        app: labels.text(locale, app, "app")
        for app in sorted(work.model.catalogue.apps, key=lambda each: each == CORE)
    }
    app = params.get("app") if params.get("app") in apps else next(iter(apps), "")
    wanted = params.get("locale", "")
    offered = labels.locales(app or "")
    chosen = wanted if wanted in offered else locale if locale in offered else next(iter(offered), locale)
    found = await in_thread(edit_labels.list_labels, host_of(request), work, app or "", chosen)
    state = params.get("state", "") if params.get("state", "") in STATES else ""
    rows = _filtered(found, params.get("q", "")[:100], params.get("kind", ""), state)
    terms = {each.term: each.forms for each in found.terms}
    page = LabelsPage(
        title=say("shell.labels"),
        current="labels",
        scripts=("labels.js",),
        apps=tuple(apps.items()),
        app=app or "",
        locales=tuple((each, _language(each)) for each in found.locales),
        locale=chosen,
        kinds=_kinds(found, locale),
        kind=params.get("kind", ""),
        states=tuple((each, say(f"labels.state_{each or 'all'}")) for each in STATES),
        state=state,
        q=params.get("q", "")[:100],
        coverage=round(found.coverage * 100),
        terms=tuple(_term(each, found, terms) for each in found.terms),
        plurals=any("plural" in each.forms for each in found.terms),
        labels=tuple(_label(each, found.app) for each in rows[:SHOWN]),
        hidden=max(0, len(rows) - SHOWN),
        wrong=wrong_with(refused.problems, locale, ()) if refused else NOTHING_WRONG,
    )
    return render(request, "labels.html", page, status=status_of(refused.problems) if refused else 200)


def _filtered(found: LabelPage, q: str, kind: str, state: str) -> list[LabelRow]:
    wanted = q.strip().lower()
    return [
        row
        for row in found.labels
        if (not kind or row.slot.partition(":")[0] == kind)
        and (not wanted or wanted in row.text.lower() or wanted in row.slot)
        and (state != "edited" or row.owner == WORKSPACE)
        and (not row.source if state == "missing" else row.source or wanted)
    ]


def _kinds(found: LabelPage, locale: str) -> tuple[tuple[str, str], ...]:
    say, known = words(locale), word_catalogue()
    kinds = dict.fromkeys(row.slot.partition(":")[0] for row in found.labels)
    named = [(each, say(f"labels.kind_{each}") if f"labels.kind_{each}" in known else each) for each in kinds]
    return (("", say("labels.kind_all")), *named)


def _term(row: TermRow, found: LabelPage, terms: Terms) -> TermView:
    others = {name: forms for name, forms in terms.items() if name != row.term}
    sources = {each.slot: each for each in found.labels}
    uses = tuple(
        Use(slot, sources[slot].text, _partly(sources[slot].source, row.term, others)) for slot in row.used_in
    )
    base = " / ".join(dict.fromkeys(row.base.values()))
    plural = row.forms.get("plural", "")
    return TermView(
        row.term, row.forms.get("one", ""), plural, bool(plural), base, row.owner == WORKSPACE, uses
    )


def _partly(source: str, term: str, others: Terms) -> str:
    """The sentence with every other term filled in, so that the page can show the rest while one types."""
    kept = source.replace(f"{{term:{term}", "\x01")
    return fill(kept, others).replace("\x01", f"{{term:{term}")


def _label(row: LabelRow, app: str) -> LabelView:
    owner = "" if row.owner == app else row.owner
    return LabelView(
        row.slot, row.slot.partition(":")[0], row.text, row.source, row.base, owner, row.owner == WORKSPACE
    )


def _language(locale: str) -> str:
    return {"zh-CN": "简体中文", "en": "English"}.get(locale, locale)


ROUTES = (
    Route("/labels", show, BUILDER),
    Route("/labels/term", set_term, BUILDER, ("POST",)),
    Route("/labels/term/reset", reset_term, BUILDER, ("POST",)),
    Route("/labels/label", set_label, BUILDER, ("POST",)),
    Route("/labels/label/reset", reset_label, BUILDER, ("POST",)),
)
