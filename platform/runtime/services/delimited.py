"""CSV both ways: encodings told apart, delimiters found, and cells that no spreadsheet will run as formulas."""

from __future__ import annotations

import codecs
import csv
import io
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from dacheng.metadata.problem import refuse

SURE = 4  # zeros that are no accident
ENCODINGS = ("utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be")
DELIMITERS = ",;\t|"
FORMULA_STARTS = frozenset("=+-@|＝＋－＠｜")
MAX_COLUMNS = 500
MAX_CELL = 131_072


@dataclass(frozen=True, slots=True)
class Delimited:
    """A file as read: how it was encoded and separated, its header, and its rows one at a time."""

    content: bytes = field(repr=False)
    encoding: str
    delimiter: str
    header: tuple[str, ...]
    sheet: str = ""
    sheets: tuple[str, ...] = ()

    def rows(self) -> Iterator[tuple[int, tuple[str, ...]]]:
        """(row number, cells): the header is row 1; rows without a single value are no rows."""
        padding = ("",) * len(self.header)
        reader = _reader(_lines(self.content, self.encoding), self.delimiter)
        number = 1
        try:
            next(reader)
            for number, cells in enumerate(reader, 2):
                if "".join(cells).strip():
                    yield number, (*cells, *padding[len(cells) :])
        except csv.Error as error:
            raise refuse("import.malformed", row=number + 1, reason=str(error)) from error

    def row_count(self) -> int:
        """How many `rows` there are; without quotes a row is a line."""
        plain = b'"' not in self.content
        if plain and all(len(line) <= MAX_CELL for line in _lines(self.content, self.encoding)):
            lines = islice(_lines(self.content, self.encoding), 1, None)
            return sum(1 for line in lines if line.replace(self.delimiter, "").strip())
        return sum(1 for _ in self.rows())


def read_delimited(content: bytes, *, encoding: str = "", delimiter: str = "") -> Delimited:
    """Read a file of unknown making; what is given is believed, the rest is detected.

    Refuses bytes that no supported encoding decodes, a file without a header, and too many columns.
    """
    text, found = decode(content, encoding)
    separator = delimiter or _delimiter(text)
    try:
        first = next(_reader(_lines(content, found), separator), [])
    except csv.Error as error:
        raise refuse("import.malformed", row=1, reason=str(error)) from error
    if not any(cell.strip() for cell in first):
        raise refuse("import.no_header")
    if len(first) > MAX_COLUMNS:
        raise refuse("import.too_many_columns", count=len(first), limit=MAX_COLUMNS)
    return Delimited(content, found, separator, distinct_names(first))


def decode(content: bytes, encoding: str = "") -> tuple[str, str]:
    """(text, encoding): UTF-16 by its mark, UTF-8, else GB18030; anything else is refused with its line."""
    if encoding and encoding not in ENCODINGS:
        raise refuse("import.unknown_encoding", name=encoding, known=", ".join(ENCODINGS))
    for name in (encoding,) if encoding else _likely(content):
        try:
            text = content.decode(name)
        except UnicodeDecodeError as error:
            place = error.start
            continue
        if "\x00" in text:
            raise refuse("import.not_text", byte=text.index("\x00"))
        return text, name
    line = content.count(b"\n", 0, place) + 1
    raise refuse("import.undecodable", byte=place, line=line, known="UTF-8, GB18030, UTF-16")


def _likely(content: bytes) -> tuple[str, ...]:
    """The encodings to try: what a mark says, what zeros at every second place say, else the usual two."""
    if content.startswith(codecs.BOM_UTF8):
        return ("utf-8-sig",)
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ("utf-16",)
    start = content[:2000]
    low, high = start[1::2].count(0), start[::2].count(0)
    if max(low, high) * 8 > len(start) and max(low, high) >= SURE and not min(low, high):
        return ("utf-16-le",) if low else ("utf-16-be",)
    return ("utf-8", "gb18030")


def write_delimited(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Lines of CSV (RFC 4180, CRLF); cells must already be `safe` where they hold text."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    for row in rows:
        writer.writerow(row)
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()


def safe(text: str) -> str:
    """The text with an apostrophe before it when a spreadsheet would take it for a formula."""
    return "'" + text if _is_risky(text.lstrip("'")) else text


def unsafe(cell: str) -> str:
    """What `safe` was given: exactly one apostrophe is taken away where it put one."""
    return cell[1:] if cell.startswith("'") and _is_risky(cell.lstrip("'")) else cell


def _is_risky(text: str) -> bool:
    if text[:1] in ("\t", "\r"):
        return True
    for sign in text:
        if sign.isspace() or unicodedata.category(sign) in ("Cc", "Cf"):
            continue
        return sign in FORMULA_STARTS
    return False


def _reader(lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    csv.field_size_limit(MAX_CELL)
    return csv.reader(lines, delimiter=delimiter, strict=True)


def _lines(content: bytes, encoding: str) -> Iterator[str]:
    """Line by line, so that a large file is never held as text."""
    return io.TextIOWrapper(io.BytesIO(content), encoding=encoding, newline="")


def _delimiter(text: str) -> str:
    """The candidate that occurs in the header outside quotes most often; a comma when none does."""
    counts: Counter[str] = Counter()
    quoted = False
    for sign in text[:65_536]:
        if sign == '"':
            quoted = not quoted
        elif sign in "\r\n" and not quoted:
            break
        elif sign in DELIMITERS and not quoted:
            counts[sign] += 1
    return max(DELIMITERS, key=lambda sign: (counts[sign], -DELIMITERS.index(sign)))


def distinct_names(names: Sequence[str]) -> tuple[str, ...]:
    """Column names without blanks around; a second one of the same name becomes `name (2)`."""
    seen: Counter[str] = Counter()
    distinct = []
    for position, raw in enumerate(names, 1):
        name = unsafe(raw).strip() or f"column {position}"
        seen[name] += 1
        distinct.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return tuple(distinct)
