"""Exporting records as CSV: what the asker may read, written so that no spreadsheet runs it and import takes it back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from dacheng.metadata.definition import Field
from dacheng.metadata.kinds import Json, Primitive, Spoken
from dacheng.metadata.problem import refuse
from dacheng.runtime.services import read_records
from dacheng.runtime.services.delimited import safe, write_delimited
from dacheng.runtime.services.gate import OutColumn, Query
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.site import Site
from dacheng.runtime.services.work import Work

PAGE = 200
TEXTUAL = frozenset({Primitive.TEXT, Primitive.JSON})  # what a spreadsheet could take for a formula


@dataclass(frozen=True, slots=True)
class Export:
    """What to export: `fields` empty means everything that may be read; `headings` is `labels` or `ids`.

    With ids, choices too are written by id.
    """

    entity: str
    fields: tuple[str, ...] = ()
    filter: Json = None
    headings: str = "labels"
    sort: tuple[str, ...] = ()
    search: str = ""


def export(site: Site, work: Work, wanted: Export) -> Iterator[str]:
    """Lines of CSV with a heading, read page by page; refused at once without the right to export."""
    policy = work.entity(wanted.entity)
    if not policy.export and not work.policy.admin:
        raise refuse("access.export_not_permitted")
    names = wanted.fields or _all(policy)
    columns = tuple(_column(work, policy, name) for name in names)
    first = _page(site, work, wanted, columns, None)
    return write_delimited(_rows(site, work, wanted, columns, first))


def _rows(
    site: Site,
    work: Work,
    wanted: Export,
    columns: Sequence[str],
    page: read_records.ListPage,
) -> Iterator[Sequence[str]]:
    shown = page.columns
    yield _headings(work, wanted, shown)
    writers = [_writer(work, each.field, wanted.headings == "ids") for each in shown]
    while True:
        for row in page.rows:
            yield [write(row[each.start : each.stop]) for each, write in zip(shown, writers, strict=True)]
        if page.next is None:
            return
        page = _page(site, work, wanted, columns, page.next)


def _page(
    site: Site, work: Work, wanted: Export, columns: tuple[str, ...] | Sequence[str], cursor: str | None
) -> read_records.ListPage:
    asked = Query(
        wanted.entity,
        tuple(columns),
        wanted.filter,
        wanted.sort,
        wanted.search,
        limit=PAGE,
        cursor=cursor,
    )
    return site.db.read_now(lambda reader: read_records.list_page(reader, work, asked))


def _all(policy: EntityPolicy) -> tuple[str, ...]:
    return tuple(
        name
        for name, each in policy.readable.items()
        if not each.is_lines and not each.derived and (not each.system or name == "owner")
    )


def _column(work: Work, policy: EntityPolicy, name: str) -> str:
    """A field as a path: links lead on to the title of what they link to, where that may be read."""
    found = policy.readable.get(name)
    if found is None or not found.is_link:
        return name
    target = work.policy.entity(found.to or "")
    return f"{name}.{target.title.id}" if target is not None and target.title is not None else name


def _headings(work: Work, wanted: Export, columns: Sequence[OutColumn]) -> list[str]:
    """Names of the first step of each path; two fields of one label are told apart by their ids."""
    fields = work.entity(wanted.entity).entity.fields
    first = [fields[each.name.split(".", 1)[0]] for each in columns]
    if wanted.headings == "ids":
        return [each.id for each in first]
    texts = [work.model.labels.field(work.context.locale, each) for each in first]
    return [
        safe(text if texts.count(text) == 1 else each.id) for text, each in zip(texts, first, strict=True)
    ]


def _writer(work: Work, field: Field, by_id: bool) -> Callable[[Sequence[Any]], str]:
    load, write = field.codec.load, field.codec.text
    if isinstance(field.codec, Spoken) and not by_id:
        say, spoken_in = field.codec.text_in, work.context.locale
        return lambda stored: safe(say(load(stored), spoken_in))
    if field.options and not by_id:
        labels, locale = work.model.labels, work.context.locale
        names = {each.id: labels.option(locale, field, each.id) for each in field.options}
        return lambda stored: safe(names.get(stored[0], stored[0] or ""))
    if field.codec.columns[0].primitive not in TEXTUAL:
        return lambda stored: write(load(stored))
    return lambda stored: safe(write(load(stored)))
