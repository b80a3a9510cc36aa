"""Exporting records as a workbook: numbers and days typed, everything else text, the headings always in sight."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import chain, islice
from typing import Any, Final

from dacheng.metadata.definition import Field
from dacheng.metadata.kinds import Primitive
from dacheng.runtime.services.export_records import TEXTUAL, Export, Heard, extract, silent, words_of
from dacheng.runtime.services.site import Site
from dacheng.runtime.services.work import Work
from dacheng.runtime.services.workbook_write import Cell, Heading, Share, Sheet, write_workbook

MEASURED: Final = 100  # rows that the widths of columns are taken from
NARROWEST, WIDEST = 8, 48
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?%?", re.ASCII)
_IN_NAMES = re.compile(r"[\[\]:*?/\\\x00-\x1f]|^'|'$")


def export_workbook(site: Site, work: Work, wanted: Export, heard: Heard = silent) -> Iterator[bytes]:
    """The bytes of a workbook with one sheet, read page by page; refused at once without the right to export."""
    found = extract(site, work, wanted, heard)
    fields = [each.field for each in found.columns]
    writers = [_cells(work, field, by_id=wanted.by_id) for field in fields]
    rows = ([write(each) for each, write in zip(stored, writers, strict=True)] for _, stored in found.rows)
    first = list(islice(rows, MEASURED))
    headings = [
        Heading(name, _width([name, *(_seen(row[at]) for row in first)]), text=_is_text(field))
        for at, (name, field) in enumerate(zip(found.headings, fields, strict=True))
    ]
    title = work.model.labels.entity(work.context.locale, work.entity(wanted.entity).entity, "plural")
    return write_workbook([Sheet(sheet_name(title), headings, chain(first, rows))])


def sheet_name(text: str) -> str:
    """The text as a sheet may be called."""
    return _IN_NAMES.sub(" ", text)[:31].strip() or "Sheet"


def display_width(text: str) -> int:
    """How many letters wide a text is; Chinese ones count twice."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def _cells(work: Work, field: Field, *, by_id: bool) -> Callable[[Sequence[Any]], Cell]:
    """What makes a cell of a stored value: typed where a sheet has a type for it, else people's words."""
    words, load = words_of(work, field, by_id=by_id), field.codec.load
    primitive, zone = field.codec.columns[0].primitive, work.context.zone

    def day(stored: Sequence[Any]) -> Cell:
        value = load(stored)
        return value if isinstance(value, date) else words(stored)

    def moment(stored: Sequence[Any]) -> Cell:
        value = load(stored)
        return value.astimezone(zone).replace(tzinfo=None) if isinstance(value, datetime) else words(stored)

    if primitive is Primitive.INTEGER and not field.options:
        return lambda stored: _number(words(stored))
    return {Primitive.DATE: day, Primitive.INSTANT: moment}.get(primitive, words)


def _number(text: str) -> Cell:
    """A number or a share where the whole text is one."""
    if not _NUMBER.fullmatch(text):
        return text
    return Share(Decimal(text[:-1]).scaleb(-2)) if text.endswith("%") else Decimal(text)


def _is_text(field: Field) -> bool:
    return field.codec.columns[0].primitive in TEXTUAL


def _seen(value: Cell) -> str:
    if isinstance(value, Share):
        return f"{value.value}"
    return str(value)


def _width(texts: Sequence[str]) -> int:
    widest = max(display_width(line) for text in texts for line in (text.split("\n", 1)[0],))
    return min(max(widest + 2, NARROWEST), WIDEST)
