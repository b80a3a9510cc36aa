"""Cells of a file become typed values: replaced, parsed by the field's own codec, options found by any name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from dacheng.metadata.definition import Field
from dacheng.metadata.field_kinds.datetime import TYPED_ZONE, DatetimeCodec
from dacheng.metadata.field_kinds.text_list import split_quoted
from dacheng.metadata.kinds import Codec, Json, Primitive
from dacheng.metadata.problem import Problem, Refused, problem
from dacheng.runtime.services.delimited import unsafe
from dacheng.runtime.services.import_mapping import ColumnMap, ImportMapping
from dacheng.runtime.services.work import Work

Reading = Callable[[str], Any]
REMEMBERED = 5_000
APART = "\x1f"  # between a key and what tells it apart
_LOCAL = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(\.\d{3})?", re.ASCII)
_NEW: Any = object()


@dataclass(frozen=True, slots=True)
class Draft:
    """One row on its way: typed values, texts of links still to be found, and what is wrong with it."""

    row: int
    cells: tuple[str, ...]
    values: dict[str, Any]
    links: dict[str, str]
    lists: dict[str, tuple[str, ...]]  # of fields of links
    problems: tuple[Problem, ...]


def plain_key(text: str) -> str:
    """The key as it stands in the file, without what tells it apart."""
    return text.partition(APART)[0]


class Cells:
    """A mapping bound to a file's header and an entity: turns rows into drafts.

    Each cell is read once, by the codec of its field; a column's cells that repeat are read once for all.
    """

    def __init__(self, work: Work, entity: str, mapping: ImportMapping, header: Sequence[str]) -> None:
        fields = work.entity(entity).entity.fields
        self._width = len(header)
        self._key, self._within = fields.get(mapping.key), mapping.within
        self._constants: list[tuple[str, Reading, Json]] = []
        self._links: list[tuple[str, int, Reading]] = []
        self._lists: list[tuple[str, int, Reading]] = []
        self._values: list[tuple[str, int, Reading]] = []
        for each in mapping.columns:
            target, at = fields[each.field], header.index(each.column) if each.column else -1
            if at < 0:
                self._constants.append((each.field, target.codec.parse, each.value))
            elif target.leads_to_records:
                into = self._lists if target.is_links else self._links
                into.append((each.field, at, _remembered(text_reading(each))))
            else:
                self._values.append((each.field, at, _remembered(cell_reading(work, target, each))))

    def draft(self, row: int, cells: tuple[str, ...]) -> Draft:
        """The row's values, or problems with the field as pointer."""
        values: dict[str, Any] = {}
        links: dict[str, str] = {}
        lists: dict[str, tuple[str, ...]] = {}
        problems: list[Problem] = []
        if len(cells) > self._width and any(cell.strip() for cell in cells[self._width :]):
            problems.append(problem("import.too_many_cells"))
        for name, at, read in self._values:
            try:
                values[name] = read(cells[at])
            except Refused as refused:
                problems.extend(each.at(f"/{name}") for each in refused.problems)
        for name, at, read in self._links:
            text = read(cells[at])
            if text:
                links[name] = text
            else:
                values[name] = None
        for name, at, read in self._lists:
            lists[name] = tuple(dict.fromkeys(split_quoted(read(cells[at]))))
        for name, parse, value in self._constants:
            try:
                values[name] = parse(value)
            except Refused as refused:
                problems.extend(each.at(f"/{name}") for each in refused.problems)
        return Draft(row, cells, values, links, lists, tuple(problems))

    def key_text(self, draft: Draft) -> str:
        """The text by which the row's record is found; empty without a key, or when its cell is empty."""
        value = None if self._key is None else draft.values.get(self._key.id)
        if self._key is None or value is None:
            return ""
        text = str(self._key.codec.json(value))
        if not self._within:
            return text
        place = draft.links.get(self._within) or draft.values.get(self._within)
        return f"{text}{APART}{place}" if place else ""


def text_reading(column: ColumnMap) -> Reading:
    """A cell's text, replaced as the mapping says; trimmed unless it was marked as a text to be taken exactly."""
    replaced = column.values

    def read(cell: str) -> str:
        text = unsafe(cell)
        if text == cell:
            text = text.strip()
        return replaced[text] or "" if text in replaced else text

    return read


def cell_reading(work: Work, target: Field, column: ColumnMap) -> Reading:
    """A cell's typed value; None when it is empty."""
    text_of, parse = text_reading(column), _reading(work, target, column)

    def read(cell: str) -> Any:
        text = text_of(cell)
        return parse(text) if text else None

    return read


def _reading(work: Work, target: Field, column: ColumnMap) -> Reading:
    if target.options:
        return _option_reading(work, target)
    if column.format:
        return _pattern_reading(work, target, column.format)
    if isinstance(target.codec, DatetimeCodec):
        return _instant_reading(work, target)
    return lambda text: parsed(target.codec, text)


def parsed(codec: Codec, text: str) -> Any:
    """A typed value; a text that still has blanks around was marked to be taken exactly, and is."""
    exact = text != text.strip() and codec.columns[0].primitive is Primitive.TEXT
    return codec.parse(text) if exact else codec.parse_text(text)


def _remembered(read: Reading) -> Reading:
    """The same reading, each of the first few thousand cells once: the columns of real files repeat themselves."""
    known: dict[str, Any] = {}

    def look(cell: str) -> Any:
        found = known.get(cell, _NEW)
        if found is _NEW:
            found = read(cell)
            if len(known) < REMEMBERED:
                known[cell] = found
        return found

    return look


def _option_reading(work: Work, target: Field) -> Reading:
    """An option by its id or its label in any language of the app."""
    names: dict[str, str] = {}
    app = target.entity.split(".", 1)[0]
    for locale in work.model.catalogue.apps[app].locales:
        for option in target.options:
            names.setdefault(_plain(work.model.labels.option(locale, target, option.id)), option.id)
    names.update({_plain(option.id): option.id for option in target.options})

    def read(text: str) -> str:
        found = names.get(_plain(text))
        if found is None:
            raise Refused([problem("record.unknown_option", value=text)])
        return found

    if target.is_listed:
        return lambda text: target.codec.parse([read(each) for each in split_quoted(text)])
    return read


def _pattern_reading(work: Work, target: Field, pattern: str) -> Reading:
    """A date or time by a `strptime` pattern; times without an offset are in the workspace's zone."""

    def read(text: str) -> date | datetime:
        try:
            moment = datetime.strptime(text, pattern)  # noqa: DTZ007 - the zone is added below
        except ValueError as error:
            raise Refused([problem("record.invalid", reason=str(error))]) from error
        if target.codec.columns[0].primitive is Primitive.DATE:
            return moment.date()
        aware = moment if moment.tzinfo else moment.replace(tzinfo=work.context.zone)
        return aware.astimezone(UTC).replace(microsecond=aware.microsecond // 1000 * 1000)

    return read


def _instant_reading(work: Work, target: Field) -> Reading:
    """A moment; one written without an offset, as people and workbooks do, is in the workspace's zone."""

    def read(text: str) -> Any:
        if _LOCAL.fullmatch(text):
            with suppress(ValueError):
                return target.codec.parse(
                    datetime.fromisoformat(text).replace(tzinfo=work.context.zone).isoformat()
                )
        with suppress(Refused):
            return target.codec.parse(text)
        typed = target.codec.parse_text(text)
        if typed is None or work.context.zone == TYPED_ZONE:
            return typed
        local = typed.astimezone(TYPED_ZONE).replace(tzinfo=work.context.zone)
        return target.codec.parse(local.isoformat())

    return read


def pending_links(drafts: Sequence[Draft]) -> Mapping[str, tuple[str, ...]]:
    """The distinct texts to look up, by field."""
    wanted: dict[str, dict[str, None]] = {}
    for draft in drafts:
        for name, text in draft.links.items():
            wanted.setdefault(name, {})[text] = None
        for name, texts in draft.lists.items():
            wanted.setdefault(name, {}).update(dict.fromkeys(texts))
    return {name: tuple(texts) for name, texts in wanted.items()}


def describe_problems(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    """Problems of a row as they are kept with the import: code, pointer and parameters as JSON."""
    return [
        {"code": each.code, "pointer": each.pointer, "params": {k: str(v) for k, v in each.params.items()}}
        for each in problems
    ]


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().strip().replace(" ", "").replace("_", "")
