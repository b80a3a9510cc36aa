"""Numbers given to new records: without gaps, never twice, anew in each period, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from dacheng.metadata.definition import Package
from dacheng.metadata.field_kinds.autonumber import AutonumberCodec
from dacheng.metadata.problem import Refused
from dacheng.runtime.services import import_records, install_app, write_record
from dacheng.runtime.services.import_source import Source
from dacheng.runtime.services.install_app import Candidate
from dacheng.runtime.services.work import Work
from dacheng.runtime.services.write_record import Write
from tests.contracts.field_kinds.house import House, labelled, open_house

ORDER = "/api/v1/apps/desk/order"
NUMBER = {"x-kind": "autonumber", "x-pattern": "SO-{yyyy}{mm}-{0000}", "x-order": 2, "x-search": True}


def desk(**properties: Any) -> Package:
    manifest = {
        "id": "desk",
        "version": f"1.0.{len(properties)}",
        "icon": "file",
        "locales": ["zh-CN", "en"],
        "requires": {"core": "1.0.0"},
        "navigation": {},
        "permissions": {},
        "plans": {},
    }
    name = {"x-kind": "text", "x-order": 1, "x-required": True}
    order = {"id": "order", "type": "object", "x-title": "name", "properties": {"name": name, **properties}}
    return labelled({"app.json": manifest, "entities/order.json": order})


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path, database_url, desk(number=NUMBER)) as opened:
        yield opened


def at(house: House, moment: datetime) -> Work:
    work = house.host.work()
    return replace(work, context=replace(work.context, now=moment))


def create(house: House, moment: datetime, name: str = "x") -> str:
    write = Write("create", "desk.order", None, values={"name": name})
    return write_record.write_now(house.host.db, at(house, moment), write).id


def numbers(house: House, **params: str) -> list[str]:
    answer = house.program.get(ORDER, params={"fields": "number", "sort": "number", "limit": "500", **params})
    assert answer.status_code == 200, answer.text
    return [each["number"] for each in answer.json()["items"]]


def test_each_period_is_counted_by_itself_in_the_workspaces_zone(house: House) -> None:
    november, evening = datetime(2026, 11, 3, tzinfo=UTC), datetime(2026, 11, 30, 16, 30, tzinfo=UTC)
    for moment in (november, november, evening, datetime(2027, 1, 1, tzinfo=UTC), november):
        create(house, moment)
    assert numbers(house) == [
        "SO-202611-0001",
        "SO-202611-0002",
        "SO-202611-0003",
        "SO-202612-0001",
        "SO-202701-0001",
    ]


def test_a_save_that_fails_leaves_no_gap(house: House) -> None:
    moment = datetime(2026, 11, 3, tzinfo=UTC)
    create(house, moment)
    good = write_record.Write("create", "desk.order", None, values={"name": "a"})
    prepared = house.host.db.read_now(lambda reader: write_record.prepare(reader, at(house, moment), good))

    def fail(tx: Any) -> None:
        write_record.commit(tx, at(house, moment), prepared)
        raise RuntimeError("after the number was given")

    with pytest.raises(RuntimeError):
        house.host.db.write_now(fail)
    create(house, moment)
    assert numbers(house) == ["SO-202611-0001", "SO-202611-0002"]


def test_many_writers_at_once_get_every_number_once(house: House) -> None:
    moment = datetime(2026, 11, 3, tzinfo=UTC)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: create(house, moment, f"n{n}"), range(60)))
    assert numbers(house) == [f"SO-202611-{n:04d}" for n in range(1, 61)]


def test_nobody_writes_a_number(house: House) -> None:
    refused = house.program.post(ORDER, json={"name": "x", "number": "SO-202611-0009"})
    assert refused.status_code == 422
    assert [each["pointer"] for each in refused.json()["problems"]] == ["/number"]
    made = house.program.post(ORDER, json={"name": "x"})
    assert made.json()["id"]
    place = made.headers["location"]
    changed = house.program.patch(place, json={"number": None}, headers={"if-match": "*"})
    assert changed.status_code == 422
    assert house.program.get(place).json()["number"].endswith("-0001")
    assert 'data-field="number"' not in house.browser.get("/apps/desk/order/new").text


@pytest.mark.parametrize("rules", [True, False])
def test_an_import_brings_its_numbers_and_the_counter_goes_on_behind(house: House, rules: bool) -> None:
    this = datetime.now(UTC).astimezone(house.host.work().context.zone).date()
    frame = f"SO-{this:%Y%m}-"
    file = f"name,number\na,{frame}0041\nb,\nc,SO-201901-0007\nd,OLD/5\ne,\n".encode()
    columns = {"name": {"column": "name"}, "number": {"column": "number"}}
    done = import_records.start(
        house.host, house.host.work(), "desk.order", Source("o.csv", file), {"columns": columns}, rules=rules
    )
    assert (done.created, done.failed) == (5, 0)
    assert numbers(house) == sorted(
        ["OLD/5", "SO-201901-0007", f"{frame}0041", f"{frame}0042", f"{frame}0043"]
    )
    create(house, datetime(2019, 1, 5, tzinfo=UTC))
    assert "SO-201901-0008" in numbers(house)
    assert numbers(house, q="0041") == [f"{frame}0041"]
    again = import_records.start(
        house.host, house.host.work(), "desk.order", Source("o.csv", file), {"columns": columns}, rules=rules
    )
    assert again.failed == 3  # taken already


def test_records_are_updated_by_their_number_and_keep_it(house: House) -> None:
    create(house, datetime(2026, 11, 3, tzinfo=UTC), "old name")
    columns = {"name": {"column": "name"}, "number": {"column": "number"}}
    mapping = {"columns": columns, "key": "number"}
    done = import_records.start(
        house.host,
        house.host.work(),
        "desk.order",
        Source("o.csv", b"number,name\nSO-202611-0001,new\n"),
        mapping,
    )
    assert (done.updated, done.failed) == (1, 0)
    assert numbers(house) == ["SO-202611-0001"]


def test_records_there_before_get_numbers_oldest_first(house: House) -> None:
    for day in (3, 4):
        create(house, datetime(2026, 11, day, tzinfo=UTC))
    create(house, datetime(2026, 12, 1, tzinfo=UTC))
    second = {"x-kind": "autonumber", "x-pattern": "{yy}/{mm}/{00}", "x-order": 3}
    host = house.host
    install_app.install(host, host.work(), Candidate(desk(number=NUMBER, second=second)), sample=False)
    host.refresh()
    create(house, datetime(2026, 12, 2, tzinfo=UTC))
    answer = house.program.get(ORDER, params={"fields": "number,second", "sort": "second"}).json()["items"]
    assert [each["second"] for each in answer] == ["26/11/01", "26/11/02", "26/12/01", "26/12/02"]
    assert [each["number"] for each in answer] == [*numbers(house)]


@pytest.mark.parametrize(
    ("pattern", "day", "frame", "first"),
    [
        ("{0000}", date(2026, 1, 2), "{n}", "0001"),
        ("合同{yy}{mm}{dd}-{00}号", date(2026, 1, 2), "合同260102-{n}号", "合同260102-01号"),
        ("a.b*{0}", date(2026, 1, 2), "a.b*{n}", "a.b*1"),
    ],
)
def test_patterns_are_written_and_read_back(pattern: str, day: date, frame: str, first: str) -> None:
    codec = AutonumberCodec({"x-pattern": pattern})
    assert codec.frame(day) == frame
    assert codec.number(frame, 1) == first
    assert codec.counted(first) == (frame, 1)
    assert codec.counted(codec.number(frame, 12345)) == (frame, 12345)
    assert codec.counted(f"{first}?") is None


@pytest.mark.parametrize("pattern", ["SO-", "{0}{0}", "{year}{0}", "{0", "0}{0}", "{}{0}"])
def test_patterns_without_exactly_one_counter_are_refused(pattern: str) -> None:
    with pytest.raises(Refused) as refused:
        AutonumberCodec({"x-pattern": pattern})
    assert refused.value.problems[0].code == "definition.bad_number_pattern"
