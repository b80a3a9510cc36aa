"""What the wizard knows before it asks: guessed mappings, what would change, and values mended once for all rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dacheng.plugins.context import User
from dacheng.runtime.host import Host
from dacheng.runtime.services import import_preview, import_records
from dacheng.runtime.services.import_guess import guess_mapping
from dacheng.runtime.services.import_preview import Preview
from dacheng.runtime.services.import_source import Source
from dacheng.runtime.services.work import Work
from tests.runtime.workspace import add, workspace

ACCOUNT, OPPORTUNITY = "sales_management.account", "sales_management.opportunity"


@pytest.fixture
def host(tmp_path: Path, database_url: str) -> Iterator[Host]:
    url = "" if database_url.startswith("sqlite") else database_url
    with workspace(tmp_path / "data", url, sales=True) as opened:
        yield opened


def source(header: str, *rows: list[Any]) -> Source:
    text = io.StringIO()
    csv.writer(text).writerows([header.split(","), *rows])
    return Source("a.csv", text.getvalue().encode())


def guessed(host: Host, work: Work, entity: str, given: Source) -> dict[str, str]:
    table = given.read(host)
    found = host.db.read_now(lambda reader: guess_mapping(reader, work, entity, table))
    return {each.field: each.column for each in found.columns}


def look(host: Host, given: Source, mapping: Any, entity: str = ACCOUNT) -> Preview:
    return import_preview.preview(host, host.work(), entity, given, mapping)


def test_columns_are_guessed_by_names_in_any_language_by_meaning_and_by_values(host: Host) -> None:
    given = source(
        "Employees,单位名称,类别,Datum,随便",
        [12, "甲", "零售", "2020-01-31", "x y"],
        [30, "乙", "medical", "2021年2月1日", "7"],
    )
    work = host.work(locale="zh-CN")
    assert guessed(host, work, ACCOUNT, given) == {
        "employees": "Employees",
        "name": "单位名称",
        "sector": "类别",
    }, "a field of days and one of instants could be meant"
    spent = source("Datum,随便", ["2020-01-31", "x y"], ["2021年2月1日", "7"])
    assert guessed(host, work, "sales_management.channel_cost", spent) == {"spent_on": "Datum"}, (
        "the only field of days"
    )
    dated = source("编号,赢单或输单日", ["D1", "2020-01-31"], ["D2", "2021-02-01"])
    assert guessed(host, work, OPPORTUNITY, dated) == {"code": "编号"}, (
        "several fields of days could be meant"
    )


def test_the_mapping_of_the_same_columns_is_remembered_for_the_person_alone(host: Host) -> None:
    given = source("甲列,乙列", ["海川", "x"])
    work = host.work()
    raw = {"columns": {"name": {"column": "乙列"}, "office_location": {"column": "甲列"}}, "key": "name"}
    assert guessed(host, work, ACCOUNT, given) == {}
    import_records.start(host, work, ACCOUNT, given, raw)
    again = source("乙列,甲列", ["y", "海川"])
    assert guessed(host, work, ACCOUNT, again) == {"name": "乙列", "office_location": "甲列"}
    other = add(host, "rep@example.com", "sales_management.sales_rep")
    theirs = host.work(User(other, "Rep", frozenset({"sales_management.sales_rep"}), None, ()))
    assert guessed(host, theirs, ACCOUNT, again) == {}


def test_an_import_by_key_says_what_is_new_changed_and_as_it_is(host: Host) -> None:
    mapping = {
        "columns": {"name": "n", "employees": "e", "sector": "s", "parent_account": "p"},
        "key": "name",
    }
    first = source("n,e,s,p", ["甲", 10, "retail", ""], ["乙", 20, "retail", "甲"], ["丙", 30, "", "甲"])
    import_records.start(host, host.work(), ACCOUNT, first, mapping)
    second = source(
        "n,e,s,p",
        ["甲", 10, "零售", ""],
        ["乙", 25, "medical", "丙"],
        ["丁", 1, "", ""],
        ["丙", "viele", "", "甲"],
    )
    found = look(host, second, mapping)
    figures = (found.rows, found.creates, found.updates, found.unchanged, found.failing)
    assert figures == (4, 1, 2, 1, 1)
    assert {(each.row, each.field, each.before, each.after) for each in found.changes} >= {
        (3, "employees", "20", "25"),
    }
    done = import_records.start(host, host.work(), ACCOUNT, second, mapping)
    assert (done.created, done.updated, done.failed) == (1, 2, 1)
    again = look(host, second, mapping)
    assert (again.creates, again.updates, again.unchanged, again.changes) == (0, 3, 3, ())


def test_values_that_do_not_fit_are_counted_and_mended_for_all_rows(host: Host) -> None:
    rows: list[list[Any]] = [
        ["甲", "technolgy", 1],
        ["乙", "technolgy", 2],
        ["丙", "nowhere", 3],
        ["丁", "retail", "many"],
    ]
    given = source("n,s,e", *rows)
    mapping: Any = {"columns": {"name": "n", "sector": {"column": "s"}, "employees": {"column": "e"}}}
    found = look(host, given, mapping)
    assert [(each.field, each.text, each.rows) for each in found.misfits] == [
        ("sector", "technolgy", 2),
        ("sector", "nowhere", 1),
        ("employees", "many", 1),
    ]
    mapping["columns"]["sector"]["values"] = {"technolgy": "technology", "nowhere": None}
    mapping["columns"]["employees"]["values"] = {"many": "100"}
    assert look(host, given, mapping).misfits == ()
    assert import_records.start(host, host.work(), ACCOUNT, given, mapping).created == 4


def test_a_preview_counts_unique_values_as_the_run_does(host: Host) -> None:
    """Taken already, or twice in the file; a name that a row gives up is free for the rows behind it."""
    raw = {"columns": {"name": "name"}}
    import_records.start(host, host.work(), ACCOUNT, source("name", ["Taken"]), raw)
    given = source("name", ["Taken"], ["New"], ["New"], ["Other"])
    seen = look(host, given, raw)
    done = import_records.start(host, host.work(), ACCOUNT, given, raw)
    assert (seen.creates, seen.failing) == (done.created, done.failed) == (2, 2)
    assert [(each.row, each.problem.code) for each in seen.problems] == [
        (2, "record.duplicate"),
        (4, "record.duplicate"),
    ]
    keyed = {"columns": {"name": "name", "short_name": "short"}, "key": "name"}
    again = look(host, source("name,short", ["Taken", "1"], ["Late", "2"], ["Late", "3"]), keyed)
    assert (again.updates, again.failing) == (1, 0), "rows with one key make one record"
    product = "sales_management.product"
    moved = {"columns": {"sku": "sku", "name": "name"}, "key": "sku"}
    import_records.start(host, host.work(), product, source("sku,name", ["P1", "A"], ["P2", "B"]), moved)
    given = source("sku,name", ["P1", "C"], ["P2", "A"], ["P3", "A"])
    seen = look(host, given, moved, product)
    done = import_records.start(host, host.work(), product, given, moved)
    assert (seen.updates, seen.failing) == (done.updated, done.failed) == (2, 1)
