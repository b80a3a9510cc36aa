"""A workbook (XLSX) as rows of texts, read like any other file to import: cells as people see them, one row at a time."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from dacheng.metadata.problem import refuse
from dacheng.runtime.services.delimited import MAX_CELL, MAX_COLUMNS, distinct_names, safe
from dacheng.runtime.services.workbook_formats import BUILT_IN, Shown, number_text, shown_by
from dacheng.runtime.services.workbook_parts import (
    MAX_SHEET,
    Attributes,
    Listing,
    listing,
    opened,
    parse_whole,
    parser,
    pieces,
    unescaped,
)

WORKBOOK: Final = "xlsx"
MAX_ROWS: Final = 1_048_576
MAX_TEXTS: Final = 2_000_000
TITLE_ROWS: Final = 5  # how many lines of a title may stand above the names of the columns
_PLACE = re.compile(r"([A-Z]{1,3})[0-9]+", re.ASCII)
Row = tuple[int, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Workbook:
    """One sheet of a workbook: its header and rows, numbered as in the sheet; `sheets` are all one may choose."""

    content: bytes = field(repr=False)
    sheet: str
    sheets: tuple[str, ...]
    header: tuple[str, ...]
    header_row: int
    encoding: str = WORKBOOK
    delimiter: str = ""

    def rows(self) -> Iterator[Row]:
        """(row number, cells); rows without a single value are no rows."""
        padding = ("",) * len(self.header)
        archive = opened(self.content)
        for number, cells in _rows(archive, listing(archive), self.sheet):
            if number > self.header_row:
                yield number, (*cells, *padding[len(cells) :])

    def row_count(self) -> int:
        """How many `rows` there are."""
        return sum(1 for _ in self.rows())


def read_workbook(content: bytes, sheet: str = "") -> Workbook:
    """A workbook's first sheet with rows, or the one named; refuses what is broken, hostile or unknown."""
    archive = opened(content)
    found = listing(archive)
    names = tuple(found.sheets)
    if sheet and sheet not in names:
        raise refuse("import.unknown_sheet", name=sheet, known=", ".join(names))
    for name in (sheet,) if sheet else names:
        first = list(islice(_rows(archive, found, name), TITLE_ROWS + 1))
        if first:
            number, cells = _header(first)
            return Workbook(content, name, names, distinct_names(cells), number)
    raise refuse("import.no_header")


def _header(first: Sequence[Row]) -> Row:
    """The first row of names: one value alone is a title where a fuller row follows."""
    fuller = (row for row in first if sum(map(bool, row[1])) > 1)
    return next(fuller, first[0])


def _rows(archive: zipfile.ZipFile, found: Listing, sheet: str) -> Iterator[Row]:
    """All rows of a sheet that have a value."""
    reading = _Sheet(_texts(archive, found.texts), _formats(archive, found))
    feed = parser(reading.started, reading.ended, reading.heard)
    for piece in pieces(archive, found.sheets[sheet], MAX_SHEET):
        feed(piece, False)
        if reading.done:
            yield from reading.done
            reading.done.clear()
    feed(b"", True)
    yield from reading.done


class _Sheet:
    """The state of reading one sheet; finished rows gather in `done`."""

    def __init__(self, texts: Sequence[str], formats: Sequence[Shown]) -> None:
        self.done: list[Row] = []
        self._texts, self._formats = texts, formats
        self._number = self._last = 0
        self._cells: list[str] = []
        self._at = -1
        self._type = self._style = ""
        self._value: list[str] = []
        self._hearing = False
        self._phonetic = False

    def started(self, tag: str, given: Attributes) -> None:
        """An element begins."""
        if tag == "c":
            self._at = _column(given["r"]) if "r" in given else self._at + 1
            self._type, self._style = given.get("t", ""), given.get("s", "")
            self._value = []
        elif tag in ("v", "t"):
            self._hearing = not self._phonetic
        elif tag == "row":
            number = given.get("r", "")
            self._number = int(number) if number.isdecimal() and len(number) < 9 else self._number + 1
            self._cells, self._at = [], -1
        elif tag == "rPh":
            self._phonetic = True

    def heard(self, text: str) -> None:
        """Some text of an element."""
        if self._hearing:
            self._value.append(text)

    def ended(self, tag: str) -> None:
        """An element ends."""
        if tag in ("v", "t"):
            self._hearing = False
        elif tag == "c" and self._value:
            self._keep(self._text("".join(self._value)))
        elif tag == "row":
            if not self._last < self._number <= MAX_ROWS:
                raise refuse("import.workbook_broken")
            self._last = self._number
            if self._cells:
                self.done.append((self._number, tuple(self._cells)))
        elif tag == "rPh":
            self._phonetic = False

    def _keep(self, text: str) -> None:
        if not text.strip():
            return
        if self._at >= MAX_COLUMNS:
            raise refuse("import.too_many_columns", count=self._at + 1, limit=MAX_COLUMNS)
        if self._at < len(self._cells):
            raise refuse("import.workbook_broken")
        self._cells.extend([""] * (self._at - len(self._cells)))
        self._cells.append(text)

    def _text(self, raw: str) -> str:
        """The cell as it is seen; texts are marked as in CSV, so that one reading takes both."""
        kind = self._type
        if kind == "s":
            if not raw.isdecimal() or len(raw) > 9 or int(raw) >= len(self._texts):
                raise refuse("import.workbook_broken")
            return self._texts[int(raw)]
        if kind in ("inlineStr", "str"):
            return safe(unescaped(raw))[:MAX_CELL]
        if kind == "b":
            return "true" if raw == "1" else "false"
        if kind in ("e", "d"):
            return raw
        style = self._style
        at = int(style) if style.isdecimal() and len(style) < 9 else 0
        return self._formats[at](raw) if at < len(self._formats) else number_text(raw)


def _column(place: str) -> int:
    found = _PLACE.fullmatch(place)
    if not found:
        raise refuse("import.workbook_broken")
    at = 0
    for letter in found[1]:
        at = at * 26 + ord(letter) - 64
    return at - 1


def _texts(archive: zipfile.ZipFile, part: str) -> list[str]:
    """The texts that cells share, each marked once."""
    reading = _SharedTexts()
    if part:
        parse_whole(archive, part, reading.started, reading.ended, reading.heard)
    return reading.found


class _SharedTexts:
    """The state of reading shared texts: parts of one are joined, how it is pronounced is left out."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._now: list[str] = []
        self._hearing = self._phonetic = False

    def started(self, tag: str, _: Attributes) -> None:
        """An element begins."""
        if tag == "t":
            self._hearing = not self._phonetic
        elif tag == "rPh":
            self._phonetic = True
        elif tag == "si":
            self._now = []

    def heard(self, text: str) -> None:
        """Some text of an element."""
        if self._hearing:
            self._now.append(text)

    def ended(self, tag: str) -> None:
        """An element ends."""
        if tag == "t":
            self._hearing = False
        elif tag == "rPh":
            self._phonetic = False
        elif tag == "si":
            if len(self.found) >= MAX_TEXTS:
                raise refuse("import.workbook_too_large")
            self.found.append(safe(unescaped("".join(self._now)))[:MAX_CELL])


def _formats(archive: zipfile.ZipFile, found: Listing) -> list[Shown]:
    """By number of style: what makes the text of a number."""
    codes = dict(BUILT_IN)
    used: list[int] = []
    inside: list[str] = []

    def started(tag: str, given: Attributes) -> None:
        if tag == "numFmt" and given.get("numFmtId", "").isdecimal():
            codes[int(given["numFmtId"])] = given.get("formatCode", "")[:255]
        elif tag == "cellXfs":
            inside.append(tag)
        elif tag == "xf" and inside:
            number = given.get("numFmtId", "0")
            used.append(int(number) if number.isdecimal() and len(number) < 9 else 0)

    def ended(tag: str) -> None:
        if tag == "cellXfs":
            inside.clear()

    if found.styles:
        parse_whole(archive, found.styles, started, ended)
    made = {code: shown_by(codes.get(code, "general"), since_1904=found.since_1904) for code in set(used)}
    return [made[code] for code in used]
