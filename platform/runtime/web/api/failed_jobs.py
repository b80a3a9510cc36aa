"""Jobs that were given up (mails that never left), for administrators: read, tried again, discarded with consent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from dacheng.metadata.problem import refuse
from dacheng.runtime.services import failed_jobs
from dacheng.runtime.storage.dead_letters import DeadLetter
from dacheng.runtime.web.api.bodies import Body
from dacheng.runtime.web.api.operation import MOMENT, NUMBER, TEXT, Operation, items, shape
from dacheng.runtime.web.api.read import answer
from dacheng.runtime.web.render import locale_of
from dacheng.runtime.web.routing import host_of, in_thread, work_of

CONSENT: Final = Body({"consent": {"type": "boolean"}}, ("consent",))
_FACTS: Final = {
    "number": NUMBER,
    "kind": TEXT,
    "key": TEXT,
    "tries": NUMBER,
    "reason": TEXT,
    "created_at": MOMENT,
    "failed_at": MOMENT,
}
LISTED: Final = shape(**_FACTS)
WHOLE: Final = shape(**_FACTS, payload={})
RETRIED: Final = shape(retried=NUMBER)


async def list_failed(request: Request) -> Response:
    """The latest jobs that were given up, with the reason; `total` counts all."""
    work, locale = work_of(request), locale_of(request)
    found, total = await host_of(request).db.read(lambda reader: failed_jobs.list_failed(reader, work))
    return answer({"items": [facts(each, locale) for each in found], "total": total})


async def show_failed(request: Request) -> Response:
    """One job that was given up, with what it was to do."""
    work, number = work_of(request), number_of(request)
    found = await host_of(request).db.read(lambda reader: failed_jobs.get_failed(reader, work, number))
    return answer({**facts(found, locale_of(request)), "payload": found.payload})


async def retry(request: Request) -> Response:
    """Try one again, under its own key: what was already done is not done twice."""
    retried = await in_thread(failed_jobs.retry, host_of(request), work_of(request), number_of(request))
    return answer({"retried": retried})


async def retry_all(request: Request) -> Response:
    """Try all of them again."""
    return answer({"retried": await in_thread(failed_jobs.retry, host_of(request), work_of(request))})


async def discard(request: Request) -> Response:
    """Give one up for good; `consent` must be true."""
    consent = (await CONSENT.read(request))["consent"]
    host, work, number = host_of(request), work_of(request), number_of(request)
    await in_thread(failed_jobs.discard, host, work, number, consent=consent)
    return Response(status_code=204)


def facts(letter: DeadLetter, locale: str) -> dict[str, Any]:
    """A job as JSON, without what it was to do."""
    return {
        "number": letter.seq,
        "kind": letter.kind,
        "key": letter.key,
        "tries": letter.attempts,
        "reason": failed_jobs.reason_in(letter, locale),
        "created_at": _moment(letter.created_at),
        "failed_at": _moment(letter.failed_at),
    }


def number_of(request: Request) -> int:
    """The job's number from the address; what is none leads to no job."""
    text = str(request.path_params["id"])
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise refuse("web.not_found")
    return int(text)


def _moment(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")


_ALL = "/api/v1/jobs/failed"
_ONE = _ALL + "/{id}"
_LIST = items(LISTED)
_LIST["properties"]["total"] = NUMBER
OPERATIONS: Final = (
    Operation("GET", _ALL, list_failed, "list_failed_jobs", _LIST),
    Operation("POST", _ALL + "/retry", retry_all, "retry_failed_jobs", RETRIED),
    Operation("GET", _ONE, show_failed, "show_failed_job", WHOLE),
    Operation("POST", _ONE + "/retry", retry, "retry_failed_job", RETRIED),
    Operation("POST", _ONE + "/discard", discard, "discard_failed_job", {}, body=CONSENT, status=204),
)
