"""Import, first step: choose what the rows are and upload the file; and the imports there have been."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dacheng.metadata.problem import Refused, refuse
from dacheng.runtime.services import import_records, import_template
from dacheng.runtime.services.import_table import read_table
from dacheng.runtime.services.import_workbook_template import template_workbook as made_workbook
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.imports import Run
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.web.download import XLSX, csv_response, file_response
from dacheng.runtime.web.errors import status_of
from dacheng.runtime.web.form_body import NOTHING_WRONG, Wrong, wrong_with
from dacheng.runtime.web.importing import drafts_of, first_importable, importable
from dacheng.runtime.web.page import Page
from dacheng.runtime.web.pages.names import names_of
from dacheng.runtime.web.pages.settings import moment
from dacheng.runtime.web.render import locale_of, render
from dacheng.runtime.web.routing import SIGNED_IN, Route, host_of, in_thread, user_of, work_of
from dacheng.runtime.web.words import words

FORM_TYPE = "multipart/form-data"


@dataclass(frozen=True, slots=True)
class RunView:
    """One import as the list shows it."""

    id: str
    file: str
    entity: str
    who: str
    when: str
    state: str
    rows: int
    stored: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPage(Page):
    """The upload form and earlier imports; `entities` are (reference, label) of what one may add."""

    entities: tuple[tuple[str, str], ...]
    chosen: str
    runs: tuple[RunView, ...]
    largest: int
    wrong: Wrong = NOTHING_WRONG


def entity_name(work: Work, ref: str) -> str:
    """The plural label of an entity; its reference when it is gone."""
    policy = work.policy.entity(ref)
    return work.model.labels.entity(work.context.locale, policy.entity, "plural") if policy else ref


async def show(request: Request) -> Response:
    """The form."""
    return await _page(request, request.query_params.get("entity", ""))


async def template(request: Request) -> Response:
    """A file with the headings alone, to fill in."""
    work = work_of(request)
    ref = f"{request.path_params['app']}.{request.path_params['entity']}"
    return csv_response(import_template.template(work, ref), f"{entity_name(work, ref)}.csv")


async def template_workbook(request: Request) -> Response:
    """A workbook to fill in, with choices to pick from and a sheet that explains each column."""
    work = work_of(request)
    ref = f"{request.path_params['app']}.{request.path_params['entity']}"
    return file_response(made_workbook(work, ref), f"{entity_name(work, ref)}.xlsx", XLSX)


async def upload(request: Request) -> Response:
    """Take a file in, make sure that it can be read, and go on to the mapping."""
    declared = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if declared != FORM_TYPE:
        raise refuse("web.media_type", found=declared, wanted=FORM_TYPE)
    work = work_of(request)
    async with request.form(max_files=1, max_fields=2, max_part_size=1000) as form:
        entity, file = form.get("entity"), form.get("file")
        ref = entity if isinstance(entity, str) else ""
        content = await file.read() if isinstance(file, UploadFile) else b""
        name = (file.filename or "") if isinstance(file, UploadFile) else ""
    try:
        if ref not in dict(importable(work)):
            raise refuse("web.form_incomplete", "/entity")
        if not content:
            raise refuse("web.form_incomplete", "/file")
        await in_thread(read_table, content)
        draft = drafts_of(request).add(user_of(request).id, name[:200] or "import.csv", ref, content)
    except Refused as refused:
        return await _page(request, ref, refused)
    return RedirectResponse(f"/import/draft/{draft.id}", 303)


async def _page(request: Request, chosen: str, refused: Refused | None = None) -> Response:
    work, locale = work_of(request), locale_of(request)
    problems = refused.problems if refused else ()

    def read(reader: Reader) -> tuple[list[Run], Mapping[str, str]]:
        found = import_records.list_runs(reader, work)
        return found, names_of(reader, work, [run.actor for run in found])

    runs, names = await host_of(request).db.read(read)
    page = ImportPage(
        title=words(locale)("shell.import"),
        current="import",
        scripts=("drop.js",),
        entities=importable(work),
        chosen=chosen or first_importable(work),
        runs=tuple(_run(request, run, names) for run in runs),
        largest=host_of(request).settings.max_upload_bytes // 1_000_000,
        wrong=wrong_with(problems, locale, ("entity", "file")),
    )
    return render(request, "import.html", page, status=status_of(problems) if refused else 200)


def _run(request: Request, run: Run, names: Mapping[str, str]) -> RunView:
    return RunView(
        run.id,
        run.file_name,
        entity_name(work_of(request), run.entity),
        names.get(run.actor, ""),
        moment(run.started_at, request),
        run.state,
        run.total,
        run.stored,
        run.failed,
    )


ROUTES = (
    Route("/import", show, SIGNED_IN),
    Route("/import/{app}/{entity}/template.csv", template, SIGNED_IN, per_minute=240),
    Route("/import/{app}/{entity}/template.xlsx", template_workbook, SIGNED_IN, per_minute=240),
    Route("/import", upload, SIGNED_IN, ("POST",), upload=True, per_minute=30),
)
