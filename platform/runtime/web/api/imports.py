"""Imports: a file goes up, is looked at through a mapping, starts, is watched, and can be taken out again."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from dacheng.metadata.expression.moments import format_instant
from dacheng.metadata.problem import refuse
from dacheng.runtime.host import Host
from dacheng.runtime.services import (
    import_preview,
    import_records,
    import_template,
    import_workbook_template,
    undo_import,
)
from dacheng.runtime.services.delimited import DELIMITERS, ENCODINGS
from dacheng.runtime.services.import_guess import guess_mapping
from dacheng.runtime.services.import_mapping import fillable
from dacheng.runtime.services.import_records import Outcome
from dacheng.runtime.services.import_table import Table, read_table
from dacheng.runtime.services.work import Work
from dacheng.runtime.services.workbook import WORKBOOK
from dacheng.runtime.storage.imports import Run
from dacheng.runtime.web.api.bodies import LARGE, Body
from dacheng.runtime.web.api.jobs import JOB, begin
from dacheng.runtime.web.api.operation import (
    BYTES,
    CSV,
    MOMENT,
    NUMBER,
    TEXT,
    Json,
    Operation,
    by_name,
    items,
    list_of,
    shape,
)
from dacheng.runtime.web.api.read import answer
from dacheng.runtime.web.api.requests import entity_ref
from dacheng.runtime.web.download import XLSX, csv_response, file_response
from dacheng.runtime.web.import_drafts import Draft
from dacheng.runtime.web.importing import carry_through, drafts_of, importable, is_going, source_of
from dacheng.runtime.web.jobs import Progress
from dacheng.runtime.web.render import locale_of
from dacheng.runtime.web.routing import SIGNED_IN, host_of, in_thread, user_of, work_of
from dacheng.runtime.web.words import words

SAMPLES: Final = 5
MAPPING_BODY: Final = Body(
    {
        "mapping": {"type": "object"},
        "encoding": {"enum": ["", WORKBOOK, *ENCODINGS]},
        "delimiter": {"enum": ["", *DELIMITERS]},
        "sheet": {"type": "string", "maxLength": 100},
    },
    largest=LARGE,
)
FILE_SHAPE: Final = shape(
    id=TEXT,
    entity=TEXT,
    name=TEXT,
    encoding=TEXT,
    delimiter=TEXT,
    sheet=TEXT,
    sheets=list_of(TEXT),
    header=list_of(TEXT),
    sample=list_of(list_of(TEXT)),
    fields=list_of(TEXT),
    mapping={"type": "object"},
)
PREVIEW_SHAPE: Final = shape(
    encoding=TEXT,
    delimiter=TEXT,
    header=list_of(TEXT),
    mapping={"type": "object"},
    rows=NUMBER,
    creates=NUMBER,
    updates=NUMBER,
    unchanged=NUMBER,
    failing=NUMBER,
    to_create=by_name(NUMBER),
    changes=list_of(shape(row=NUMBER, record=TEXT, field=TEXT, before=TEXT, after=TEXT)),
    misfits=list_of(shape(field=TEXT, text=TEXT, rows=NUMBER)),
    problems=list_of(shape(row=NUMBER, code=TEXT, pointer=TEXT, message=TEXT)),
)
RUN_SHAPE: Final = shape(
    id=TEXT,
    entity=TEXT,
    file=TEXT,
    state={"enum": ["running", "done", "cancelled", "undone"]},
    rows=NUMBER,
    stored=NUMBER,
    failed=NUMBER,
    started_at=MOMENT,
    finished_at=MOMENT,
)
OUTCOME_SHAPE: Final = {
    "allOf": [RUN_SHAPE, shape(created=NUMBER, updated=NUMBER, open=NUMBER, linked=by_name(NUMBER))]
}


# ---------------------------------------------------------------- the file
async def template(request: Request) -> Response:
    """A CSV file to fill in: one row of headings, in the words of the language asked for, of what one may fill."""
    work, ref = work_of(request), entity_ref(request)
    return csv_response(import_template.template(work, ref), f"{ref}.csv")


async def template_workbook(request: Request) -> Response:
    """A workbook to fill in, with choices to pick from, required columns marked and a sheet that explains each."""
    work, ref = work_of(request), entity_ref(request)
    return file_response(import_workbook_template.template_workbook(work, ref), f"{ref}.xlsx", XLSX)


async def upload(request: Request) -> Response:
    """Take a CSV file or a workbook in: its bytes are the body, `entity` says what its rows are, `name` what it is called."""
    declared = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if declared not in (CSV, XLSX):
        raise refuse("web.media_type", found=declared, wanted=f"{CSV}, {XLSX}")
    work, ref = work_of(request), request.query_params.get("entity", "")
    if ref not in dict(importable(work)):
        raise refuse("web.form_incomplete", "/entity")
    content = await request.body()
    if not content:
        raise refuse("web.form_incomplete")
    await in_thread(read_table, content)
    name = request.query_params.get("name", "")[:200] or "import.csv"
    draft = await in_thread(drafts_of(request).add, user_of(request).id, name, ref, content)
    response = answer(await _file(request, draft), 201)
    response.headers["location"] = f"/api/v1/imports/files/{draft.id}"
    return response


async def show_file(request: Request) -> Response:
    """One's own uploaded file: columns, first rows, the fields it may fill, the mapping its columns suggest."""
    return answer(await _file(request, _draft(request)))


async def drop_file(request: Request) -> Response:
    """Give an uploaded file up before its import began."""
    drafts_of(request).drop(_draft(request))
    return Response(status_code=204)


async def preview(request: Request) -> Response:
    """What the import would do: counts, what it would create for links, the first rows that cannot be stored."""
    draft, mapping = await _mapped(request)
    host, work, source = host_of(request), work_of(request), source_of(request, draft)
    found = await in_thread(import_preview.preview, host, work, draft.entity, source, mapping)
    return answer(found.json(locale_of(request)))


async def start(request: Request) -> Response:
    """Begin the import; 202 with the run, whose address says how far it is. Its file is no draft any more."""
    draft, mapping = await _mapped(request)
    host, work, source = host_of(request), work_of(request), source_of(request, draft)
    run = await in_thread(import_records.begin, host, work, draft.entity, source, mapping)
    drafts_of(request).drop(draft)
    carry_through(request, run)
    response = answer(await in_thread(_look, host, work, run), 202)
    response.headers["location"] = f"/api/v1/imports/{run}"
    return response


# ---------------------------------------------------------------- the run
async def list_runs(request: Request) -> Response:
    """One's own imports, everybody's for administrators."""
    work = work_of(request)
    found = await host_of(request).db.read(lambda reader: import_records.list_runs(reader, work))
    return answer({"items": [_run(each) for each in found]})


async def show_run(request: Request) -> Response:
    """An import as it stands now; rows = stored + failed once it is done."""
    return answer(await in_thread(_look, host_of(request), work_of(request), request.path_params["id"]))


async def errors(request: Request) -> Response:
    """The rows that were not stored, with the reasons, as CSV."""
    host, work, identity = host_of(request), work_of(request), request.path_params["id"]
    run = await in_thread(import_records.demand_run, host, work, identity)
    lines = await in_thread(import_records.error_file, host, work, identity)
    return csv_response(lines, f"{run.file_name.removesuffix('.csv')}.errors.csv")


async def go_on(request: Request) -> Response:
    """Go on with an import that was interrupted."""
    host, work, identity = host_of(request), work_of(request), request.path_params["id"]
    run = await in_thread(import_records.demand_run, host, work, identity)
    if run.state != "running":
        raise refuse("import.not_running", state=run.state)
    if not is_going(request, identity):
        carry_through(request, identity)
    return answer(await in_thread(_look, host, work, identity), 202)


async def cancel(request: Request) -> Response:
    """Stop an import after the rows it is at."""
    host, work, identity = host_of(request), work_of(request), request.path_params["id"]
    await in_thread(import_records.cancel, host, work, identity)
    return answer(await in_thread(_look, host, work, identity))


async def undo(request: Request) -> Response:
    """Take every record of the import out again as a job, as far as nobody edited it since."""
    host, work, identity = host_of(request), work_of(request), request.path_params["id"]
    await in_thread(import_records.demand_run, host, work, identity)

    def work_off(progress: Progress) -> dict[str, int]:
        found = undo_import.undo(host, work, identity, progress)
        return {"reversed": found.reversed, "kept": found.kept, "failed": found.failed}

    return begin(request, words(locale_of(request))("importing.undoing"), f"/import/{identity}", work_off)


# ---------------------------------------------------------------- both
def _draft(request: Request) -> Draft:
    return drafts_of(request).get(request.path_params["id"], user_of(request).id)


async def _mapped(request: Request) -> tuple[Draft, Json | None]:
    """The draft read as the body asks, and its mapping; None: the one its columns suggest."""
    body = await MAPPING_BODY.read(request)
    read_as = {key: body.get(key, "") for key in ("encoding", "delimiter", "sheet")}
    draft = replace(_draft(request), **read_as)
    return draft, body.get("mapping")


async def _file(request: Request, draft: Draft) -> dict[str, Any]:
    host, work = host_of(request), work_of(request)
    work.entity(draft.entity)

    def read() -> tuple[Table, list[list[str]]]:
        table = source_of(request, draft).read(host)
        return table, [list(cells) for _, cells in islice(table.rows(), SAMPLES)]

    table, sample = await in_thread(read)
    guess = await host.db.read(lambda reader: guess_mapping(reader, work, draft.entity, table))
    return {
        "id": draft.id,
        "entity": draft.entity,
        "name": draft.name,
        "encoding": table.encoding,
        "delimiter": table.delimiter,
        "sheet": table.sheet,
        "sheets": list(table.sheets),
        "header": list(table.header),
        "sample": sample,
        "fields": [*fillable(work, draft.entity, historic=False)],
        "mapping": guess.json(),
    }


def _look(host: Host, work: Work, identity: str) -> dict[str, Any]:
    run = import_records.demand_run(host, work, identity)
    found: Outcome = import_records.outcome(host, work, identity)
    counted = {
        "created": found.created,
        "updated": found.updated,
        "failed": found.failed,
        "open": found.open,
    }
    return _run(run) | counted | {"stored": found.stored, "linked": dict(found.linked)}


def _run(run: Run) -> dict[str, Any]:
    return {
        "id": run.id,
        "entity": run.entity,
        "file": run.file_name,
        "state": run.state,
        "rows": run.total,
        "stored": run.stored,
        "failed": run.failed,
        "started_at": format_instant(run.started_at),
        "finished_at": None if run.finished_at is None else format_instant(run.finished_at),
    }


_ALL = "/api/v1/imports"
_TEMPLATE = _ALL + "/templates/{app}/{entity}"
_FILE, _RUN = _ALL + "/files/{id}", _ALL + "/{id}"
_NEEDED: Json = {**TEXT, "x-required": True}
OPERATIONS: Final = (
    Operation("GET", _TEMPLATE, template, "import_template", TEXT, SIGNED_IN, gives=CSV, per_minute=240),
    Operation(
        "GET",
        _TEMPLATE + "/workbook",
        template_workbook,
        "import_template_workbook",
        BYTES,
        SIGNED_IN,
        gives=XLSX,
        per_minute=60,
    ),
    Operation(
        "POST",
        _ALL + "/files",
        upload,
        "upload_import",
        FILE_SHAPE,
        SIGNED_IN,
        status=201,
        query=(("entity", _NEEDED), ("name", TEXT)),
        file=True,
        per_minute=30,
    ),
    Operation("GET", _FILE, show_file, "show_import_file", FILE_SHAPE, SIGNED_IN),
    Operation("DELETE", _FILE, drop_file, "drop_import_file", {}, SIGNED_IN, status=204),
    Operation(
        "POST",
        _FILE + "/preview",
        preview,
        "preview_import",
        PREVIEW_SHAPE,
        SIGNED_IN,
        body=MAPPING_BODY,
        per_minute=60,
    ),
    Operation(
        "POST",
        _FILE + "/start",
        start,
        "start_import",
        OUTCOME_SHAPE,
        SIGNED_IN,
        body=MAPPING_BODY,
        status=202,
        per_minute=60,
    ),
    Operation("GET", _ALL, list_runs, "list_imports", items(RUN_SHAPE), SIGNED_IN),
    Operation("GET", _RUN, show_run, "show_import", OUTCOME_SHAPE, SIGNED_IN),
    Operation("GET", _RUN + "/errors", errors, "import_errors", TEXT, SIGNED_IN, gives=CSV),
    Operation("POST", _RUN + "/go-on", go_on, "go_on_import", OUTCOME_SHAPE, SIGNED_IN, status=202),
    Operation("POST", _RUN + "/cancel", cancel, "cancel_import", OUTCOME_SHAPE, SIGNED_IN),
    Operation("POST", _RUN + "/undo", undo, "undo_import", JOB, SIGNED_IN, status=202),
)
