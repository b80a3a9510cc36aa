"""Handing over what a leaving person owns: counts first, then to whom, then what came of it with the way back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from dacheng.metadata.problem import Refused
from dacheng.runtime.services import handover, read_records
from dacheng.runtime.services.directory import USER
from dacheng.runtime.services.handover import Handover, Holding
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.web.errors import status_of
from dacheng.runtime.web.form_body import NOTHING_WRONG, Wrong, read_form, read_pairs, wrong_with
from dacheng.runtime.web.jobs import Progress
from dacheng.runtime.web.page import Link, Page
from dacheng.runtime.web.pages.progress import begin, jobs_of
from dacheng.runtime.web.render import locale_of, render
from dacheng.runtime.web.routing import SIGNED_IN, Route, host_of, user_of, work_of
from dacheng.runtime.web.words import words


@dataclass(frozen=True, slots=True)
class Row:
    """One entity: its name, how much there is, how much of that is finished, and where else the person is named."""

    entity: str
    label: str
    count: int
    finished: int
    named: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverPage(Page):
    """One person's holdings and the form; `people` may take over, `done` are the figures of what was done."""

    person: str
    name: str
    rows: tuple[Row, ...]
    people: tuple[tuple[str, str], ...]
    may_suspend: bool
    wrong: Wrong = NOTHING_WRONG


@dataclass(frozen=True, slots=True, kw_only=True)
class DonePage(Page):
    """What came of a handover, or of taking it back; `undo` is empty after that."""

    lines: tuple[str, ...]
    undo: str


async def show_handover(request: Request) -> Response:
    """What the person owns, and to whom it may go."""
    return await _show(request, str(request.path_params["person"]), ())


async def start(request: Request) -> Response:
    """Hand over in the background and lead to the page that watches it."""
    pairs = await read_pairs(request)
    leaver, host, work = str(request.path_params["person"]), host_of(request), work_of(request)
    asked = Handover(
        leaver,
        tuple(dict.fromkeys(value for name, value in pairs if name == "to" and value)),
        tuple(value for name, value in pairs if name == "entity"),
        any(name == "keep_finished" for name, _ in pairs),
        any(name == "named" for name, _ in pairs),
    )
    suspend = any(name == "suspend" for name, _ in pairs)
    try:
        await host.db.read(lambda reader: handover.demand_sound(reader, work, asked))
    except Refused as refused:
        if refused.problems[0].code != "handover.receivers":
            raise
        return await _show(request, leaver, refused.problems)

    def work_off(progress: Progress) -> dict[str, Any]:
        done = handover.carry_out(host, work, asked, progress, suspend=suspend)
        return {"id": done.id, "moved": done.moved, "refused": done.refused}

    title = words(locale_of(request))("handover.doing")
    return begin(request, title, "/handover/done?job={job}", f"/handover/{leaver}", work_off)


async def undo(request: Request) -> Response:
    """Give everything back, in the background."""
    await read_form(request)
    host, work, ident = host_of(request), work_of(request), str(request.path_params["person"])
    await host.db.read(partial(handover.demand_own, work=work, ident=ident))

    def work_off(progress: Progress) -> dict[str, Any]:
        back = handover.undo(host.db, work, ident, progress)
        return {"moved": back.moved, "kept": back.kept, "refused": back.refused}

    title = words(locale_of(request))("handover.undoing")
    return begin(request, title, "/handover/done?job={job}", "/", work_off)


async def show_done(request: Request) -> Response:
    """The figures."""
    job = jobs_of(request).get(request.query_params.get("job", ""), user_of(request).id)
    say, found = words(locale_of(request)), job.result
    ident = str(found.get("id", ""))
    page = DonePage(
        title=say("handover.title"),
        back="/",
        lines=tuple(_lines(say, found)),
        undo=f"/handover/{ident}/undo" if ident and found.get("moved") else "",
    )
    return render(request, "handover_done.html", page)


def _lines(say: Any, found: Mapping[str, Any]) -> list[str]:
    keys = ("moved", "kept", "refused") if "id" in found else ("returned", "kept", "refused")
    counts = {**found, "returned": found.get("moved", 0)}
    return [
        say(f"handover.{key}", count=int(counts.get(key, 0)))
        for key in keys
        if counts.get(key) or key in ("moved", "returned")
    ]


async def _show(request: Request, leaver: str, problems: Any) -> Response:
    work = work_of(request)

    def read(reader: Reader) -> tuple[list[Holding], list[tuple[str, str]], str]:
        held = handover.holdings(reader, work, leaver)
        name = read_records.titles(reader, work, USER, [leaver]).get(leaver, "")
        return held, handover.receivers(reader, work, leaver), name

    held, people, name = await host_of(request).db.read(read)
    locale = locale_of(request)
    page = HandoverPage(
        title=words(locale)("handover.title"),
        crumbs=(Link(name, f"/apps/core/user/{leaver}"),),
        back=f"/apps/core/user/{leaver}",
        person=leaver,
        name=name,
        rows=tuple(_row(work, each) for each in held),
        people=tuple(people),
        may_suspend=work.policy.admin and leaver != work.context.actor.id,
        wrong=wrong_with(problems, locale, ("to",)) if problems else NOTHING_WRONG,
    )
    return render(request, "handover.html", page, status=status_of(problems) if problems else 200)


def _row(work: Work, held: Holding) -> Row:
    entity = work.entity(held.entity).entity
    label = work.context.labels.entity(work.context.locale, entity, "plural")
    return Row(held.entity, label, held.count, held.finished, held.named)


ROUTES = (
    Route("/handover/done", show_done, SIGNED_IN),
    Route("/handover/{person}", show_handover, SIGNED_IN),
    Route("/handover/{person}", start, SIGNED_IN, ("POST",)),
    Route("/handover/{person}/undo", undo, SIGNED_IN, ("POST",)),
)
