"""What single kinds promise beyond the contract: search, words, links, lint, sums."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dacheng.metadata.definition import Package
from dacheng.metadata.lint import lint
from dacheng.metadata.package import read_folder
from dacheng.runtime.services import export_records, import_records
from dacheng.runtime.services.export_records import Export
from dacheng.runtime.services.import_source import Source
from tests.contracts.field_kinds.house import KINDS, House, labelled, open_house
from tests.support.source import ROOT

THING = "/api/v1/apps/shelf/thing"
CORE = read_folder(ROOT / "apps" / "core", KINDS)


def shelf(**properties: Any) -> Package:
    """An app with one entity of these properties, a sum of its lengths of time among its measures."""
    thing = {"id": "thing", "type": "object", "x-title": "site", "properties": properties}
    measures = {
        f"measures/{name}.json": {"id": name, "entity": "thing", "aggregate": aggregate, "field": field}
        | {"dimensions": {"done": {"path": "done"}, "effort": {"path": "effort"}}}
        for name, aggregate, field in (("time", "sum", "effort"), ("share", "avg", "share"))
        if field in properties
    }
    manifest = {
        "id": "shelf",
        "version": "1.0.0",
        "icon": "file",
        "locales": ["zh-CN", "en"],
        "requires": {"core": "1.0.0"},
        "navigation": {},
        "permissions": {},
        "plans": {},
    }
    return labelled({"app.json": manifest, "entities/thing.json": thing, **measures})


PROPERTIES: dict[str, Any] = {
    "name": {"x-kind": "text", "x-order": 1},
    "done": {"x-kind": "boolean", "x-order": 2, "x-required": True},
    "share": {"x-kind": "percent", "x-order": 3},
    "effort": {"x-kind": "duration", "x-order": 4},
    "phone": {"x-kind": "phone", "x-order": 5, "x-search": True},
    "site": {"x-kind": "url", "x-order": 6},
    "mail": {"x-kind": "email", "x-order": 7, "x-search": True},
    "note": {"x-kind": "long_text", "x-order": 8, "x-search": True},
}


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path, database_url, shelf(**PROPERTIES)) as opened:
        yield opened


def put(house: House, **values: Any) -> str:
    answer = house.program.post(THING, json={"done": False, **values})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def found(house: House, text: str) -> list[str]:
    answer = house.program.get(THING, params={"q": text, "fields": "name"})
    assert answer.status_code == 200, answer.text
    return sorted(each["name"] for each in answer.json()["items"])


def test_a_phone_is_found_by_any_part_of_its_digits(house: House) -> None:
    put(house, name="mobile", phone="+86 138-0013-8000")
    put(house, name="desk", phone="0755-8888 1234")
    for text in ("13800138000", "138 0013", "0013-8000", "8000", "+86 138", "00138"):
        assert found(house, text) == ["mobile"], text
    for text in ("0755", "88881234", "0755 8888", "1234"):
        assert found(house, text) == ["desk"], text
    assert found(house, "999") == []


def test_mail_and_paragraphs_are_found_by_their_words(house: House) -> None:
    put(house, name="one", mail="Ada.Lovelace@Example.com", note="第一段\n\n张伟来过")
    assert found(house, "lovelace") == found(house, "张伟") == found(house, "ADA.love") == ["one"]


@pytest.mark.parametrize(("locale", "words"), [("zh-CN", ["是", "1 小时 30 分"]), ("en", ["Yes", "1h 30m"])])
def test_a_file_speaks_its_readers_language_and_comes_back(
    house: House, locale: str, words: list[str]
) -> None:
    put(house, name="first", done=True, effort=5400, share="0.125")
    host = house.host
    wanted = Export("shelf.thing", ("name", "done", "effort", "share"))
    text = "".join(export_records.export(host, host.work(locale=locale), wanted))
    assert text.splitlines()[1].split(",") == ["first", *words, "12.5%"]
    headings = text.splitlines()[0].split(",")
    columns = dict(zip(("name", "done", "effort", "share"), ({"column": h} for h in headings), strict=True))
    again = text.replace("first", "second").encode()
    done = import_records.start(
        host, host.work(), "shelf.thing", Source("s.csv", again), {"columns": columns}
    )
    assert (done.created, done.failed) == (1, 0)
    rows = house.program.get(THING, params={"fields": "name,done,effort,share", "sort": "name"}).json()[
        "items"
    ]
    assert [(r["done"], r["effort"], r["share"]) for r in rows] == [(True, 5400, "0.1250")] * 2


def test_lengths_of_time_and_shares_are_reckoned_with(house: House) -> None:
    put(house, name="a", effort=5400, share="0.1", done=True)
    put(house, name="b", effort=60, share="0.2")
    whole = house.program.get("/api/v1/measures/shelf/time").json()["groups"]
    assert [float(each["value"]) for each in whole] == [5460]
    by_answer = house.program.get("/api/v1/measures/shelf/time", params={"dimension": "done"}).json()[
        "groups"
    ]
    assert sorted((each["label"], float(each["value"])) for each in by_answer) == [("No", 60), ("Yes", 5400)]
    by_length = house.program.get("/api/v1/measures/shelf/time", params={"dimension": "effort"}).json()
    assert sorted(each["label"] for each in by_length["groups"]) == ["1h 30m", "1m"]
    for each in by_length["groups"]:
        behind = house.program.get(THING, params={"filter": each["filter"], "fields": "effort"})
        assert len(behind.json()["items"]) == 1
    longer = {">": [{"var": "effort"}, {"duration": "PT1M"}]}
    answer = house.program.get(THING, params={"filter": json.dumps(longer), "fields": "name"})
    assert [each["name"] for each in answer.json()["items"]] == ["a"]


def test_t22_a_web_address_gives_no_handle_and_no_link_stands_inside_another(house: House) -> None:
    record = put(
        house, name="one", site="https://example.com/?a=1&b=2", phone="13800138000", mail="a@b.example"
    )
    page = house.browser.get(f"/apps/shelf/thing/{record}").text
    assert (
        'href="https://example.com/?a=1&amp;b=2" target="_blank" rel="noopener noreferrer nofollow"' in page
    )
    assert 'href="tel:+8613800138000"' in page
    assert 'href="mailto:a@b.example"' in page
    listed = house.browser.get("/apps/shelf/thing").text
    lead = listed.partition('<td class="main">')[2].partition("</td>")[0]
    assert lead.count("<a ") == 1
    assert "example.com/?a=1&amp;b=2" in lead


def test_an_unchecked_switch_says_no_and_a_checked_one_yes(house: House) -> None:
    for sent, kept in (([("done", "false")], False), ([("done", "false"), ("done", "true")], True)):
        body = "&".join(f"{name}={value}" for name, value in [("name", "x"), ("_key", str(kept)), *sent])
        answer = house.browser.post(
            "/apps/shelf/thing/new",
            content=body,
            headers={"content-type": "application/x-www-form-urlencoded"},
        )
        assert answer.status_code == 303
        ident = answer.headers["location"].split("?")[0].rsplit("/", 1)[1]
        assert house.program.get(f"{THING}/{ident}").json()["done"] is kept


@pytest.mark.parametrize("kind", ["long_text", "json"])
@pytest.mark.parametrize("key", ["x-unique", "x-index"])
def test_long_values_are_no_keys(kind: str, key: str) -> None:
    package = shelf(site={"x-kind": "text"}, value={"x-kind": kind, key: True})
    (problem,) = [each for each in lint(package, KINDS, {"core": CORE}) if each.code == "definition.no_key"]
    assert problem.pointer == f"/properties/value/{key}"


def test_a_phone_field_is_of_a_region_that_has_telephones() -> None:
    package = shelf(site={"x-kind": "text"}, value={"x-kind": "phone", "x-region": "QQ"})
    assert "definition.no_region" in {each.code for each in lint(package, KINDS, {"core": CORE})}
