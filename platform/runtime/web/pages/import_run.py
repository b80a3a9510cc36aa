"""Import, last step: how far it is, what became of the rows, the error file, and taking it all out again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dacheng.runtime.host import Host
from dacheng.runtime.services import import_records, read_records, undo_import
from dacheng.runtime.services.import_records import Outcome
from dacheng.runtime.services.undo_import import Left
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage import imports
from dacheng.runtime.storage.imports import Run
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.web.download import csv_response
from dacheng.runtime.web.form_body import read_form
from dacheng.runtime.web.importing import carry_through, is_going, pace
from dacheng.runtime.web.jobs import Progress
from dacheng.runtime.web.page import Link, Page
from dacheng.runtime.web.pages.import_wizard import entity_name
from dacheng.runtime.web.pages.progress import begin
from dacheng.runtime.web.pages.settings import moment
from dacheng.runtime.web.render import flash, locale_of, render
from dacheng.runtime.web.routing import SIGNED_IN, Route, host_of, in_thread, work_of
from dacheng.runtime.web.words import words


@dataclass(frozen=True, slots=True)
class LeftLine:
    """A record that undoing left as it is: its title and address where it may be seen, and why."""

    kept: bool
    title: str
    href: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPage(Page):
    """One import: running with a bar, or finished with its figures; rows = stored + failed."""

    run: str
    state: str
    file: str
    entity: str
    list: str
    when: str
    done: int
    outcome: Outcome
    linked: tuple[tuple[str, int], ...]
    stopped: bool
    pace: tuple[int, int] | None
    left: tuple[LeftLine, ...]
    open: tuple[LeftLine, ...]


async def show(request: Request) -> Response:
    """The import as it stands now."""
    host, work, identity = host_of(request), work_of(request), request.path_params["id"]
    going = is_going(request, identity)  # asked first: one that ends while it is looked at has not stopped
    run, outcome = await in_thread(_look, host, work, identity)
    locale = locale_of(request)
    left = await host.db.read(lambda reader: _left(reader, work, undo_import.left_by(run)))
    open_ones = await host.db.read(lambda reader: _left(reader, work, undo_import.open_links(run)))
    running = run.state == imports.RUNNING
    page = RunPage(
        title=words(locale)("importing.run_title", file=run.file_name),
        current="import",
        crumbs=(Link(words(locale)("shell.import"), "/import"),),
        back="/import",
        scripts=("progress.js",) if running else (),
        run=run.id,
        state=run.state,
        file=run.file_name,
        entity=entity_name(work, run.entity),
        list=f"/apps/{run.entity.replace('.', '/')}" if work.policy.entity(run.entity) else "",
        when=moment(run.started_at, request),
        done=run.stored + run.failed,
        outcome=outcome,
        linked=tuple((entity_name(work, ref), count) for ref, count in outcome.linked.items()),
        stopped=running and not going and host.settings.workers == 1,
        pace=pace(request, run.id, run.total) if running else None,
        left=left,
        open=open_ones if run.state == imports.DONE else (),
    )
    return render(request, "import_run.html", page)


async def go_on(request: Request) -> Response:
    """Go on with an import that was interrupted."""
    await read_form(request)
    identity = request.path_params["id"]
    await in_thread(import_records.demand_run, host_of(request), work_of(request), identity)
    if not is_going(request, identity):
        carry_through(request, identity)
    return RedirectResponse(f"/import/{identity}", 303)


async def cancel(request: Request) -> Response:
    """Stop an import after the rows it is at."""
    await read_form(request)
    identity = request.path_params["id"]
    await in_thread(import_records.cancel, host_of(request), work_of(request), identity)
    return RedirectResponse(f"/import/{identity}", 303)


async def errors(request: Request) -> Response:
    """The rows that were not stored, with the reasons, as CSV."""
    host, work, identity = host_of(request), work_of(request), request.path_params["id"]
    run = await in_thread(import_records.demand_run, host, work, identity)
    lines = await in_thread(import_records.error_file, host, work, identity)
    return csv_response(lines, f"{run.file_name.removesuffix('.csv').removesuffix('.xlsx')}.errors.csv")


async def undo(request: Request) -> Response:
    """Take every record of the import out again, as far as nobody edited it since."""
    await read_form(request)
    host, work, identity = host_of(request), work_of(request), request.path_params["id"]
    await in_thread(import_records.demand_run, host, work, identity)

    def work_off(progress: Progress) -> dict[str, int]:
        found = undo_import.undo(host, work, identity, progress)
        return {"reversed": found.reversed, "kept": found.kept, "failed": found.failed}

    title = words(locale_of(request))("importing.undoing")
    return begin(request, title, f"/import/{identity}/undone?job={{job}}", f"/import/{identity}", work_off)


async def undone(request: Request) -> Response:
    """Say what undoing did, once, on the import's own page."""
    from_job = request.app.state.jobs.get(
        request.query_params.get("job", ""), work_of(request).context.actor.id
    )
    response = RedirectResponse(f"/import/{request.path_params['id']}", 303)
    result: Mapping[str, int] = from_job.result
    figures = {name: str(result.get(name, 0)) for name in ("reversed", "kept", "failed")}
    flash(response, "importing.undone", tone="good" if not result.get("failed") else "watch", **figures)
    return response


def _left(reader: Reader, work: Work, found: Sequence[Left]) -> tuple[LeftLine, ...]:
    ids: dict[str, list[str]] = {}
    for each in found:
        ids.setdefault(each.entity, []).append(each.record)
    titles = {ref: read_records.titles(reader, work, ref, records) for ref, records in ids.items()}
    return tuple(_left_line(work, each, titles[each.entity]) for each in found)


def _left_line(work: Work, each: Left, titles: Mapping[str, str]) -> LeftLine:
    seen = each.record in titles
    href = f"/apps/{each.entity.replace('.', '/')}/{each.record}" if seen else ""
    return LeftLine(
        each.kept, titles.get(each.record) or "…", href, each.reason.message_in(work.context.locale)
    )


def _look(host: Host, work: Work, identity: str) -> tuple[Run, Outcome]:
    run = import_records.demand_run(host, work, identity)
    return run, import_records.outcome(host, work, identity)


ROUTES = (
    Route("/import/{id}", show, SIGNED_IN),
    Route("/import/{id}/errors.csv", errors, SIGNED_IN),
    Route("/import/{id}/go-on", go_on, SIGNED_IN, ("POST",)),
    Route("/import/{id}/cancel", cancel, SIGNED_IN, ("POST",)),
    Route("/import/{id}/undo", undo, SIGNED_IN, ("POST",)),
    Route("/import/{id}/undone", undone, SIGNED_IN),
)
