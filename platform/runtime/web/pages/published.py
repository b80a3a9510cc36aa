"""Published forms as visitors see them: filled in by anybody who has the link, saved by the link itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dacheng.metadata.field_kinds.file import FilesCodec
from dacheng.metadata.kinds import Json
from dacheng.metadata.problem import Problem, Refused, problem, refuse
from dacheng.runtime.services import publications, write_record
from dacheng.runtime.services.publications import MAX_TRACKED, Publication, Sent
from dacheng.runtime.services.work import Work
from dacheng.runtime.services.write_record import Outcome
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.web.errors import status_of
from dacheng.runtime.web.fields.base import Texts
from dacheng.runtime.web.fields.files import FilesView
from dacheng.runtime.web.form_body import ErrorLine, read_pairs
from dacheng.runtime.web.form_files import FilesPlace, files_of, kept_files
from dacheng.runtime.web.markup import drawn
from dacheng.runtime.web.page import Page
from dacheng.runtime.web.render import locale_of, render
from dacheng.runtime.web.routing import PUBLIC, Route, host_of, work_of
from dacheng.runtime.web.saving import frame_of
from dacheng.runtime.web.security import client_address, permissions, policy_framed_by, shortened_address
from dacheng.runtime.web.uploads import is_multipart, multipart
from dacheng.runtime.web.view import form_page
from dacheng.runtime.web.view.form import PreparedForm, prepare_form
from dacheng.runtime.web.view.form_page import DrawnPart, Filled
from dacheng.runtime.web.view.form_shown import Shown, shown
from dacheng.runtime.web.view.form_state import defaults
from dacheng.runtime.web.view.prepared import Prepared
from dacheng.runtime.web.view.published import visitors_form
from dacheng.runtime.web.view.setting import setting_of, view_key
from dacheng.runtime.web.words import words

TRAP = "website"  # a field that people do not see; what fills it in is no person
MOST_SENT = 20  # files in one form
OWN = frozenset({"_key", "_at", "_t", "_consent", TRAP})
Files = Sequence[tuple[str, UploadFile]]
_forms: Prepared[PreparedForm] = Prepared(128)


@dataclass(frozen=True, slots=True)
class _Place:
    """The published form at hand, the link's own frame, and the form prepared for it."""

    form: Publication
    work: Work
    prepared: PreparedForm


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedPage(Page):
    """The form, or (with `done`) what its senders read."""

    intro: str
    action: str = ""
    zone: str = ""
    layout: str = "page"
    key: str = ""
    at: str = ""
    tracked: str = ""
    multipart: bool = False
    consent: str = ""
    consented: bool = False
    script: str = ""
    context: str = ""
    parts: tuple[DrawnPart, ...] = ()
    wrong: tuple[ErrorLine, ...] = ()
    consent_wrong: bool = False
    done: bool = False


async def show(request: Request) -> Response:
    """The empty form; `?t=` is carried into the record."""
    place = await _place(request)

    def read(reader: Reader) -> Shown:
        start = defaults(reader, place.work, place.form.entity, None, {})
        return shown(reader, place.work, "", place.prepared, place.prepared.texts(start))

    found = await host_of(request).db.read(read)
    return _answer(request, place, found, {"_t": request.query_params.get("t", "")[:MAX_TRACKED]}, ())


async def send(request: Request) -> Response:
    """Save the record as the link; refused input comes back with every problem at its field."""
    place = await _place(request)
    address = client_address(request.scope)
    host_of(request).limits.submission(place.form.id, address, place.form.terms.per_hour)
    if not is_multipart(request):
        return await _sent(request, place, _known(place, await read_pairs(request)), ())
    async with multipart(request, most_files=MOST_SENT) as (pairs, files):
        return await _sent(request, place, _known(place, pairs), files)


async def _sent(request: Request, place: _Place, texts: dict[str, str], files: Files) -> Response:
    """The record saved; files are kept only once everything that can be known before says yes."""
    done = _framed(RedirectResponse(f"/f/{place.form.token}/done", 303), place.form)
    if texts.get(TRAP):
        return done
    try:
        publications.demand_read(place.work, place.form, texts.get("_at", ""))
        publications.demand_consent(place.form, texts.get("_consent") == "1")
        texts = await _with_files(request, place, texts, files)
        address = shortened_address(client_address(request.scope))
        values = place.prepared.read(texts)
        consented = texts.get("_consent") == "1"
        sent = Sent(values, texts.get("_key", "")[:100], texts.get("_t", ""), consented, address)
        await _saved(request, place, sent)
    except Refused as refused:
        asked = {name: text for name, text in texts.items() if name not in _files_in(place)}
        found = await host_of(request).db.read(
            lambda reader: shown(reader, place.work, "", place.prepared, asked)
        )
        return _answer(request, place, found, asked, refused.problems)
    return done


async def _with_files(request: Request, place: _Place, texts: dict[str, str], files: Files) -> dict[str, str]:
    """The texts with the files that came along; what a visitor names by id is not theirs to name."""
    held = _files_in(place)
    own = {name: text for name, text in texts.items() if name.partition(".")[0] not in held}
    texts = {**own, **dict.fromkeys(held, "")}
    chosen = list(files_of(place.prepared, files))
    problems = _beyond(chosen)
    if problems:
        raise Refused(problems)
    size = sum(file.size or 0 for _, file in chosen)
    await host_of(request).db.read(
        lambda reader: publications.demand_room(reader, place.work, place.form, size)
    )
    texts, problems = await kept_files(request, place.prepared, texts, files, place.work)
    if problems:
        raise Refused(problems)
    return texts


def _beyond(chosen: Sequence[tuple[FilesPlace, UploadFile]]) -> list[Problem]:
    """What is more, or larger, than a field takes of a visitor."""
    problems = []
    count = Counter(one.field.id for one, _ in chosen)
    for one, file in chosen:
        codec, where = one.field.codec, f"/{one.field.id}"
        assert isinstance(codec, FilesCodec)
        if (file.size or 0) > codec.largest:
            problems.append(problem("file.too_large", where, name=file.filename or "", limit=codec.largest))
        if count[one.field.id] > codec.limit:
            sent = count.pop(one.field.id)
            problems.append(problem("value.too_many_items", where, limit=codec.limit, count=sent))
    return problems


def _files_in(place: _Place) -> frozenset[str]:
    """The fields of files on the form."""
    places = place.prepared.places
    return frozenset(name for name, each in places.items() if isinstance(each.view, FilesView))


async def show_done(request: Request) -> Response:
    """What whoever sent the form reads."""
    place = await _place(request)
    say = words(locale_of(request))
    intro = place.form.terms.success or say("published.thanks")
    page = PublishedPage(title=place.form.terms.title, intro=intro, done=True)
    return _framed(render(request, "published.html", page), place.form)


# ---------------------------------------------------------------- what is asked
async def _place(request: Request) -> _Place:
    token = str(request.path_params["token"])
    form = await host_of(request).db.read(lambda reader: publications.opened(reader, token), bounded=True)
    work = publications.visiting(work_of(request), form)
    allowed = work.policy.entity(form.entity)
    if allowed is None:
        raise refuse("web.not_found")
    fields = {name: publications.for_visitors(each) for name, each in allowed.readable.items()}
    policy = replace(allowed, readable=MappingProxyType(fields))
    setting, declared = setting_of(work), work.model.catalogue.forms.get(form.entity)
    key = (*view_key(work), str(setting.zone), form.id, form.version)
    prepared = _forms.get(
        key,
        lambda: replace(
            prepare_form(visitors_form(declared, policy, form), policy, None, setting, creating=True),
            declared=declared is not None,
        ),
    )
    return _Place(form, work, prepared)


def _known(place: _Place, pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """What was posted; a name that is not on this form is refused, whether the entity has such a field or not."""
    for name, _ in pairs:
        if name not in OWN and name.partition(".")[0] not in place.prepared.places:
            raise refuse("web.form_unknown_field", name=name)
    return dict(pairs)


async def _saved(request: Request, place: _Place, sent: Sent) -> Outcome:
    host = host_of(request)

    async def action(work: Work) -> Outcome:
        write, beside = publications.submission(work, place.form, sent)
        return await write_record.write(host.db, work, write, beside)

    async def again() -> Work:
        return publications.visiting(await frame_of(request), place.form)

    return await host.retrying(place.work, action, again)


# ---------------------------------------------------------------- what is answered
def _answer(
    request: Request, place: _Place, found: Shown, texts: Texts, problems: Sequence[Problem]
) -> Response:
    prepared, form, work = place.prepared, place.form, place.work
    at, summary = form_page.placed_problems(prepared, problems)
    page = PublishedPage(
        title=form.terms.title,
        intro=form.terms.intro,
        scripts=("form.js", *(("form-files.js",) if prepared.uploads else ())),
        multipart=prepared.uploads,
        action=f"/f/{form.token}",
        zone=str(prepared.setting.zone),
        layout=prepared.form.layout,
        key=texts.get("_key") or work.context.new_id(),
        at=texts.get("_at") or publications.stamped(form, int(work.context.now.timestamp() * 1000)),
        tracked=texts.get("_t", ""),
        consent=form.terms.consent,
        consented=texts.get("_consent") == "1",
        script=drawn(prepared.script),
        context=form_page.context_script(replace(found.decided, context=_told(found.decided.context))),
        parts=form_page.draw_parts(
            prepared, Filled({**texts, **found.texts}, at), found.decided, found.choices
        ),
        wrong=summary,
        consent_wrong=any(each.pointer == "/_consent" for each in problems),
    )
    answer = render(request, "published.html", page, status=status_of(problems) if problems else 200)
    answer.headers["permissions-policy"] = permissions(prepared.devices)
    return _framed(answer, form)


def _told(context: Mapping[str, Json]) -> dict[str, Json]:
    """The context of the browser's conditions without what names the link inside."""
    return {**context, "user": {"id": "", "department": None, "departments": [], "roles": []}}


def _framed(response: Response, form: Publication) -> Response:
    """Only the sites on the form's list may frame it; no list, none."""
    response.headers["content-security-policy"] = policy_framed_by(form.terms.origins)
    response.headers["x-robots-tag"] = "noindex"
    return response


ROUTES = (
    Route("/f/{token}", show, PUBLIC, per_minute=120),
    Route("/f/{token}", send, PUBLIC, ("POST",), multipart=True, per_minute=60),
    Route("/f/{token}/done", show_done, PUBLIC, per_minute=120),
)
