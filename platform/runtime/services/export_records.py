"""Exporting records: what the asker may read, as CSV, workbook or JSON, so that no spreadsheet runs it and import takes it back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from dacheng.metadata.definition import Field
from dacheng.metadata.expression import Expression
from dacheng.metadata.field_kinds.text_list import items_of, joined, written
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
Words = Callable[[Sequence[Any]], str]
Heard = Callable[[int], None]  # how many rows have been read so far


@dataclass(frozen=True, slots=True)
class Export:
    """What to export: `fields` (names or paths) empty means everything that may be read; `headings` is `labels` or `ids`.

    With ids, choices too are written by id. `extra` are conditions of definitions, already checked.
    """

    entity: str
    fields: tuple[str, ...] = ()
    filter: Json = None
    headings: str = "labels"
    sort: tuple[str, ...] = ()
    search: str = ""
    extra: tuple[Expression, ...] = ()

    @property
    def by_id(self) -> bool:
        """Whether fields and choices are named by their ids."""
        return self.headings == "ids"


@dataclass(frozen=True, slots=True)
class Extract:
    """What was found: a heading per column, and per record its id and the stored values of each column."""

    headings: tuple[str, ...]
    columns: tuple[OutColumn, ...]
    rows: Iterator[tuple[str, list[Sequence[Any]]]]


def silent(rows: int) -> None:
    """Nobody asks how far the export is."""


def export(site: Site, work: Work, wanted: Export, heard: Heard = silent) -> Iterator[str]:
    """Lines of CSV with a heading, read page by page; refused at once without the right to export."""
    found = extract(site, work, wanted, heard)
    writers = [_guarded(work, each.field, wanted.by_id) for each in found.columns]

    def rows() -> Iterator[Sequence[str]]:
        yield [safe(each) for each in found.headings]
        for _, stored in found.rows:
            yield [write(each) for each, write in zip(stored, writers, strict=True)]

    return write_delimited(rows())


def extract(site: Site, work: Work, wanted: Export, heard: Heard = silent) -> Extract:
    """The records wanted, page by page; refused at once without the right to export."""
    policy = demand_export(work, wanted.entity)
    names = wanted.fields or _all(policy)
    paths = tuple(dict.fromkeys(_column(work, policy, name) for name in names))
    first = _page(site, work, wanted, paths, None)
    rows = _rows(site, work, wanted, paths, first, heard)
    return Extract(tuple(_headings(work, wanted, first.columns)), first.columns, rows)


def demand_export(work: Work, entity: str) -> EntityPolicy:
    """What may be read of an entity, refused without the right to export it."""
    policy = work.entity(entity)
    if not policy.export and not work.policy.admin:
        raise refuse("access.export_not_permitted")
    return policy


def words_of(work: Work, field: Field, *, by_id: bool) -> Words:
    """What makes people's words of a stored value: labels of options, words of a language, the codec's text."""
    load, write = field.codec.load, field.codec.text
    if field.is_links:
        return lambda stored: joined(str(each) for each in items_of(stored[0]))
    if isinstance(field.codec, Spoken) and not by_id:
        say, spoken_in = field.codec.text_in, work.context.locale
        return lambda stored: say(load(stored), spoken_in)
    if field.options and not by_id:
        return _option_words(work, field)
    return lambda stored: write(load(stored))


def _option_words(work: Work, field: Field) -> Words:
    """The label of the option, or of each where the value is several."""
    labels, locale, load = work.model.labels, work.context.locale, field.codec.load
    names = {each.id: labels.option(locale, field, each.id) for each in field.options}

    def say(stored: Sequence[Any]) -> str:
        value = load(stored)
        if value is None or isinstance(value, str):
            return names.get(value or "", value or "")
        return joined(names.get(each, each) for each in value)

    return say


def _guarded(work: Work, field: Field, by_id: bool) -> Words:
    """The words as a cell of CSV: what a spreadsheet could take for a formula is marked."""
    words = words_of(work, field, by_id=by_id)
    spoken = isinstance(field.codec, Spoken) and not by_id
    if field.codec.columns[0].primitive not in TEXTUAL and not spoken:
        return words
    return lambda stored: safe(words(stored))


def _rows(
    site: Site, work: Work, wanted: Export, paths: tuple[str, ...], page: read_records.ListPage, heard: Heard
) -> Iterator[tuple[str, list[Sequence[Any]]]]:
    """Every page is read with the rights of then: who loses them, or what is read, gets no whole file."""
    taken, read = [_taking(each) for each in page.columns], 0
    while True:
        for record, row in zip(page.ids, page.rows, strict=True):
            yield record, [take(row) for take in taken]
        read += len(page.ids)
        heard(read)
        if page.next is None:
            return
        work = site.renew(work)
        demand_export(work, wanted.entity)
        page = _page(site, work, wanted, paths, page.next)


def _taking(column: OutColumn) -> Callable[[Sequence[Any]], Sequence[Any]]:
    """What takes a column's stored values from a row; of a field of links the titles, where they may be read."""
    ids, titles = column.start, column.title
    if not column.field.is_links or titles < 0:
        return lambda row: row[column.start : column.stop]
    return lambda row: (_named(row[ids], row[titles]),)


def _named(ids: str | None, titles: str | None) -> str | None:
    """A list of titles, where a record has none its id."""
    if titles is None or "null" not in titles:
        return titles
    named = zip(items_of(ids), items_of(titles), strict=True)
    return written(title if title is not None else ident for ident, title in named)


def _page(
    site: Site, work: Work, wanted: Export, paths: tuple[str, ...], cursor: str | None
) -> read_records.ListPage:
    asked = Query(
        wanted.entity,
        paths,
        wanted.filter,
        wanted.sort,
        wanted.search,
        limit=PAGE,
        cursor=cursor,
        extra=wanted.extra,
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
    """The label of each field, a link's where its title stands for it; two of one label are told apart by their names."""
    texts = [_heading(work, each, wanted.by_id) for each in columns]
    return [
        text if texts.count(text) == 1 else each.name.removesuffix(_title_step(work, each))
        for text, each in zip(texts, columns, strict=True)
    ]


def _heading(work: Work, column: OutColumn, by_id: bool) -> str:
    if by_id:
        return column.name.removesuffix(_title_step(work, column))
    path = column.path[:-1] if _title_step(work, column) else column.path
    return " · ".join(work.model.labels.field(work.context.locale, each) for each in path)


def _title_step(work: Work, column: OutColumn) -> str:
    """The last step of a path from a link to its title, with its dot; empty where it leads elsewhere."""
    if len(column.path) < 2:
        return ""
    target = work.policy.entity(column.path[-2].to or "")
    titled = target is not None and target.title is not None and target.title.id == column.field.id
    return f".{column.field.id}" if titled else ""
