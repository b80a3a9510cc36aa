"""What an import would do, as its page shows it before anything happens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from dacheng.runtime.services import import_preview
from dacheng.runtime.services.import_changes import Change
from dacheng.runtime.services.import_preview import Misfit, Preview, RowProblem
from dacheng.runtime.services.import_source import Source
from dacheng.runtime.services.work import Work
from dacheng.runtime.web.routing import host_of, in_thread, work_of
from dacheng.runtime.web.words import words

SAMPLES = 8
EMPTIED = "-"  # stands for leaving a value empty; no option is called so


@dataclass(frozen=True, slots=True)
class Made:
    """Records that would be added because a link asks for them."""

    entity: str
    count: int
    samples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RowLine:
    """One row that would not be stored, with the field and the reason."""

    row: int
    field: str
    text: str


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """One value that would change, with the record's address."""

    row: int
    href: str
    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class MisfitLine:
    """A text that does not fit its field, in how many rows, and what may be chosen instead."""

    name: str  # of the form's controls: field and number
    field: str
    text: str
    rows: int
    choices: tuple[tuple[str, str], ...]
    typed: bool


@dataclass(frozen=True, slots=True)
class Preflight:
    """The counts, what would be added for links, and the first rows with problems."""

    rows: int
    creates: int
    changed: int
    unchanged: int
    failing: int
    made: tuple[Made, ...]
    lines: tuple[RowLine, ...]
    changes: tuple[ChangeLine, ...] = ()
    misfits: tuple[MisfitLine, ...] = ()


async def preflight(request: Request, entity: str, source: Source, mapping: Mapping[str, Any]) -> Preflight:
    """Read the whole file with the mapping; raises `Refused` where the mapping itself is wrong."""
    work = work_of(request)
    found = await in_thread(import_preview.preview, host_of(request), work, entity, source, dict(mapping))
    return _shown(work, entity, found)


def _shown(work: Work, entity: str, found: Preview) -> Preflight:
    labels, locale = work.model.labels, work.context.locale

    def name(ref: str) -> str:
        policy = work.policy.entity(ref)
        return labels.entity(locale, policy.entity, "plural") if policy is not None else ref

    return Preflight(
        found.rows,
        found.creates,
        found.updates - found.unchanged,
        found.unchanged,
        found.failing,
        tuple(Made(name(ref), len(texts), tuple(texts[:SAMPLES])) for ref, texts in found.to_create.items()),
        tuple(_line(work, entity, each) for each in found.problems),
        tuple(_change(work, entity, each) for each in found.changes),
        tuple(_misfit(work, entity, at, each) for at, each in enumerate(found.misfits)),
    )


def _change(work: Work, entity: str, each: Change) -> ChangeLine:
    href = f"/apps/{entity.replace('.', '/')}/{each.record}"
    return ChangeLine(each.row, href, _label(work, entity, each.field), each.before, each.after)


def _misfit(work: Work, entity: str, at: int, each: Misfit) -> MisfitLine:
    locale = work.context.locale
    say, field = words(locale), work.entity(entity).entity.fields[each.field]
    options = tuple(
        (one.id, work.model.labels.option(locale, field, one.id)) for one in field.options if not one.archived
    )
    choices = (("", say("importing.misfit_keep")), (EMPTIED, say("importing.misfit_empty")), *options)
    label = _label(work, entity, each.field)
    return MisfitLine(f"{each.field}.{at}", label, each.text, each.rows, choices, not options)


def _label(work: Work, entity: str, name: str) -> str:
    field = work.entity(entity).readable.get(name)
    return work.model.labels.field(work.context.locale, field) if field is not None else ""


def _line(work: Work, entity: str, each: RowProblem) -> RowLine:
    locale = work.context.locale
    name = each.problem.pointer.strip("/").split("/")[0]
    return RowLine(each.row, _label(work, entity, name), each.problem.message_in(locale))
