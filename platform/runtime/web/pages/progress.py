"""Watching a longer piece of work: how far it is, then on to its result or what went wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dacheng.runtime.web.form_body import read_form
from dacheng.runtime.web.jobs import DONE, RUNNING, STOPPED, Job, Jobs, Progress, new_job_id
from dacheng.runtime.web.page import Page
from dacheng.runtime.web.render import flash, locale_of, render
from dacheng.runtime.web.routing import SIGNED_IN, Route, user_of

__all__ = ["ROUTES", "Progress", "begin", "jobs_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressPage(Page):
    """A bar, or the sentences of what went wrong; the script asks again while `running`."""

    running: bool
    done: int
    total: int
    lines: tuple[str, ...]
    address: str
    stoppable: bool


def jobs_of(request: Request) -> Jobs:
    """The jobs of the workspace this request came to."""
    found: Jobs = request.app.state.jobs
    return found


def begin(
    request: Request, title: str, after: str, back: str, work: Callable[[Progress], dict[str, Any]]
) -> Response:
    """Start `work(progress) → result` and lead to the page that watches it; `{job}` in `after` is its id."""
    identity = new_job_id()
    job = Job(identity, user_of(request).id, title, after.replace("{job}", identity), back)
    return watch(request, job, work)


def watch(request: Request, job: Job, work: Callable[[Progress], dict[str, Any]]) -> Response:
    """Start the work of a job and lead to the page that watches it."""
    jobs_of(request).start(job, work)
    return RedirectResponse(f"/progress/{job.id}", 303)


async def show(request: Request) -> Response:
    """The bar while it runs; then the result's own page."""
    job = jobs_of(request).get(request.path_params["id"], user_of(request).id)
    if job.state == DONE:
        return RedirectResponse(job.after, 303)
    if job.state == STOPPED:
        return _stopped(job)
    locale = locale_of(request)
    lines = [
        text for each in job.problems for text in (each.message_in(locale), each.hint_in(locale)) if text
    ]
    page = ProgressPage(
        title=job.title,
        back=job.back,
        scripts=("progress.js",),
        running=job.state == RUNNING,
        done=job.done,
        total=job.total,
        lines=tuple(dict.fromkeys(lines)),
        address=f"/progress/{job.id}",
        stoppable=job.stoppable and job.state == RUNNING,
    )
    return render(request, "progress.html", page)


async def stop(request: Request) -> Response:
    """End the work where it is and go back to where it began."""
    await read_form(request)
    job = jobs_of(request).stop(request.path_params["id"], user_of(request).id)
    return RedirectResponse(job.after, 303) if job.state == DONE else _stopped(job)


def _stopped(job: Job) -> Response:
    response = RedirectResponse(job.back, 303)
    flash(response, "progress.stopped", title=job.title)
    return response


ROUTES = (
    Route("/progress/{id}", show, SIGNED_IN),
    Route("/progress/{id}/stop", stop, SIGNED_IN, ("POST",)),
)
