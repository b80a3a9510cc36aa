"""Writing a workbook (XLSX) row by row: numbers and days typed, everything else text that nothing will run."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Final
from xml.sax.saxutils import escape, quoteattr

LONGEST_TEXT: Final = 32_767  # what a cell holds
EXACT_DIGITS: Final = 15
CHUNK_ROWS: Final = 500
_HEAD, _MUST, _DAY, _MOMENT, _SHARE, _TEXT = 1, 2, 3, 4, 5, 6
_XML: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0d\x0e-\x1f\ufffe\uffff]|_x(?=[0-9A-Fa-f]{4}_)")
_STYLES: Final = (
    f'<styleSheet xmlns="{_MAIN}"><numFmts count="3"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/>'
    '<numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/><numFmt numFmtId="166" formatCode="0.####%"/>'
    '</numFmts><fonts count="3"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><color rgb="FFB42318"/><name val="Calibri"/></font></fonts>'
    '<fills count="3"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '<fill><patternFill patternType="solid"><fgColor rgb="FFF2F4F7"/><bgColor indexed="64"/></patternFill></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="7">'
    '<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="49" fontId="1" fillId="2" borderId="0" xfId="0" applyFont="1" applyFill="1" applyNumberFormat="1"/>'
    '<xf numFmtId="49" fontId="2" fillId="2" borderId="0" xfId="0" applyFont="1" applyFill="1" applyNumberFormat="1"/>'
    '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="165" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="166" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '</cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)


@dataclass(frozen=True, slots=True)
class Share:
    """A number shown as a percentage: 0.125 as 12.5%."""

    value: Decimal


Cell = (
    str | int | Decimal | date | datetime | Share
)  # moments without a zone, as the reader's clock shows them


@dataclass(frozen=True, slots=True)
class Heading:
    """The name of a column; `text` keeps what is typed below it as it is typed; `choices` is a range to choose from."""

    name: str
    width: int = 16
    required: bool = False
    text: bool = False
    choices: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: its headings stay in sight; `rows` are read once, while it is written."""

    name: str
    headings: Sequence[Heading]
    rows: Iterable[Sequence[Cell]] = field(default=(), repr=False)
    hidden: bool = False


def write_workbook(sheets: Sequence[Sheet]) -> Iterator[bytes]:
    """The bytes of a workbook, as they come to be; nothing is held but the row at hand."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, text in _frame(sheets).items():
            archive.writestr(_entry(name), _XML + text)
        for number, sheet in enumerate(sheets, 1):
            with archive.open(_entry(f"xl/worksheets/sheet{number}.xml"), "w") as part:
                for text in _sheet(sheet, first=number == 1):
                    part.write(text.encode("utf-8", "replace"))
                    yield sink.taken()
    yield sink.taken()


def _entry(name: str) -> zipfile.ZipInfo:
    """A part without the time of its making: equal rows are equal bytes."""
    found = zipfile.ZipInfo(name)
    found.compress_type = zipfile.ZIP_DEFLATED
    return found


class _Sink:
    """Where the archive writes to: it cannot be sought in, and gives away what it got."""

    def __init__(self) -> None:
        self._got = bytearray()

    def write(self, data: bytes) -> int:
        """Get some bytes."""
        self._got += data
        return len(data)

    def flush(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Nothing is held open."""

    def taken(self) -> bytes:
        """What came since the last time."""
        data = bytes(self._got)
        self._got.clear()
        return data


def column_name(at: int) -> str:
    """0 → A, 26 → AA."""
    name = ""
    at += 1
    while at:
        at, letter = divmod(at - 1, 26)
        name = chr(65 + letter) + name
    return name


def _sheet(sheet: Sheet, *, first: bool) -> Iterator[str]:
    selected = ' tabSelected="1"' if first else ""
    yield (
        f'{_XML}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0"{selected}>'
        '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><cols>'
    )
    for at, head in enumerate(sheet.headings, 1):
        style = f' style="{_TEXT}"' if head.text else ""
        yield f'<col min="{at}" max="{at}" width="{head.width}"{style} customWidth="1"/>'
    yield '</cols><sheetData><row r="1">'
    for at, head in enumerate(sheet.headings):
        yield _text_cell(f"{column_name(at)}1", head.name, _MUST if head.required else _HEAD)
    yield "</row>"
    yield from _body(sheet)
    chosen = [(at, head.choices) for at, head in enumerate(sheet.headings) if head.choices]
    yield "</sheetData>"
    if chosen:
        yield f'<dataValidations count="{len(chosen)}">'
        for at, range_name in chosen:
            letters = column_name(at)
            yield (
                '<dataValidation type="list" allowBlank="1" errorStyle="warning" showErrorMessage="1"'
                f' sqref="{letters}2:{letters}1048576"><formula1>{escape(range_name)}</formula1></dataValidation>'
            )
        yield "</dataValidations>"
    yield "</worksheet>"


def _body(sheet: Sheet) -> Iterator[str]:
    names = [column_name(at) for at in range(len(sheet.headings))]
    waiting: list[str] = []
    for number, row in enumerate(sheet.rows, 2):
        cells = "".join(
            _cell(f"{name}{number}", value) for name, value in zip(names, row, strict=True) if value != ""
        )
        waiting.append(f'<row r="{number}">{cells}</row>')
        if len(waiting) >= CHUNK_ROWS:
            yield "".join(waiting)
            waiting.clear()
    yield "".join(waiting)


def _cell(place: str, value: Cell) -> str:
    if isinstance(value, str):
        return _text_cell(place, value, _TEXT)
    if isinstance(value, datetime):
        return _moment_cell(place, value)
    if isinstance(value, date):
        serial = value.toordinal() - _DAYS_BEFORE
        if serial < _SAFE_SERIAL:
            return _text_cell(place, value.isoformat(), _TEXT)
        return f'<c r="{place}" s="{_DAY}"><v>{serial}</v></c>'
    if isinstance(value, Share):
        return f'<c r="{place}" s="{_SHARE}"><v>{value.value:f}</v></c>'
    text = str(value) if isinstance(value, int) else f"{value:f}"
    if len(text.strip("-0.").replace(".", "")) > EXACT_DIGITS:
        return _text_cell(place, text, _TEXT)
    return f'<c r="{place}"><v>{text}</v></c>'


_DAYS_BEFORE: Final = date(1899, 12, 30).toordinal()
_SAFE_SERIAL: Final = 61  # before March 1900 the sheet's calendar is wrong


def _moment_cell(place: str, value: datetime) -> str:
    day = value.toordinal() - _DAYS_BEFORE
    if day < _SAFE_SERIAL:
        return _text_cell(place, value.isoformat(" "), _TEXT)
    since = value - datetime(value.year, value.month, value.day)  # noqa: DTZ001 - a clock without a zone
    milliseconds = day * 86_400_000 + round(since.total_seconds() * 1000)
    return f'<c r="{place}" s="{_MOMENT}"><v>{milliseconds / 86_400_000!r}</v></c>'


def _text_cell(place: str, text: str, style: int) -> str:
    short = text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"
    plain = escape(_UNWRITABLE.sub(_escaped, short))
    return f'<c r="{place}" s="{style}" t="inlineStr"><is><t xml:space="preserve">{plain}</t></is></c>'


def _escaped(found: re.Match[str]) -> str:
    sign = found[0]
    return "_x005F_x" if sign == "_x" else f"_x{ord(sign):04X}_"


def _frame(sheets: Sequence[Sheet]) -> dict[str, str]:
    """Every part but the sheets."""
    numbers = range(1, len(sheets) + 1)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    overrides = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{kind}.worksheet+xml"/>'
        for n in numbers
    )
    listed = "".join(
        f'<sheet name={quoteattr(sheet.name)} sheetId="{n}" r:id="rId{n}"{_state(sheet)}/>'
        for n, sheet in enumerate(sheets, 1)
    )
    links = "".join(
        f'<Relationship Id="rId{n}" Type="{_RELATIONS}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in numbers
    )
    last = len(sheets) + 1
    return {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>{overrides}'
        f'<Override PartName="/xl/styles.xml" ContentType="{kind}.styles+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1"'
        f' Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{links}'
        f'<Relationship Id="rId{last}" Type="{_RELATIONS}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": _STYLES,
    }


def _state(sheet: Sheet) -> str:
    return ' state="hidden"' if sheet.hidden else ""
