"""Creating and editing a record: one form for both, saved once, refused with every problem at its field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dacheng.metadata.kinds import Json
from dacheng.metadata.problem import Problem, Refused, problem
from dacheng.runtime.services import duplicates, read_records
from dacheng.runtime.services.write_record import Outcome, Write
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.web.errors import status_of
from dacheng.runtime.web.fields.base import Texts
from dacheng.runtime.web.fields.lines import LinesView, without_row
from dacheng.runtime.web.form_body import read_pairs
from dacheng.runtime.web.form_files import posted_files
from dacheng.runtime.web.markup import drawn
from dacheng.runtime.web.page import Link
from dacheng.runtime.web.pages.form_place import Place, place_of
from dacheng.runtime.web.render import flash, render
from dacheng.runtime.web.routing import SIGNED_IN, Route, host_of, path_of
from dacheng.runtime.web.saving import save
from dacheng.runtime.web.security import permissions
from dacheng.runtime.web.uploads import is_multipart
from dacheng.runtime.web.view import form_page
from dacheng.runtime.web.view.duplicates import DuplicateShown, compared_texts
from dacheng.runtime.web.view.duplicates import shown as duplicates_shown
from dacheng.runtime.web.view.form_follow import AUTO, with_defaults
from dacheng.runtime.web.view.form_page import Conflict, Filled, FormPage
from dacheng.runtime.web.view.form_shown import Shown, shown, stored
from dacheng.runtime.web.view.form_shown import titles as read_titles
from dacheng.runtime.web.view.form_state import defaults


async def show_new(request: Request) -> Response:
    """An empty form, or one filled from the address (`?account=…`)."""
    place = place_of(request, "create")
    names = place.prepared.places
    sent = {name: value for name, value in request.query_params.items() if name in names}

    def read(reader: Reader) -> Shown:
        values = place.prepared.read(sent)
        form = place.prepared.form.id if place.prepared.declared else None
        start = place.prepared.texts(defaults(reader, place.work, place.ref, form, values))
        auto = form_page.auto_text(place.prepared, start, values)
        return shown(reader, place.work, place.id, place.prepared, {**start, **sent, AUTO: auto})

    found = await host_of(request).db.read(read)
    return _answer(request, place, found, {}, ())


async def show_edit(request: Request) -> Response:
    """The form with the record's present values."""
    place = place_of(request, "update")
    found = await host_of(request).db.read(lambda reader: _stored(reader, place), kind=("edit", place.ref))
    return _answer(request, place, found, {}, ())


async def do_create(request: Request) -> Response:
    """Create the record and show it; refused input comes back in the form with every problem named."""
    place = place_of(request, "create")
    sent, unkept = await _sent(request, place)
    texts = form_page.compacted(place.prepared, sent)
    if unkept:
        return await _again(request, place, texts, unkept)
    if "_add" in sent or "_remove" in sent:
        return await _again(request, place, _rows_changed(sent), ())
    values = place.prepared.read(texts)
    same = () if sent.get("_despite") else await _same(request, place, values, texts)
    if same:
        return await _again(request, place, texts, (), same)
    try:
        outcome = await save(request, _write(place, "create", values, sent))
    except Refused as refused:
        kept_out = any(one.code in ("match.protected", "record.duplicate") for one in refused.problems)
        same = await _same(request, place, values, texts) if kept_out else ()
        return await _again(request, place, texts, refused.problems, same)
    return await _saved(request, place, outcome, "form.created")


async def do_update(request: Request) -> Response:
    """Save what the person changed; when someone else was first, show both and save nothing."""
    place = place_of(request, "update")
    sent, unkept = await _sent(request, place)
    texts = form_page.compacted(place.prepared, sent)
    if unkept:
        return await _again(request, place, texts, unkept)
    if "_add" in sent or "_remove" in sent:
        return await _again(request, place, _rows_changed(sent), ())
    was = form_page.was_of(sent.get("_was", ""))
    changed = form_page.changed_fields(place.prepared, texts, was or {})
    values = form_page.read_changed(place.prepared, texts, changed)
    try:
        outcome = await save(request, _write(place, "update", values, sent))
    except Refused as refused:
        if any(one.code == "record.conflict" for one in refused.problems) and was is not None:
            return await _conflict(request, place, texts, was, changed)
        return await _again(request, place, texts, refused.problems)
    return await _saved(request, place, outcome, "form.saved")


# ---------------------------------------------------------------- what is asked
async def _sent(request: Request, place: Place) -> tuple[dict[str, str], Sequence[Problem]]:
    """What was posted; of a name sent twice the last counts, as in a form with repeated controls.

    Files that came with the form (a browser without scripts) are kept first, and stand in it by id.
    """
    if place.prepared.uploads and is_multipart(request):
        return await posted_files(request, place.prepared)
    return dict(await read_pairs(request)), ()


def _write(place: Place, action: str, values: Mapping[str, Json], sent: Mapping[str, str]) -> Write:
    version = sent.get("_version", "")
    return Write(
        action=action,
        entity=place.ref,
        id=place.id or None,
        values=values,
        expected_version=int(version) if version.isdecimal() and len(version) < 16 else None,
        form=place.prepared.form.id if place.prepared.declared else None,
        key=sent.get("_key", "")[:100] or None,
    )


def _stored(reader: Reader, place: Place) -> Shown:
    return stored(reader, place.work, place.ref, place.id, place.prepared)


def _rows_changed(sent: Mapping[str, str]) -> Mapping[str, str]:
    """Without scripts: a line taken out; a line more needs nothing, as an empty one always follows."""
    return (
        without_row(sent["_remove"].rsplit(".", 1)[0], sent["_remove"], sent) if "_remove" in sent else sent
    )


# ---------------------------------------------------------------- what is answered
async def _same(
    request: Request, place: Place, values: Mapping[str, Json], texts: Texts
) -> tuple[DuplicateShown, ...]:
    """What is there already of a new record; a person who has seen it saves all the same."""
    if not place.compared:
        return ()
    typed: dict[str, Any] = {}
    for name in place.compared:
        with suppress(Refused):  # what is no value is refused by the save itself
            typed[name] = place.policy.readable[name].codec.parse(values.get(name))
    found = await host_of(request).db.read(
        lambda reader: duplicates.find(reader, place.work, place.ref, typed)
    )
    asked = compared_texts(place.compared, texts)
    return duplicates_shown(found, place.policy, place.prepared.setting, asked)


async def _again(
    request: Request,
    place: Place,
    texts: Texts,
    problems: Sequence[Problem],
    same: tuple[DuplicateShown, ...] = (),
) -> Response:
    """The form with what was sent; what an earlier answer to it got lost of is said, and saved again on purpose only."""
    if any(one.code == "record.key_reused" for one in problems):
        texts, problems = {**texts, "_key": ""}, [problem("record.saved_before")]
    given = texts

    def read(reader: Reader) -> Shown:
        held = given if place.id else with_defaults(reader, place.work, place.ref, place.prepared, given)
        return shown(reader, place.work, place.id, place.prepared, held)

    found = await host_of(request).db.read(read)
    return _answer(request, place, found, texts, problems, same=same)


async def _conflict(
    request: Request, place: Place, texts: Texts, was: Mapping[str, str], mine: set[str]
) -> Response:
    """Their values where the person changed nothing, the person's where they did; saved again on purpose only."""

    def read(reader: Reader) -> tuple[Shown, tuple[Conflict, ...]]:
        now = _stored(reader, place)
        moved = form_page.changed_fields(place.prepared, {**now.texts, **_markers(place)}, was)
        theirs = [name for name in place.prepared.places if name in moved]
        merged = dict(now.texts)
        for name in mine:
            one = place.prepared.places[name]
            for key in form_page.own_texts(one, merged):
                merged.pop(key)
            merged |= form_page.own_texts(one, texts)
        found = shown(reader, place.work, place.id, place.prepared, merged)
        titles = {ident: title for one in found.choices.values() for ident, title in one.titles.items()}
        both = {**found.texts, **read_titles(reader, place.work, place.prepared, texts, found.choices)}
        titles |= {
            both[name.removesuffix(".title")]: text
            for name, text in both.items()
            if name.endswith(".title") and name.removesuffix(".title") in both
        }
        conflicts = form_page.conflicts_of(
            place.prepared, theirs, now.texts, mine, texts, lambda ident: titles.get(ident, ident)
        )
        return replace(found, title=now.title, version=now.version, was=now.was), conflicts

    found, conflicts = await host_of(request).db.read(read)
    return _answer(request, place, found, {}, (), conflicts, status=409)


def _markers(place: Place) -> dict[str, str]:
    """The marks by which lines count as sent."""
    return {
        f"{name}.sent": "1" for name, one in place.prepared.places.items() if isinstance(one.view, LinesView)
    }


def _answer(
    request: Request,
    place: Place,
    found: Shown,
    texts: Texts,
    problems: Sequence[Problem],
    conflicts: tuple[Conflict, ...] | None = None,
    status: int = 0,
    same: tuple[DuplicateShown, ...] = (),
) -> Response:
    prepared, setting, work = place.prepared, place.prepared.setting, place.work
    at, summary = form_page.placed_problems(prepared, problems)
    entity = setting.labels.entity(setting.locale, place.policy.entity)
    entities = setting.labels.entity(setting.locale, place.policy.entity, "plural")
    version = found.version or _version_sent(texts)
    title = found.title or entity
    page = FormPage(
        title=setting.say("form.edit", title=title) if place.id else setting.say("form.new", entity=entity),
        current=place.ref,
        crumbs=(Link(entities, place.path), *([Link(title, place.back)] if place.id else [])),
        back=place.back,
        scripts=("form.js", *(("duplicates.js",) if place.compared else ()), *prepared.scripts),
        multipart=prepared.uploads,
        form=place.key,
        action=path_of(request),
        draft=f"{work.context.actor.id}.{place.ref}.{place.id or 'new'}.{version}",
        zone=str(setting.zone),
        layout=prepared.form.layout,
        key=texts.get("_key") or work.context.new_id(),
        version=str(version) if version else "",
        auto=found.texts.get(AUTO, ""),
        follow=f"{path_of(request)}/follow" if prepared.asks else "",
        was=texts.get("_was") or (form_page.was_text(prepared, found.was) if place.id else ""),
        script=drawn(prepared.script),
        context=form_page.context_script(found.decided),
        parts=form_page.draw_parts(
            prepared, Filled({**texts, **found.texts}, at), found.decided, found.choices
        ),
        wrong=summary,
        compared=" ".join(place.compared),
        record=place.id,
        list=place.path,
        duplicates=same,
        conflicts=conflicts,
    )
    answer = render(request, "form.html", page, status=status or (status_of(problems) if problems else 200))
    answer.headers["permissions-policy"] = permissions(prepared.devices)
    return answer


def _version_sent(texts: Texts) -> int:
    sent = texts.get("_version", "")
    return int(sent) if sent.isdecimal() and len(sent) < 16 else 0


async def _saved(request: Request, place: Place, outcome: Outcome, key: str) -> Response:
    """The record's page, which says that it is saved and lets the browser forget the draft."""
    titles = await host_of(request).db.read(
        lambda reader: read_records.titles(reader, place.work, place.ref, [outcome.id]), bounded=True
    )
    entity = place.prepared.setting.labels.entity(place.prepared.setting.locale, place.policy.entity)
    response = RedirectResponse(f"{place.path}/{quote(outcome.id)}", 303)
    flash(response, key, title=titles.get(outcome.id) or entity)
    return response


ROUTES = (
    Route("/apps/{app}/{entity}/new", show_new, SIGNED_IN),
    Route("/apps/{app}/{entity}/new", do_create, SIGNED_IN, ("POST",), multipart=True),
    Route("/apps/{app}/{entity}/{id}/edit", show_edit, SIGNED_IN),
    Route("/apps/{app}/{entity}/{id}/edit", do_update, SIGNED_IN, ("POST",), multipart=True),
)
