"""The recycle bin: what was deleted, by whom and when; brought back with one press, gone for good only with consent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dacheng.metadata.problem import refuse
from dacheng.runtime.services import gate, recycle_bin
from dacheng.runtime.services.recycle_bin import Bin, Deleted
from dacheng.runtime.services.work import Work
from dacheng.runtime.services.write_record import Write
from dacheng.runtime.web.form_body import read_form
from dacheng.runtime.web.page import Link, Page
from dacheng.runtime.web.pages.record_timeline import RECORD, record_of
from dacheng.runtime.web.render import flash, render
from dacheng.runtime.web.routing import SIGNED_IN, Route, host_of, work_of
from dacheng.runtime.web.saving import save
from dacheng.runtime.web.shell import icon_or_default
from dacheng.runtime.web.words import words


@dataclass(frozen=True, slots=True)
class Gone:
    """One deleted record and the addresses that bring it back or end it; `purge` is empty for most."""

    title: str
    said: str
    at: str
    restore: str
    purge: str


@dataclass(frozen=True, slots=True)
class Group:
    """The deleted records of one entity."""

    label: str
    icon: str
    href: str
    items: tuple[Gone, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BinPage(Page):
    """The bin as a whole, or one entity's part of it with its next page."""

    q: str
    action: str
    groups: tuple[Group, ...]
    next: str = ""


async def show_all(request: Request) -> Response:
    """The latest of every entity."""
    work, text = work_of(request), _text(request)
    found = await host_of(request).db.read(lambda reader: recycle_bin.overview(reader, work, text))
    say = words(work.context.locale)
    page = BinPage(
        title=say("bin.title"), current="bin", back="/", q=text, action="/recycle-bin",
        groups=tuple(_group(work, each) for each in found),
    )  # fmt: skip
    return render(request, "recycle_bin.html", page)


async def show_one(request: Request) -> Response:
    """One entity's deleted records, page by page."""
    work, text = work_of(request), _text(request)
    ref = f"{request.path_params['app']}.{request.path_params['entity']}"
    cursor = request.query_params.get("cursor") or None
    found = await host_of(request).db.read(lambda reader: recycle_bin.read(reader, work, ref, text, cursor))
    say, place = words(work.context.locale), f"/recycle-bin/{ref.replace('.', '/')}"
    asked = {"q": text, "cursor": found.next or ""}
    page = BinPage(
        title=work.context.labels.entity(work.context.locale, work.entity(ref).entity, "plural"),
        current="bin", crumbs=(Link(say("bin.title"), "/recycle-bin"),), back="/recycle-bin", q=text, action=place,
        groups=(_group(work, found),) if found.items else (),
        next=f"{place}?{urlencode({k: v for k, v in asked.items() if v})}" if found.next else "",
    )  # fmt: skip
    return render(request, "recycle_bin.html", page)


async def purge(request: Request) -> Response:
    """End a deleted record for good, after the box was ticked."""
    form = await read_form(request, "consent")
    ref, ident = record_of(request)
    if not form["consent"]:
        raise refuse("bin.consent_missing", "/consent")
    await save(request, Write("purge", ref, ident))
    response = RedirectResponse("/recycle-bin", 303)
    flash(response, "bin.purged")
    return response


def _text(request: Request) -> str:
    return request.query_params.get("q", "").strip()[: gate.MAX_SEARCH]


def _group(work: Work, found: Bin) -> Group:
    policy = work.entity(found.entity)
    place = found.entity.replace(".", "/")
    return Group(
        label=work.context.labels.entity(work.context.locale, policy.entity, "plural"),
        icon=icon_or_default(policy.entity.icon),
        href=f"/recycle-bin/{place}",
        items=tuple(_gone(work, each, f"/apps/{place}/{each.id}") for each in found.items),
    )


def _gone(work: Work, one: Deleted, address: str) -> Gone:
    say = words(work.context.locale)
    at = None if one.at is None else datetime.fromtimestamp(one.at / 1000, work.context.zone)
    when = "" if at is None else f"{at:%Y-%m-%d %H:%M}"
    return Gone(
        title=one.title or say("list.untitled"),
        said=say("bin.by", name=one.by or say("record.someone"), when=when),
        at="" if at is None else at.isoformat(timespec="seconds"),
        restore=f"{address}/restore",
        purge=f"{address}/purge" if work.policy.admin else "",
    )


ROUTES = (
    Route("/recycle-bin", show_all, SIGNED_IN),
    Route("/recycle-bin/{app}/{entity}", show_one, SIGNED_IN),
    Route(RECORD + "/purge", purge, SIGNED_IN, ("POST",)),
)
