"""Workbooks: cells come as people see them, nothing hostile is unpacked, and what is written reads back (T25)."""

import io
import zipfile
from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dacheng.metadata.problem import Refused
from dacheng.runtime.services import workbook_parts
from dacheng.runtime.services.delimited import unsafe
from dacheng.runtime.services.import_table import read_table
from dacheng.runtime.services.workbook import Workbook, read_workbook
from dacheng.runtime.services.workbook_write import Cell, Heading, Share, Sheet, write_workbook
from tests.runtime.services.test_delimited import PAYLOADS
from tests.support.workbooks import (
    CHINESE_DAY,
    DAY,
    ELAPSED,
    MOMENT,
    SHARE,
    SIX_DIGITS,
    THOUSANDS,
    cell,
    named,
    sheet,
    workbook,
)


def shown(raw: str, kind: str = "n", style: int = 0, **how: object) -> str:
    """What one cell reads as."""
    rows = sheet(named("a"), cell("A2", raw, kind, style))
    read = read_workbook(workbook({"S": rows}, **how))  # type: ignore[arg-type]
    return next(read.rows())[1][0]


def code(content: bytes, sheet_name: str = "") -> str:
    """The code an unreadable workbook is refused with, whether at once or at its rows."""
    with pytest.raises(Refused) as refused:
        list(read_table(content, sheet=sheet_name).rows())
    return refused.value.problems[0].code


def one_sheet(*rows: list[str]) -> bytes:
    headings = [Heading(f"c{n}") for n in range(len(rows[0]))]
    return b"".join(write_workbook([Sheet("S", headings, rows)]))


@pytest.mark.parametrize(
    ("raw", "style", "text"),
    [
        ("13800138000", 0, "13800138000"),
        ("1.3800138E10", 0, "13800138000"),
        ("0.30000000000000004", 0, "0.3"),
        ("1234.5", THOUSANDS, "1234.5"),
        ("1E-7", 0, "0.0000001"),
        ("123", SIX_DIGITS, "000123"),
        ("46053", DAY, "2026-01-31"),
        ("46053", CHINESE_DAY, "2026-01-31"),
        ("46053.336805555555", MOMENT, "2026-01-31 08:05:00"),
        ("59", DAY, "1900-02-28"),
        ("0.125", SHARE, "12.5%"),
        ("1.0625", ELAPSED, "25:30:00"),
        ("-5", DAY, "-5"),
        ("99999999", DAY, "99999999"),
    ],
)
def test_numbers_come_as_people_see_them(raw: str, style: int, text: str) -> None:
    assert shown(raw, style=style) == text


def test_a_workbook_of_the_other_calendar_keeps_its_days() -> None:
    assert shown("44591", style=DAY, since_1904=True) == "2026-01-31"


def test_texts_come_whole_and_stay_texts() -> None:
    texts = "<si><t>张</t></si><si><r><t>大</t></r><r><t>成</t></r><rPh><t>dacheng</t></rPh></si><si><t>=1+1</t></si>"
    assert [shown(str(n), "s", texts=texts) for n in range(3)] == ["张", "大成", "'=1+1"]
    assert shown("138 0013 8000", "inlineStr") == "138 0013 8000"
    assert shown("a_x000D_b", "str") == "a\rb"
    assert shown("1", "b") == "true"


def test_rows_keep_their_numbers_and_empty_ones_are_none() -> None:
    rows = sheet(named("a", "b"), "", cell("B3", "1") + cell("D3", "2"), "<c r='A4' s='1'/>", cell("A5", "3"))
    read = read_workbook(workbook({"S": rows}))
    assert list(read.rows()) == [(3, ("", "1", "", "2")), (5, ("3", ""))]
    assert read.row_count() == 2


def test_a_title_above_the_names_of_columns_is_passed_over() -> None:
    rows = sheet(named("客户名单 2026"), "", named("名称", "电话", row=3), named("甲", "138", row=4))
    read = read_workbook(workbook({"S": rows}))
    assert (read.header, list(read.rows())) == (("名称", "电话"), [(4, ("甲", "138"))])


def test_the_first_sheet_with_rows_is_read_or_the_one_chosen() -> None:
    content = workbook(
        {
            "空": sheet(),
            "甲": sheet(named("a"), cell("A2", "1")),
            "乙": sheet(named("b")),
            "藏": sheet(named("c")),
        },
        hidden=frozenset({"藏"}),
    )
    read = read_workbook(content)
    assert (read.sheet, read.sheets) == ("甲", ("空", "甲", "乙"))
    assert read_workbook(content, "乙").header == ("b",)
    assert code(content, "藏") == "import.unknown_sheet"


BOMB = '<!DOCTYPE s [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><worksheet>&b;</worksheet>'
FILE = '<!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]><worksheet>&x;</worksheet>'


@pytest.mark.parametrize(
    "part", ["xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/sharedStrings.xml", "_rels/.rels"]
)
@pytest.mark.parametrize("text", [BOMB, FILE, "<worksheet>", "", "no xml", "\x00"])
def test_a_hostile_or_broken_part_is_refused(part: str, text: str) -> None:
    whole = {"S": sheet(named("a"), cell("A2", "1"))}
    assert code(workbook(whole, extra={part: text})) == "import.workbook_broken"


@pytest.mark.parametrize(
    "rows",
    [
        sheet(named("a"), cell("A2", "7", "s")),
        sheet(named("a"), cell("2", "7")),
        sheet(named("a"), cell("B2", "7") + cell("A2", "7")),
        sheet(named("a")).replace('r="1"', 'r="2000000"'),
        sheet(named("a"), named("b")).replace('r="2"', 'r="1"'),
    ],
)
def test_cells_that_lead_nowhere_are_refused(rows: str) -> None:
    assert code(workbook({"S": rows})) == "import.workbook_broken"


def test_too_many_columns_are_refused() -> None:
    assert code(workbook({"S": sheet(named("a"), cell("XFD2", "1"))})) == "import.too_many_columns"


def test_macros_passwords_and_other_archives_are_refused() -> None:
    whole = {"S": sheet(named("a"))}
    assert code(workbook(whole, extra={"xl/vbaProject.bin": "x"})) == "import.workbook_macros"
    assert code(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest") == "import.workbook_protected"
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("a.txt", "x")
    assert code(other.getvalue()) == "import.workbook_broken"
    assert code(workbook(whole)[:-40]) == "import.workbook_broken"


def test_what_unpacks_beyond_the_bounds_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    padding = sheet(named("a"), cell("A2", "1")) + " " * 3_000_000
    assert code(workbook({"S": padding})) == "import.workbook_too_large"
    monkeypatch.setattr(workbook_parts, "MAX_WHOLE", 100)
    assert code(workbook({"S": sheet(named("a"))})) == "import.workbook_too_large"


def test_t25_payloads_stay_text_through_a_workbook() -> None:
    """T25: no cell is a formula, and what comes back is what went in."""
    content = one_sheet(*[[payload] for payload in PAYLOADS])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        written = archive.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in written
    assert written.count('t="inlineStr"') == len(PAYLOADS) + 1
    assert [unsafe(cells[0]) for _, cells in read_workbook(content).rows()] == PAYLOADS


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip), min_size=1))
def test_every_text_comes_back(texts: list[str]) -> None:
    read: Workbook = read_workbook(one_sheet(*[[text] for text in texts]))
    assert [unsafe(cells[0]) for _, cells in read.rows()] == texts


def test_values_keep_their_type() -> None:
    row: list[Cell] = [
        12,
        Decimal("-0.10"),
        date(2026, 1, 31),
        datetime.fromisoformat("2026-01-31 08:05:07.123"),
        Share(Decimal("0.125")),
    ]
    long = Decimal("1234567890123456.78")
    sheet_made = Sheet("S", [Heading(f"c{n}") for n in range(6)], [[*row, long]])
    read = read_workbook(b"".join(write_workbook([sheet_made])))
    assert next(read.rows())[1] == (
        "12",
        "-0.1",
        "2026-01-31",
        "2026-01-31 08:05:07.123",
        "12.5%",
        "1234567890123456.78",
    )
