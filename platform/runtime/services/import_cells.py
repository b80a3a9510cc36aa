"""Cells of a file become JSON values: replaced, parsed by the field's own codec, options found by any name."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dacheng.metadata.definition import Field
from dacheng.metadata.kinds import Json
from dacheng.metadata.problem import Problem, Refused, problem
from dacheng.runtime.services.delimited import unsafe
from dacheng.runtime.services.import_mapping import ColumnMap, ImportMapping
from dacheng.runtime.services.work import Work

Reading = Callable[[str], Json]
REMEMBERED = 5_000


@dataclass(frozen=True, slots=True)
class Draft:
    """One row on its way: JSON values, texts of links still to be found, and what is wrong with it."""

    row: int
    cells: tuple[str, ...]
    values: dict[str, Json]
    links: dict[str, str]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class _Column:
    map: ColumnMap
    position: int
    read: Reading
    is_link: bool


class Cells:
    """A mapping bound to a file's header and an entity: turns rows into drafts."""

    def __init__(self, work: Work, entity: str, mapping: ImportMapping, header: Sequence[str]) -> None:
        fields = work.entity(entity).entity.fields
        self._width = len(header)
        self._columns = tuple(
            _Column(
                each,
                header.index(each.column) if each.column else -1,
                _remembered(_reading(work, fields[each.field], each)),
                fields[each.field].kind == "link",
            )
            for each in mapping.columns
        )

    def draft(self, row: int, cells: tuple[str, ...]) -> Draft:
        """The row's values, or problems with the field as pointer."""
        values: dict[str, Json] = {}
        links: dict[str, str] = {}
        problems: list[Problem] = []
        if len(cells) > self._width and any(cell.strip() for cell in cells[self._width :]):
            problems.append(problem("import.too_many_cells"))
        for column in self._columns:
            if column.position < 0:
                values[column.map.field] = column.map.value
                continue
            text = _replaced(column.map, unsafe(cells[column.position]))
            if column.is_link and text:
                links[column.map.field] = text
                continue
            try:
                values[column.map.field] = column.read(text) if text else None
            except Refused as refused:
                problems.extend(each.at(f"/{column.map.field}") for each in refused.problems)
        return Draft(row, cells, values, links, tuple(problems))


def _replaced(column: ColumnMap, cell: str) -> str:
    text = cell.strip()
    if text in column.values:
        return column.values[text] or ""
    return text


def _reading(work: Work, target: Field, column: ColumnMap) -> Reading:
    if target.kind == "choice":
        return _option_reading(work, target)
    if column.format:
        return _pattern_reading(work, target, column.format)
    parse, write = target.codec.parse_text, target.codec.json

    def read(text: str) -> Json:
        return write(parse(text))

    return read


def _remembered(read: Reading) -> Reading:
    """The same reading, each text once: the columns of real files repeat themselves."""
    known: dict[str, Json] = {}

    def look(text: str) -> Json:
        if text not in known:
            if len(known) >= REMEMBERED:
                known.clear()
            known[text] = read(text)
        return known[text]

    return look


def _option_reading(work: Work, target: Field) -> Reading:
    """An option by its id or its label in any language of the app."""
    names: dict[str, str] = {}
    app = target.entity.split(".", 1)[0]
    for locale in work.model.catalogue.apps[app].locales:
        for option in target.options:
            names.setdefault(_plain(work.model.labels.option(locale, target, option.id)), option.id)
    names.update({_plain(option.id): option.id for option in target.options})

    def read(text: str) -> Json:
        found = names.get(_plain(text))
        if found is None:
            raise Refused([problem("record.unknown_option", value=text)])
        return found

    return read


def _pattern_reading(work: Work, target: Field, pattern: str) -> Reading:
    """A date or time by a `strptime` pattern; times without an offset are in the workspace's zone."""

    def read(text: str) -> Json:
        try:
            moment = datetime.strptime(text, pattern)  # noqa: DTZ007 - the zone is added below
        except ValueError as error:
            raise Refused([problem("record.invalid", reason=str(error))]) from error
        if target.kind == "date":
            return moment.date().isoformat()
        aware = moment if moment.tzinfo else moment.replace(tzinfo=work.context.zone)
        return aware.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    return read


def pending_links(drafts: Sequence[Draft]) -> Mapping[str, tuple[str, ...]]:
    """The distinct texts to look up, by field."""
    wanted: dict[str, dict[str, None]] = {}
    for draft in drafts:
        for name, text in draft.links.items():
            wanted.setdefault(name, {})[text] = None
    return {name: tuple(texts) for name, texts in wanted.items()}


def describe_problems(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    """Problems of a row as they are kept with the import: code, pointer and parameters as JSON."""
    return [
        {"code": each.code, "pointer": each.pointer, "params": {k: str(v) for k, v in each.params.items()}}
        for each in problems
    ]


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().strip().replace(" ", "").replace("_", "")
