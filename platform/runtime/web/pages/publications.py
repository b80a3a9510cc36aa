"""Published forms for administrators: what is offered to everybody, under which terms, and what came in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from io import BytesIO

import segno
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dacheng.metadata.definition import Field
from dacheng.metadata.expression import TEXT
from dacheng.metadata.problem import Refused, refuse
from dacheng.runtime.services import publications
from dacheng.runtime.services.publications import Publication, Terms
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.publications import SubmissionRow
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.web.errors import status_of
from dacheng.runtime.web.form_body import NOTHING_WRONG, Wrong, read_pairs, wrong_with
from dacheng.runtime.web.page import Link, Page
from dacheng.runtime.web.pages.settings import moment
from dacheng.runtime.web.render import flash, locale_of, render
from dacheng.runtime.web.routing import BUILDER, Route, host_of, work_of
from dacheng.runtime.web.words import words

WORDS = ("title", "intro", "consent", "success", "tracked")
FIGURES = ("per_hour", "wait")
ALL = "/forms"


@dataclass(frozen=True, slots=True)
class FormView:
    """One published form as the list shows it."""

    id: str
    title: str
    entity: str
    enabled: bool
    count: int


@dataclass(frozen=True, slots=True)
class SentView:
    """One submission: when, its record's address, the tracked id, the consent's words, where from."""

    at: str
    record: str
    tracked: str
    consent: str
    address: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """One field that may be chosen."""

    id: str
    label: str
    required: bool
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FormsPage(Page):
    """Every published form, and what else one can be published for."""

    forms: tuple[FormView, ...]
    entities: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishPage(Page):
    """The terms of one form, new or published; `link` is empty for a new one."""

    action: str
    entity: str
    terms: Terms
    fields: tuple[Chosen, ...]
    texts: tuple[tuple[str, str], ...]
    wrong: Wrong = NOTHING_WRONG
    id: str = ""
    link: str = ""
    enabled: bool = True
    count: int = 0
    version: int = 0
    sent: tuple[SentView, ...] = ()


async def show_all(request: Request) -> Response:
    """The list."""
    work = work_of(request)
    found = await host_of(request).db.read(lambda reader: publications.listed(reader, work))
    page = FormsPage(
        title=words(locale_of(request))("forms.list"),
        current="forms",
        forms=tuple(
            FormView(each.id, each.terms.title, _entity(work, each.entity), each.enabled, each.count)
            for each in found
        ),
        entities=tuple(
            (ref, _entity(work, ref)) for ref in work.policy.entities if publications.publishable(work, ref)
        ),
    )
    return render(request, "forms.html", page)


async def show_new(request: Request) -> Response:
    """The terms of a form still to be published, over `?entity=`."""
    work, ref = work_of(request), request.query_params.get("entity", "")
    if not publications.may_publish(work.entity(ref)):
        raise refuse("publication.not_for_entity")
    needed = tuple(each.id for each in publications.offered(work, ref) if each.required)
    return _page(request, ref, Terms(_entity(work, ref), needed))


async def publish(request: Request) -> Response:
    """Publish it and show its link."""
    work, pairs = work_of(request), await read_pairs(request)
    ref = dict(pairs).get("entity", "")
    work.entity(ref)
    terms = _terms(pairs)
    try:
        made = await host_of(request).db.write(
            partial(publications.publish, work=work, entity=ref, terms=terms)
        )
    except Refused as refused:
        return _page(request, ref, terms, refused)
    return _done(made, "forms.published")


async def show_one(request: Request) -> Response:
    """Terms, link, QR code and the latest submissions."""
    found, sent = await _read(request)
    return _page(request, found.entity, found.terms, None, found, sent)


async def change(request: Request) -> Response:
    """Save the terms."""
    pairs = await read_pairs(request)
    terms, version = _terms(pairs), dict(pairs).get("version", "")
    expected = int(version) if version.isdecimal() and len(version) < 16 else None
    act = partial(
        publications.change,
        work=work_of(request),
        ident=request.path_params["id"],
        terms=terms,
        version=expected,
    )
    try:
        made = await host_of(request).db.write(act)
    except Refused as refused:
        found, sent = await _read(request)
        return _page(request, found.entity, terms, refused, found, sent)
    return _done(made, "forms.saved")


async def switch(request: Request) -> Response:
    """Open it, or switch it off: its link then answers as one that never was."""
    enabled = dict(await read_pairs(request)).get("enabled") == "1"
    act = partial(
        publications.change, work=work_of(request), ident=request.path_params["id"], enabled=enabled
    )
    return _done(await host_of(request).db.write(act), "forms.switched")


async def qr(request: Request) -> Response:
    """The link as a QR code."""
    found, _ = await _read(request)
    image = BytesIO()
    code = segno.make(_link(request, found), error="m", micro=False)
    code.save(image, kind="svg", scale=4, border=4, xmldecl=False, svgclass=None, lineclass=None)
    return Response(image.getvalue(), media_type="image/svg+xml")


async def _read(request: Request) -> tuple[Publication, list[SubmissionRow]]:
    work, ident = work_of(request), str(request.path_params["id"])

    def read(reader: Reader) -> tuple[Publication, list[SubmissionRow]]:
        return publications.find(reader, work, ident), publications.submissions(reader, work, ident)

    return await host_of(request).db.read(read)


def _terms(pairs: list[tuple[str, str]]) -> Terms:
    given: Mapping[str, str] = dict(pairs)
    figures = {name: int(text) for name in FIGURES if (text := given.get(name, "")).isdecimal()}
    return Terms.of(
        {name: given.get(name, "").strip() for name in WORDS}
        | {name: min(figure, 10**6) for name, figure in figures.items()}
        | {"fields": [value for name, value in pairs if name == "field"]}
        | {"origins": given.get("origins", "").lower().split()}
    )


def _page(
    request: Request,
    ref: str,
    terms: Terms,
    refused: Refused | None = None,
    found: Publication | None = None,
    sent: list[SubmissionRow] | None = None,
) -> Response:
    work, say = work_of(request), words(locale_of(request))
    fields = publications.offered(work, ref)
    problems = refused.problems if refused is not None else ()
    page = PublishPage(
        title=found.terms.title if found is not None else say("forms.new"),
        current="forms",
        crumbs=(Link(say("forms.list"), ALL),),
        back=ALL,
        action=f"{ALL}/{found.id}" if found is not None else f"{ALL}/new",
        entity=ref,
        terms=terms,
        fields=tuple(
            Chosen(each.id, _label(work, each), each.required, each.id in terms.fields) for each in fields
        ),
        texts=(
            ("", say("forms.tracked_none")),
            *((each.id, _label(work, each)) for each in fields if each.codec.type == TEXT),
        ),
        wrong=wrong_with(problems, locale_of(request), (*WORDS, *FIGURES, "fields", "origins")),
        id=found.id if found is not None else "",
        link=_link(request, found) if found is not None else "",
        enabled=found is None or found.enabled,
        count=found.count if found is not None else 0,
        version=found.version if found is not None else 0,
        sent=tuple(_sent(request, ref, each) for each in sent or ()),
    )
    return render(request, "form_publish.html", page, status=status_of(problems) if problems else 200)


def _sent(request: Request, ref: str, each: SubmissionRow) -> SentView:
    record = f"/apps/{ref.replace('.', '/')}/{each.record}"
    return SentView(moment(each.at, request), record, each.tracked, each.consent, each.address)


def _link(request: Request, form: Publication) -> str:
    base = host_of(request).settings.base_url or str(request.base_url).rstrip("/")
    return f"{base}/f/{form.token}"


def _entity(work: Work, ref: str) -> str:
    return work.context.labels.entity(work.context.locale, work.entity(ref).entity)


def _label(work: Work, one: Field) -> str:
    return work.context.labels.field(work.context.locale, one)


def _done(made: Publication, key: str) -> Response:
    response = RedirectResponse(f"{ALL}/{made.id}", 303)
    flash(response, key, title=made.terms.title)
    return response


ROUTES = (
    Route(ALL, show_all, BUILDER),
    Route(ALL + "/new", show_new, BUILDER),
    Route(ALL + "/new", publish, BUILDER, ("POST",)),
    Route(ALL + "/{id}", show_one, BUILDER),
    Route(ALL + "/{id}", change, BUILDER, ("POST",)),
    Route(ALL + "/{id}/switch", switch, BUILDER, ("POST",)),
    Route(ALL + "/{id}/qr.svg", qr, BUILDER),
)
