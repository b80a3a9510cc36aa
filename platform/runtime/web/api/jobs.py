"""Work that takes longer than a request: answered at once with 202 and an address to ask how far it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from dacheng.runtime.web.api.operation import NUMBER, TEXT, Operation, by_name, list_of, shape
from dacheng.runtime.web.api.read import answer
from dacheng.runtime.web.errors import problem_items
from dacheng.runtime.web.jobs import DONE, FAILED, RUNNING, Job, Jobs, Progress, new_job_id
from dacheng.runtime.web.render import locale_of
from dacheng.runtime.web.routing import SIGNED_IN, user_of

JOB: Final = shape(
    id=TEXT,
    title=TEXT,
    state={"enum": [RUNNING, DONE, FAILED]},
    done=NUMBER,
    total=NUMBER,
    result=by_name(NUMBER),
    problems=list_of(by_name(TEXT)),
)


def begin(request: Request, title: str, page: str, work: Callable[[Progress], dict[str, Any]]) -> Response:
    """Start `work` and answer 202 with the job; `page` shows people its result."""
    jobs: Jobs = request.app.state.jobs
    job = Job(new_job_id(), user_of(request).id, title, page, page)
    jobs.start(job, work)
    response = answer(_shown(request, job), 202)
    response.headers["location"] = f"/api/v1/jobs/{job.id}"
    return response


async def show_job(request: Request) -> Response:
    """One's own job: `running` with how far it is, `done` with its result, `failed` with its problems."""
    jobs: Jobs = request.app.state.jobs
    return answer(_shown(request, jobs.get(request.path_params["id"], user_of(request).id)))


def _shown(request: Request, job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "title": job.title,
        "state": job.state,
        "done": job.done,
        "total": job.total,
        "result": dict(job.result),
        "problems": problem_items(job.problems, locale_of(request)),
    }


OPERATIONS: Final = (Operation("GET", "/api/v1/jobs/{id}", show_job, "show_job", JOB, SIGNED_IN),)
