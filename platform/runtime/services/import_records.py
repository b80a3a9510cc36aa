"""Importing a file: in batches that are whole or not there, resumable at every row, nothing silently lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from dacheng.metadata.kinds import Json
from dacheng.metadata.problem import problem, refuse
from dacheng.plugins.context import System
from dacheng.runtime.services import import_source
from dacheng.runtime.services.delimited import safe, unsafe, write_delimited
from dacheng.runtime.services.import_guess import header_shape
from dacheng.runtime.services.import_job_bulk import BulkImportJob
from dacheng.runtime.services.import_mapping import (
    ImportMapping,
    demand_modes,
    parse_mapping,
    suggest_mapping,
)
from dacheng.runtime.services.import_source import Source
from dacheng.runtime.services.import_table import Table
from dacheng.runtime.services.sessions import milliseconds
from dacheng.runtime.services.site import Site
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage import imports
from dacheng.runtime.storage.imports import Run
from dacheng.runtime.storage.reader import Reader

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an import did: rows read = stored + failed; `linked` counts records made for links, by entity, `open` the
    links to rows of the same file that stayed empty."""

    run: str
    state: str
    rows: int
    created: int
    updated: int
    failed: int
    linked: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    open: int = 0

    @property
    def stored(self) -> int:
        """Rows that became or changed a record."""
        return self.created + self.updated


def silent(step: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


def mapping_of(
    work: Work, entity: str, table: Table, raw: Json, *, rules: bool, historic: bool
) -> ImportMapping:
    """The mapping as given, or the one the columns' names suggest; historic mode, and no rules, are for administrators."""
    if raw is None:
        made = replace(suggest_mapping(work, entity, table.header), rules=rules, historic=historic)
        if not made.columns:
            raise refuse("import.nothing_mapped", known=", ".join(table.header))
    else:
        made = parse_mapping(work, entity, table.header, raw, rules=rules, historic=historic)
    demand_modes(work, made)
    return made


def begin(
    site: Site,
    work: Work,
    entity: str,
    source: Source,
    raw: Json = None,
    *,
    rules: bool = True,
    historic: bool = False,
) -> str:
    """Check file and mapping, note the import, keep the file; answers the run's id. No row is stored yet."""
    if not work.entity(entity).may("create"):
        raise refuse("access.not_permitted")
    table = source.read(site)
    mapping = mapping_of(work, entity, table, raw, rules=rules, historic=historic)
    total = table.row_count()
    run = Run(
        id=work.context.new_id(),
        entity=entity,
        actor=work.context.actor.id,
        state=imports.RUNNING,
        file_name=source.name[:200],
        file_hash=source.hash,
        mapping=mapping.json(),
        position=1,
        total=total,
        started_at=milliseconds(work.context.now),
        detail={
            "encoding": table.encoding,
            "delimiter": table.delimiter,
            "sheet": table.sheet,
            "header": header_shape(table.header),
        },
    )
    import_source.keep(site, run.id, source)
    site.db.write_now(lambda tx: imports.put_run(tx, run))
    return run.id


def start(
    site: Site,
    work: Work,
    entity: str,
    source: Source,
    raw: Json = None,
    *,
    rules: bool = True,
    historic: bool = False,
    progress: Progress = silent,
) -> Outcome:
    """Begin and carry through, waiting in this thread."""
    run = begin(site, work, entity, source, raw, rules=rules, historic=historic)
    return go_on(site, work, run, progress)


def go_on(site: Site, work: Work, run_id: str, progress: Progress = silent) -> Outcome:
    """Carry an import through from where it stands: after `begin`, or after the process was stopped."""
    run = demand_run(site, work, run_id)
    if run.state != imports.RUNNING:
        raise refuse("import.not_running", state=run.state)
    source = import_source.kept(site, run)
    if source.hash != run.file_hash:
        raise refuse("import.other_file")
    BulkImportJob(site, work, run, source.read(site), progress).carry_through()
    return outcome(site, work, run_id)


def outcome(site: Site, work: Work, run_id: str) -> Outcome:
    """How an import stands now."""
    run = demand_run(site, work, run_id)
    counts = site.db.read_now(lambda reader: imports.counts(reader, run_id))
    by_outcome: dict[str, int] = {}
    linked: dict[str, int] = {}
    for (what, entity), count in counts.items():
        by_outcome[what] = by_outcome.get(what, 0) + count
        if what == imports.TARGET and entity is not None:
            linked[entity] = count
    return Outcome(
        run_id,
        run.state,
        run.total,
        by_outcome.get(imports.CREATED, 0),
        by_outcome.get(imports.UPDATED, 0),
        by_outcome.get(imports.FAILED, 0),
        MappingProxyType(linked),
        int((run.detail or {}).get("open", 0)),
    )


def cancel(site: Site, work: Work, run_id: str) -> None:
    """Stop an import after the batch it is in; what is stored stays until it is undone."""
    run = demand_run(site, work, run_id)
    if run.state != imports.RUNNING:
        raise refuse("import.not_running", state=run.state)
    now = milliseconds(work.context.now)
    site.db.write_now(lambda tx: imports.set_state(tx, run_id, imports.CANCELLED, now))


def list_runs(reader: Reader, work: Work) -> list[Run]:
    """The latest imports the actor may see: their own, or all for administrators."""
    return imports.runs(reader, actor=None if _may_see_all(work) else work.context.actor.id)


def demand_run(site: Site, work: Work, run_id: str) -> Run:
    """An import the actor may see, or `import.unknown_run`."""
    run = site.db.read_now(lambda reader: imports.get_run(reader, run_id))
    if run is None or not _may_see(work, run):
        raise refuse("import.unknown_run")
    return run


def _may_see(work: Work, run: Run) -> bool:
    return _may_see_all(work) or run.actor == work.context.actor.id


def _may_see_all(work: Work) -> bool:
    return isinstance(work.context.actor, System) or work.policy.admin


def error_file(site: Site, work: Work, run_id: str) -> Iterator[str]:
    """Lines of a CSV with the rows that were not stored: their own columns, their row number, the reasons."""
    run = demand_run(site, work, run_id)
    source = import_source.kept(site, run)
    header = source.read(site).header
    failed = site.db.read_now(lambda reader: list(imports.rows(reader, run_id, imports.FAILED)))
    locale, names = work.context.locale, _names(work, run.entity)
    heading = ("行", "原因") if locale.startswith("zh") else ("row", "problem")

    def rows() -> Iterator[list[str]]:
        yield [safe(name) for name in (*header, *heading)]
        for each in failed:
            why = ("；" if locale.startswith("zh") else "; ").join(
                _reason(given, names, locale) for given in each.problems or ()
            )
            cells = [safe(unsafe(cell)) for cell in each.original or ()]
            yield [*cells[: len(header)], str(each.line), safe(why)]

    return write_delimited(rows())


def _names(work: Work, ref: str) -> Mapping[str, str]:
    """The fields the reader may see, as they are called in the reader's language."""
    policy, locale = work.policy.entity(ref), work.context.locale
    fields = policy.readable if policy is not None else {}
    return {name: work.model.labels.field(locale, each) for name, each in fields.items()}


def _reason(given: Mapping[str, Any], names: Mapping[str, str], locale: str) -> str:
    name = names.get(str(given["pointer"]).strip("/").split("/")[0])
    text = problem(given["code"], **given["params"]).message_in(locale)
    colon = "：" if locale.startswith("zh") else ": "
    return f"{name}{colon}{text}" if name else text
