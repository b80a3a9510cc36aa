"""T07: an export holds what the list shows its asker and nothing more, and ends when their rights do."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from httpx2 import Response

from dacheng.metadata.problem import Refused
from dacheng.runtime.services import export_records, import_job, import_records, users
from dacheng.runtime.services import export_workbook as workbooks
from dacheng.runtime.services.audience import people
from dacheng.runtime.services.export_json import export_json
from dacheng.runtime.services.export_records import Export
from dacheng.runtime.services.export_workbook import export_workbook
from dacheng.runtime.services.import_source import Source
from dacheng.runtime.services.workbook import read_workbook
from tests.runtime.workspace import add
from tests.security.hidden import DEALS, FIELDS, PAGES, TOLD, Den, open_den

FORMATS = ("csv", "xlsx", "json")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def den(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Den]:
    sqlite = request.param == "sqlite"
    url = "" if sqlite else request.getfixturevalue("postgres_server").new_database()
    with open_den(tmp_path_factory.mktemp("den"), url) as opened:
        yield opened


def read(answer: Response, kind: str) -> list[dict[str, str]]:
    """The rows of an export by the headings of its columns."""
    assert answer.status_code == 200, answer.text
    if kind == "json":
        return [
            {k: "" if v is None else str(v) for k, v in row.items()} for row in json.loads(answer.content)
        ]
    if kind == "xlsx":
        table = read_workbook(answer.content, "")
        return [dict(zip(table.header, cells, strict=True)) for _, cells in table.rows()]
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


@pytest.mark.parametrize("kind", FORMATS)
def test_t07_a_file_has_the_rows_and_columns_that_the_list_has_for_its_asker(den: Den, kind: str) -> None:
    listed = den.program["ben"].get(DEALS, params={"sort": "name"}).json()["items"]
    found = read(
        den.program["ben"].get(f"{DEALS}/export.{kind}", params={"sort": "name", "headings": "ids"})
        if kind != "json"
        else den.program["ben"].get(f"{DEALS}/export.json", params={"sort": "name"}),
        kind,
    )
    assert [row["name"] for row in found] == [each["name"] for each in listed]
    assert {name.partition(".")[0] for name in found[0]} <= set(listed[0])
    assert not {name.partition(".")[0] for name in found[0]} & set(FIELDS)
    some = {"==": [{"var": "stage"}, "open"]}
    narrowed = {"filter": json.dumps(some), "fields": "name", "q": "First"}
    rows = read(den.program["ben"].get(f"{DEALS}/export.{kind}", params=narrowed), kind)
    assert [list(row.values())[-1] for row in rows] == ["First"]
    for place in (f"{DEALS}/export.{kind}", f"{PAGES}/export.{kind}"):
        client = den.program["ben"] if place.startswith("/api/") else den.browser["ben"]
        assert [each for each in TOLD if each in client.get(place).content] == []
    assert den.program["ada"].get(f"{DEALS}/export.{kind}", params={"fields": "priv_sum"}).status_code == 200


@pytest.mark.parametrize("kind", FORMATS)
def test_t07_without_the_right_to_export_nothing_is_read(den: Den, kind: str) -> None:
    refused = den.program["eve"].get(f"{DEALS}/export.{kind}")
    assert (refused.status_code, refused.json()["problems"][0]["code"]) == (
        403,
        "access.export_not_permitted",
    )
    assert den.nobody.get(f"{DEALS}/export.{kind}").status_code == 401
    assert den.browser["eve"].get(f"{PAGES}/export.{kind}").status_code == 403


WRITERS = (export_records.export, export_workbook, export_json)


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("how", ["role taken", "suspended"])
def test_t07_who_loses_their_rights_while_a_file_is_written_gets_no_more_of_it(
    den: Den, monkeypatch: pytest.MonkeyPatch, writer: Callable[..., Iterator[Any]], how: str
) -> None:
    monkeypatch.setattr(export_records, "PAGE", 2)
    monkeypatch.setattr(workbooks, "MEASURED", 1)
    host = den.host
    who = f"{how.partition(' ')[0]}-{writer.__name__}@example.com"
    person = add(host, who, "den.rep")
    host.refresh()
    work = host.work(host.db.read_now(lambda reader: people(reader, host.work(), [person]))[person])
    writing = writer(host, work, Export("den.deal"))
    if how == "suspended":
        users.suspend(host, host.work(), person)
    else:
        users.revoke_role(host, host.work(), person, "den.rep")
    with pytest.raises(Refused):
        list(writing)


def test_t27_an_import_under_way_ends_when_its_person_is_suspended(
    den: Den, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_job, "BATCH", 5)
    host, content = den.host, b"name\n" + b"".join(b"Late %d\n" % n for n in range(40))
    person = add(host, "leaving@example.com", "den.rep")
    host.refresh()
    work = host.work(host.db.read_now(lambda reader: people(reader, host.work(), [person]))[person])

    def left(step: str, done: int, total: int) -> None:
        if done == 10:
            users.suspend(host, host.work(), person)

    file = Source("late.csv", content)
    with pytest.raises(Refused) as refused:
        import_records.start(host, work, "den.deal", file, progress=left)
    assert refused.value.problems[0].code == "account.sign_in_needed"
    items = den.program["ada"].get(DEALS, params={"q": "Late", "count": "true"}).json()
    assert items["count"] == 10


@pytest.mark.parametrize(
    ("mode", "code"),
    [
        ({"historic": True}, "import.historic_not_permitted"),
        ({"rules": False}, "import.rules_not_permitted"),
    ],
)
def test_t27_an_import_begun_as_administrator_does_not_go_on_without_that_role(
    den: Den, mode: dict[str, bool], code: str
) -> None:
    host = den.host
    person = add(host, f"{code.rpartition('.')[2]}@example.com", "core.admin", "den.rep")
    host.refresh()
    work = host.work(host.db.read_now(lambda reader: people(reader, host.work(), [person]))[person])
    run = import_records.begin(host, work, "den.deal", Source("past.csv", b"name\nPast\n"), **mode)
    users.revoke_role(host, host.work(), person, "core.admin")
    with pytest.raises(Refused) as refused:
        import_records.go_on(host, host.renew(work), run)
    assert [each.code for each in refused.value.problems] == [code]
    assert den.program["ada"].get(DEALS, params={"q": "Past", "count": "true"}).json()["count"] == 0
