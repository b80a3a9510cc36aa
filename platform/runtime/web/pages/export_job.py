"""An export asked for from a list: few records come at once, many are written behind a bar that can be cancelled."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from dacheng.metadata.problem import refuse
from dacheng.runtime.services import export_records, read_records
from dacheng.runtime.services.conditions import user_values
from dacheng.runtime.services.export_json import export_json
from dacheng.runtime.services.export_records import Export, Heard, silent
from dacheng.runtime.services.export_workbook import export_workbook
from dacheng.runtime.services.gate import Query
from dacheng.runtime.services.site import Site
from dacheng.runtime.services.work import Work
from dacheng.runtime.web.download import BOM, XLSX, disposition, file_response
from dacheng.runtime.web.form_body import read_form
from dacheng.runtime.web.jobs import DONE, Job, Progress, new_job_id
from dacheng.runtime.web.page import Link, Page
from dacheng.runtime.web.pages.export import file_name, wanted_of
from dacheng.runtime.web.pages.progress import jobs_of, watch
from dacheng.runtime.web.render import render
from dacheng.runtime.web.routing import SIGNED_IN, Route, host_of, in_thread, user_of, work_of
from dacheng.runtime.web.view.list_state import EXPORT_OF
from dacheng.runtime.web.view.setting import setting_of

AT_ONCE = 2_000  # records: more of them take longer than people wait without a word
MOST_COUNTED = 10_000_000
LONGEST_STATE = 30_000
Write = Callable[[Site, Work, Export, Heard], Iterator[bytes]]


def _csv(site: Site, work: Work, wanted: Export, heard: Heard) -> Iterator[bytes]:
    lines = export_records.export(site, work, wanted, heard)

    def content() -> Iterator[bytes]:
        yield BOM.encode()
        yield from (line.encode() for line in lines)

    return content()


FORMS: dict[str, tuple[Write, str]] = {
    "csv": (_csv, "text/csv"),
    "xlsx": (export_workbook, XLSX),
    "json": (export_json, "application/json"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedPage(Page):
    """The file is there: what it is called, how much is in it, where it is fetched."""

    name: str
    told: str
    file: str


async def begin_export(request: Request) -> Response:
    """The file itself where it is short, else the page that watches it come to be."""
    form = await read_form(request, "state", "as", "part")
    work, db, kind = work_of(request), host_of(request).db, form["as"]
    if kind not in FORMS or len(form["state"]) > LONGEST_STATE:
        raise refuse("web.not_understood")
    query = dict(parse_qsl(form["state"], keep_blank_values=True, max_num_fields=100))
    wanted = await wanted_of(request, {**query, EXPORT_OF: form["part"]})
    export_records.demand_export(work, wanted.entity)
    few = await db.read(lambda reader: read_records.count(reader, work, _all_of(wanted), AT_ONCE + 1))
    name, (write, media_type) = f"{file_name(request, wanted)}.{kind}", FORMS[kind]
    if few <= AT_ONCE:
        content = await in_thread(write, host_of(request), work, wanted, silent)
        return file_response(content, name, media_type)
    return _behind_a_bar(request, wanted, name, form["state"], write)


def _behind_a_bar(request: Request, wanted: Export, name: str, state: str, write: Write) -> Response:
    host, work, job_id = host_of(request), work_of(request), new_job_id()
    path = request.url.path.rsplit("/", 1)[0]
    job = Job(
        job_id,
        user_of(request).id,
        setting_of(work).say("export.title", name=name),
        f"/exports/{job_id}",
        f"{path}?{state}" if state else path,
        stoppable=True,
    )
    target = jobs_of(request).file(job_id)

    def carry_out(progress: Progress) -> dict[str, Any]:
        total = host.db.read_now(
            lambda reader: read_records.count(reader, work, _all_of(wanted), MOST_COUNTED)
        )
        done = 0

        def heard(rows: int) -> None:
            nonlocal done
            done = rows
            progress("export", min(rows, total), total)

        _put(target, write(host, work, wanted, heard))
        return {"name": name, "rows": done, "entity": wanted.entity, "policy": _rights(work)}

    return watch(request, job, carry_out)


def _rights(work: Work) -> str:
    """What somebody may see, in short: their roles, and all that row rules know of them."""
    text = repr((work.policy.hash, sorted(user_values(work.context).items())))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _put(target: Path, content: Iterator[bytes]) -> None:
    """Write a file that nobody else on the machine may read."""
    target.touch(mode=0o600)
    with target.open("wb") as sink:
        for piece in content:
            sink.write(piece)


def _all_of(wanted: Export) -> Query:
    return Query(wanted.entity, ("id",), wanted.filter, search=wanted.search, extra=wanted.extra)


async def show_exported(request: Request) -> Response:
    """The file that is ready, with the way to it."""
    job, target = _ready(request)
    say, size = setting_of(work_of(request)).say, target.stat().st_size
    told = say("export.told", rows=f"{job.result['rows']:,}", size=f"{max(size / 1e6, 0.1):,.1f}")
    page = ExportedPage(
        title=job.title,
        back=job.back,
        crumbs=(Link(setting_of(work_of(request)).say("list.export"), job.back),),
        scripts=("exported.js",),
        name=job.result["name"],
        told=told,
        file=f"/exports/{job.id}/file",
    )
    return render(request, "exported.html", page)


async def fetch(request: Request) -> Response:
    """The file, for whoever had it made, as long as their rights are those it was made under."""
    job, target = _ready(request)
    work, name = work_of(request), str(job.result["name"])
    export_records.demand_export(work, job.result["entity"])
    if _rights(work) != job.result["policy"]:
        raise refuse("access.export_rights_changed")
    _, media_type = FORMS[name.rpartition(".")[2]]
    return FileResponse(target, media_type=media_type, headers={"content-disposition": disposition(name)})


def _ready(request: Request) -> tuple[Job, Path]:
    """A finished export of this person whose file is still kept."""
    jobs = jobs_of(request)
    job = jobs.get(request.path_params["id"], user_of(request).id)
    target = jobs.file(job.id)
    if job.state != DONE or "policy" not in job.result or not target.exists():
        raise refuse("web.not_found")
    return job, target


ROUTES = (
    Route("/apps/{app}/{entity}/export", begin_export, SIGNED_IN, ("POST",), per_minute=30),
    Route("/exports/{id}", show_exported, SIGNED_IN),
    Route("/exports/{id}/file", fetch, SIGNED_IN, per_minute=60),
)
