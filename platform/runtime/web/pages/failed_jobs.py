"""Jobs that were given up, for administrators: what, why, once more or never."""

from __future__ import annotations

import json
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dacheng.metadata.problem import Refused
from dacheng.runtime.services import failed_jobs
from dacheng.runtime.storage.dead_letters import DeadLetter
from dacheng.runtime.web.api.failed_jobs import number_of
from dacheng.runtime.web.errors import status_of
from dacheng.runtime.web.form_body import NOTHING_WRONG, Wrong, read_form, wrong_with
from dacheng.runtime.web.page import Link, Page
from dacheng.runtime.web.pages.settings import moment, tabs
from dacheng.runtime.web.render import flash, locale_of, render
from dacheng.runtime.web.routing import BUILDER, Route, host_of, in_thread, work_of
from dacheng.runtime.web.words import words

ALL = "/settings/jobs"
KINDS = {"account.reset": "jobs.kind_reset", "mail.notice": "jobs.kind_notice", "notify": "jobs.kind_told"}


@dataclass(frozen=True, slots=True)
class JobView:
    """One job that was given up."""

    number: int
    name: str
    kind: str
    key: str
    reason: str
    tries: int
    made: str
    failed: str
    payload: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedJobsPage(Page):
    """The latest of them; `total` counts all."""

    tabs: tuple[Link, ...]
    jobs: tuple[JobView, ...]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedJobPage(Page):
    """One of them."""

    tabs: tuple[Link, ...]
    job: JobView
    wrong: Wrong = NOTHING_WRONG


async def show_all(request: Request) -> Response:
    """The list."""
    work, say = work_of(request), words(locale_of(request))
    found, total = await host_of(request).db.read(lambda reader: failed_jobs.list_failed(reader, work))
    page = FailedJobsPage(
        title=say("jobs.title"),
        current="settings",
        crumbs=(Link(say("shell.settings"), "/settings"),),
        back="/settings",
        tabs=tabs(request),
        jobs=tuple(_view(each, request) for each in found),
        total=total,
    )
    return render(request, "failed_jobs.html", page)


async def show_one(request: Request) -> Response:
    """One job with what it was to do."""
    return await _one(request)


async def retry_all(request: Request) -> Response:
    """Try all of them again."""
    await read_form(request)
    count = await in_thread(failed_jobs.retry, host_of(request), work_of(request))
    return _back("jobs.retried", count=str(count))


async def retry(request: Request) -> Response:
    """Try one again."""
    await read_form(request)
    count = await in_thread(failed_jobs.retry, host_of(request), work_of(request), number_of(request))
    return _back("jobs.retried", count=str(count))


async def discard(request: Request) -> Response:
    """Give one up for good, once the person confirmed it."""
    form = await read_form(request, "consent")
    host, work, number = host_of(request), work_of(request), number_of(request)
    consent = form["consent"] == "yes"
    try:
        await in_thread(failed_jobs.discard, host, work, number, consent=consent)
    except Refused as refused:
        if consent:
            raise
        return await _one(request, refused)
    return _back("jobs.discarded")


async def _one(request: Request, refused: Refused | None = None) -> Response:
    work, say, number = work_of(request), words(locale_of(request)), number_of(request)
    found = await host_of(request).db.read(lambda reader: failed_jobs.get_failed(reader, work, number))
    problems = refused.problems if refused else ()
    view = _view(found, request)
    page = FailedJobPage(
        title=view.name,
        current="settings",
        crumbs=(Link(say("shell.settings"), "/settings"), Link(say("jobs.title"), ALL)),
        back=ALL,
        tabs=tabs(request),
        job=view,
        wrong=wrong_with(problems, locale_of(request), ("consent",)),
    )
    return render(request, "failed_job.html", page, status=status_of(problems) if refused else 200)


def _view(letter: DeadLetter, request: Request) -> JobView:
    locale = locale_of(request)
    return JobView(
        number=letter.seq,
        name=words(locale)(KINDS[letter.kind]) if letter.kind in KINDS else letter.kind,
        kind=letter.kind,
        key=letter.key,
        reason=failed_jobs.reason_in(letter, locale),
        tries=letter.attempts,
        made=moment(letter.created_at, request),
        failed=moment(letter.failed_at, request),
        payload=json.dumps(letter.payload, ensure_ascii=False, indent=2),
    )


def _back(key: str, **params: str) -> Response:
    response = RedirectResponse(ALL, 303)
    flash(response, key, **params)
    return response


_ONE = ALL + "/{id}"
ROUTES = (
    Route(ALL, show_all, BUILDER),
    Route(ALL + "/retry", retry_all, BUILDER, ("POST",)),
    Route(_ONE, show_one, BUILDER),
    Route(_ONE + "/retry", retry, BUILDER, ("POST",)),
    Route(_ONE + "/discard", discard, BUILDER, ("POST",)),
)
