"""What an import would do, as its page shows it before anything happens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from dacheng.runtime.services import import_preview
from dacheng.runtime.services.import_preview import Preview, RowProblem
from dacheng.runtime.services.import_source import Source
from dacheng.runtime.services.work import Work
from dacheng.runtime.web.routing import host_of, in_thread, work_of

SAMPLES = 8


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
class Preflight:
    """The counts, what would be added for links, and the first rows with problems."""

    rows: int
    creates: int
    updates: int
    failing: int
    made: tuple[Made, ...]
    lines: tuple[RowLine, ...]


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
        found.updates,
        found.failing,
        tuple(Made(name(ref), len(texts), tuple(texts[:SAMPLES])) for ref, texts in found.to_create.items()),
        tuple(_line(work, entity, each) for each in found.problems),
    )


def _line(work: Work, entity: str, each: RowProblem) -> RowLine:
    locale = work.context.locale
    name = each.problem.pointer.strip("/").split("/")[0]
    field = work.entity(entity).readable.get(name)
    label = work.model.labels.field(locale, field) if field is not None else ""
    return RowLine(each.row, label, each.problem.message_in(locale))
