"""CSV: encodings, delimiters and damage on the way in; T25 (formula injection) on the way out and back."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dacheng.metadata.problem import Refused
from dacheng.runtime.services.delimited import (
    FORMULA_STARTS,
    decode,
    read_delimited,
    safe,
    unsafe,
    write_delimited,
)

PAYLOADS = [
    prefix + start + "cmd|'/C calc'!A0"
    for start in "=+-@|＝＋－＠"
    for prefix in ("", " ", "\u00a0", "\ufeff", "\u200b", "\x00", "'")
] + ["\t=1", "\r=1", "\tx", "\rx", "'=1", "''=1", '=HYPERLINK("http://x")']


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("gb18030", "gb18030"),
        ("gbk", "gb18030"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
    ],
)
def test_encoding_is_detected(encoding: str, expected: str) -> None:
    read = read_delimited("客户名称,金额\n奥德赛（北京）,12\n".encode(encoding))
    assert read.encoding == expected
    assert read.header == ("客户名称", "金额")
    assert list(read.rows()) == [(2, ("奥德赛（北京）", "12"))]


@pytest.mark.parametrize("content", [b"\xff\xfea\x00b\x00\x00", b"a,b\n\xff,1\n", b"\x80\x80\xff"])
def test_undecodable_bytes_are_named_with_their_place(content: bytes) -> None:
    with pytest.raises(Refused) as refused:
        read_delimited(content)
    assert refused.value.problems[0].code == "import.undecodable"
    assert "byte" in refused.value.problems[0].message


def test_the_line_that_fits_no_encoding_is_named() -> None:
    with pytest.raises(Refused) as refused:
        read_delimited(b"name\nA\nB\xff\n")
    assert refused.value.problems[0].params["line"] == 3


@pytest.mark.parametrize("content", [b"", b"\n\n", b",,\n1,2,3"])
def test_a_file_without_header_is_refused(content: bytes) -> None:
    with pytest.raises(Refused) as refused:
        read_delimited(content)
    assert refused.value.problems[0].code == "import.no_header"


def test_binary_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        read_delimited(b"PK\x03\x04\x00\x00")
    assert refused.value.problems[0].code == "import.not_text"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_is_detected_outside_quotes(delimiter: str) -> None:
    text = delimiter.join(["a", '"b,;;,,"', "c"]) + "\n" + delimiter.join(["1", "2", "3"]) + "\n"
    read = read_delimited(text.encode())
    assert read.delimiter == delimiter
    assert list(read.rows()) == [(2, ("1", "2", "3"))]


def test_blank_rows_do_not_count_and_short_rows_are_filled() -> None:
    read = read_delimited(b"a,b,c\n1\n,,\n\n2,3,4,5\n")
    assert list(read.rows()) == [(2, ("1", "", "")), (5, ("2", "3", "4", "5"))]


@given(st.text(st.sampled_from('ab,\n\r "\u2028\u3000\x0b'), max_size=30))
def test_rows_are_counted_as_they_are_read(text: str) -> None:
    read = read_delimited(("h,i\n" + text).encode())
    try:
        rows = list(read.rows())
    except Refused:
        with pytest.raises(Refused):
            read.row_count()
    else:
        assert read.row_count() == len(rows)


def test_broken_quotes_are_a_problem_with_its_row() -> None:
    read = read_delimited(b'a,b\n1,2\n"x" y,3\n')
    with pytest.raises(Refused) as refused:
        list(read.rows())
    assert refused.value.problems[0].params["row"] == 3


def test_columns_of_one_name_are_told_apart() -> None:
    assert read_delimited(b"a,a,,a\n").header == ("a", "a (2)", "column 3", "a (3)")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_t25_no_cell_starts_a_formula_and_import_gives_it_back(payload: str) -> None:
    cell = safe(payload)
    shown = cell.lstrip(" \u00a0\ufeff\u200b\x00")
    assert shown[0] not in FORMULA_STARTS
    assert shown[0] not in "\t\r"
    assert unsafe(cell) == payload


@given(st.text())
def test_t25_any_text_comes_back_as_it_was(text: str) -> None:
    assert unsafe(safe(text)) == text


def test_t25_negative_numbers_and_plain_text_stay_as_they_are() -> None:
    assert safe("Acme-Corp = fine") == "Acme-Corp = fine"
    assert safe("'quoted'") == "'quoted'"


@given(
    st.lists(
        st.lists(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
            min_size=2,
            max_size=2,
        ),
        max_size=5,
    )
)
def test_written_rows_are_read_back(rows: list[list[str]]) -> None:
    written = "".join(write_delimited([["h1", "h2"], *[[safe(c) for c in row] for row in rows]]))
    read = [[unsafe(c) for c in row] for row in csv.reader(io.StringIO(written, newline=""))]
    assert read[1:] == rows


def test_an_unknown_encoding_is_refused_by_name() -> None:
    with pytest.raises(Refused) as refused:
        decode(b"a", "latin-1")
    assert refused.value.problems[0].code == "import.unknown_encoding"
