"""Lists of links leave in a file and come back the same, whatever their records are called; lines hold them too."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from dacheng.runtime.services import export_records, import_records, undo_import
from dacheng.runtime.services.export_records import Export
from dacheng.runtime.services.import_records import Outcome
from dacheng.runtime.services.import_source import Source
from tests.contracts.derived import mill
from tests.contracts.field_kinds.house import House, open_house

BASE = f"/api/v1/apps/{mill.APP}"
NAMES = ("Ma、Sons", "a;b；c", 'say "so"', '"quoted"', "plain", "  kept  apart ", "=1+1、x", "'x", "1,5")


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path, database_url, mill.package()) as opened:
        yield opened


def make(house: House, entity: str, **values: object) -> str:
    answer = house.program.post(f"{BASE}/{entity}", json=values)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


@pytest.mark.parametrize("headings", ["labels", "ids"])
def test_titles_that_hold_what_separates_them_come_back_as_they_were(house: House, headings: str) -> None:
    firms = [make(house, "company", name=name) for name in NAMES]
    lists = [firms, firms[::-1], [firms[0]], [firms[3]], [firms[5]], firms[6:]]
    deals = [make(house, "deal", name=f"d{n}", friends=each) for n, each in enumerate(lists)]
    wanted = Export(f"{mill.APP}.deal", ("name", "friends"), None, headings, ("name",))
    host = house.host
    written = "".join(export_records.export(host, host.work(), wanted))
    head, *rows = csv.reader(written.splitlines(keepends=True))
    for deal in deals:
        emptied = house.program.patch(
            f"{BASE}/deal/{deal}", json={"friends": None}, headers={"if-match": "*"}
        )
        assert emptied.status_code == 200
    mapping = {"columns": {"name": head[0], "friends": head[1]}, "key": "name"}
    done = import_records.start(
        host, host.work(), f"{mill.APP}.deal", Source("d.csv", written.encode()), mapping
    )
    assert (done.updated, done.failed) == (len(rows), 0)
    found = [house.program.get(f"{BASE}/deal/{each}").json()["friends"] for each in deals]
    assert found == lists


def test_lines_hold_links_and_lists_of_them_and_refuse_what_is_not_there(house: House) -> None:
    firms = [make(house, "company", name=f"f{n}") for n in range(3)]
    lamp = make(house, "product", name="lamp")
    deal = make(house, "deal", name="d", lines=[{"count": 1, "product": lamp, "partners": firms[:2]}])
    line = house.program.get(f"{BASE}/deal/{deal}").json()["lines"][0]
    assert (line["product"], line["partners"]) == (lamp, firms[:2])
    page = house.browser.get(f"/apps/{mill.APP}/deal/{deal}/edit").text
    assert all(each in page for each in (lamp, *firms[:2]))
    wrong = {"lines": [{"id": line["id"], "partners": [firms[2], deal]}]}
    refused = house.program.patch(f"{BASE}/deal/{deal}", json=wrong, headers={"if-match": "*"})
    assert [each["pointer"] for each in refused.json()["problems"]] == ["/lines/0/partners"]
    assert house.program.delete(f"{BASE}/company/{firms[0]}", headers={"if-match": "*"}).status_code == 204
    assert house.program.delete(f"{BASE}/product/{lamp}", headers={"if-match": "*"}).status_code == 204
    line = house.program.get(f"{BASE}/deal/{deal}").json()["lines"][0]
    assert (line["product"], line["partners"]) == (None, [firms[1]])


def take_in(house: House, entity: str, text: str, **columns: object) -> Outcome:
    """A file whose rows find their records by name."""
    head = text.split("\n", 1)[0].split(",")
    mapping = {"columns": {**{each: each for each in head}, **columns}, "key": "name"}
    source = Source("f.csv", text.encode())
    return import_records.start(house.host, house.host.work(), f"{mill.APP}.{entity}", source, mapping)


def test_rows_of_one_key_make_one_record_though_nothing_demands_it(house: House) -> None:
    done = take_in(house, "deal", "name,chance\nsame,1\nother,5\nsame,2\nsame,3\n")
    assert (done.created, done.updated, done.failed) == (2, 2, 0)
    items = house.program.get(f"{BASE}/deal", params={"fields": "name,chance", "sort": "name"}).json()[
        "items"
    ]
    assert items == [{"name": "other", "chance": 5}, {"name": "same", "chance": 3}]


def test_a_record_led_to_one_of_the_file_is_given_back_when_the_import_is_undone(house: House) -> None:
    """What the undoing itself let go of was not edited by anybody."""
    old = make(house, "company", name="old", region="north")
    done = take_in(house, "company", "name,region,parent\nnew,,\nold,south,new\nlow,,new\n")
    assert (done.created, done.updated, done.failed) == (2, 1, 0)
    undone = undo_import.undo(house.host, house.host.work(), done.run, import_records.silent)
    assert (undone.reversed, undone.kept, undone.failed) == (3, 0, 0)
    found = house.program.get(f"{BASE}/company/{old}").json()
    assert (found["region"], found["parent"]) == ("north", None)


def test_a_link_to_a_row_that_did_not_come_in_is_not_lost_in_silence(house: House) -> None:
    """The row is stored, and the import says which of its links stayed empty and why."""
    text = "name,region,parent\nlow,,top\ntop,nowhere,\ntwin,,\nboth,,twin\ntwin,,\n"
    source, host = Source("f.csv", text.encode()), house.host
    columns = {each: each for each in ("name", "region", "parent")}
    done = import_records.start(host, host.work(), f"{mill.APP}.company", source, {"columns": columns})
    assert (done.created, done.failed, done.open) == (4, 1, 2)
    run = import_records.demand_run(host, host.work(), done.run)
    told = [(each.reason.code, each.reason.params["value"]) for each in undo_import.open_links(run)]
    assert told == [("import.link_not_found", "top"), ("import.link_ambiguous", "twin")]
    page = house.browser.get(f"/import/{done.run}")
    assert page.status_code == 200
    assert all(each in page.text for each in ("a link stayed empty", ">low<", ">both<"))
    assert house.program.get(f"/api/v1/imports/{done.run}").json()["open"] == 2
    undone = undo_import.undo(host, host.work(), done.run, import_records.silent)
    assert (undone.reversed, undone.kept, undone.failed) == (4, 0, 0)
