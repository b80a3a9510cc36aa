"""Roll-ups over the records that link here: kept in the transaction that writes those, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dacheng.metadata.definition import Package
from dacheng.metadata.lint import lint
from dacheng.metadata.package import read_folder
from dacheng.runtime.services import import_records, install_app, tokens
from dacheng.runtime.services.import_source import Source
from dacheng.runtime.services.install_app import Candidate
from dacheng.runtime.storage import checks
from tests.contracts.field_kinds.house import KINDS, House, labelled, open_house
from tests.runtime.workspace import add
from tests.support.source import ROOT

CORE = read_folder(ROOT / "apps" / "core", KINDS)
BASE = "/api/v1/apps/firm"
WON = {"==": [{"var": "state"}, "won"]}
FIGURES: dict[str, Any] = {
    "deals": {"x-kind": "rollup", "x-from": "deal.firm", "x-aggregate": "count", "x-order": 10},
    "won": {
        "x-kind": "rollup",
        "x-from": "deal.firm",
        "x-aggregate": "sum",
        "x-field": "amount",
        "x-filter": WON,
        "x-order": 11,
    },
    "first": {
        "x-kind": "rollup",
        "x-from": "deal.firm",
        "x-aggregate": "min",
        "x-field": "day",
        "x-filter": {">": [{"var": "amount"}, 5]},
        "x-order": 12,
    },
}


def firm(figures: dict[str, Any] = FIGURES, version: str = "1.0.0", **deal: Any) -> Package:
    manifest = {
        "id": "firm",
        "version": version,
        "icon": "file",
        "locales": ["zh-CN", "en"],
        "requires": {"core": "1.0.0"},
        "navigation": {},
        "permissions": {},
        "plans": {},
    }
    name = {"x-kind": "text", "x-order": 1, "x-required": True}
    company = {"id": "company", "type": "object", "x-title": "name", "properties": {"name": name, **figures}}
    states = {"open": {"order": 1}, "won": {"order": 2}}
    fields = {
        "name": name,
        "firm": {"x-kind": "link", "x-to": "company", "x-order": 2},
        "amount": {"x-kind": "money", "x-order": 3},
        "state": {"x-kind": "choice", "x-options": states, "x-order": 4},
        "day": {"x-kind": "date", "x-order": 5},
        **deal,
    }
    deals = {"id": "deal", "type": "object", "x-title": "name", "properties": fields}
    seen = {"read": True, "fields": {"state": {"read": False, "write": False}}}
    role = {"id": "clerk", "entities": {"company": {"read": True}, "deal": seen}}
    mine = {"==": [{"var": "owner"}, {"var": "$user.id"}]}
    rep = {"id": "rep", "entities": {"company": {"read": True}, "deal": {"read": mine}}}
    roles = {"roles/clerk.json": role, "roles/rep.json": rep}
    return labelled(
        {**roles, "app.json": manifest, "entities/company.json": company, "entities/deal.json": deals}
    )


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path, database_url, firm()) as opened:
        yield opened
        found = opened.host.db.read_now(lambda reader: checks.check_all(reader, opened.host.model()))
        assert [each.message for each in found] == []


def company(house: House, name: str) -> str:
    return str(house.program.post(f"{BASE}/company", json={"name": name}).json()["id"])


def deal(house: House, firm: str | None, amount: str, state: str = "won", day: str = "2026-01-02") -> str:
    body = {
        "name": "d",
        "firm": firm,
        "amount": {"amount": amount, "currency": "CNY"},
        "state": state,
        "day": day,
    }
    answer = house.program.post(f"{BASE}/deal", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def change(house: House, ident: str, **values: Any) -> None:
    answer = house.program.patch(f"{BASE}/deal/{ident}", json=values, headers={"if-match": "*"})
    assert answer.status_code == 200, answer.text


def figures(house: House, ident: str) -> tuple[int, Decimal, str | None]:
    found = house.program.get(f"{BASE}/company/{ident}").json()
    return found["deals"], Decimal(found["won"]["amount"]), found.get("first")


def test_figures_follow_every_write_of_what_links_here(house: House) -> None:
    one, other = company(house, "one"), company(house, "other")
    assert figures(house, one) == (0, Decimal(0), None)
    first = deal(house, one, "10.50", day="2026-03-01")
    second = deal(house, one, "4", "open", day="2026-01-01")
    assert figures(house, one) == (2, Decimal("10.50"), "2026-03-01")
    change(house, second, state="won")
    assert figures(house, one) == (2, Decimal("14.50"), "2026-03-01")
    change(house, second, amount={"amount": "6", "currency": "CNY"})
    assert figures(house, one) == (2, Decimal("16.50"), "2026-01-01")
    change(house, first, state="open")
    assert figures(house, one) == (2, Decimal(6), "2026-01-01")
    change(house, second, firm=other)
    assert figures(house, one) == (1, Decimal(0), "2026-03-01")
    assert figures(house, other) == (1, Decimal(6), "2026-01-01")
    change(house, second, firm=None)
    assert figures(house, other) == (0, Decimal(0), None)


def test_the_recycle_bin_takes_out_and_brings_back(house: House) -> None:
    one = company(house, "one")
    gone = deal(house, one, "10")
    deal(house, one, "1")
    assert house.program.delete(f"{BASE}/deal/{gone}", headers={"if-match": "*"}).status_code in (200, 204)
    assert figures(house, one) == (1, Decimal(1), None)
    restored = house.program.post(f"{BASE}/deal/{gone}/restore")
    assert restored.status_code in (200, 204), restored.text
    assert figures(house, one) == (2, Decimal(11), "2026-01-02")


@pytest.mark.parametrize("historic", [False, True])
def test_imported_records_are_counted(house: House, historic: bool) -> None:
    one = company(house, "one")
    file = "name,firm,amount,state,day\n" + "a,one,3,won,2026-01-05\nb,one,7,won,2026-01-04\nc,,9,won,\n"
    columns: dict[str, Any] = {n: {"column": n} for n in ("name", "amount", "state", "day")}
    columns["firm"] = {"column": "firm", "match": "name"}
    work = house.host.work()
    source = Source("d.csv", file.encode())
    done = import_records.start(
        house.host, work, "firm.deal", source, {"columns": columns}, rules=not historic, historic=historic
    )
    assert (done.created, done.failed) == (3, 0)
    assert figures(house, one) == (2, Decimal(10), "2026-01-04")


def test_many_writers_at_once_lose_nothing(house: House) -> None:
    firms = [company(house, f"f{n}") for n in range(3)]
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda n: deal(house, firms[n % 3], "1"), range(30)))
        list(pool.map(lambda n: change(house, made[n], firm=firms[(n + 1) % 3]), range(0, 30, 2)))
    counted = [figures(house, each) for each in firms]
    assert sum(each[0] for each in counted) == 30
    assert sum(each[1] for each in counted) == 30


def test_figures_are_filtered_and_sorted_by(house: House) -> None:
    small, large = company(house, "small"), company(house, "large")
    deal(house, small, "1")
    for _ in range(2):
        deal(house, large, "5")
    params = {"sort": "-won", "fields": "name,deals", "filter": '{">": [{"var": "deals"}, 0]}'}
    items = house.program.get(f"{BASE}/company", params=params).json()["items"]
    assert [(each["name"], each["deals"]) for each in items] == [("large", 2), ("small", 1)]


def test_a_changed_filter_is_reckoned_anew_when_it_is_published(house: House) -> None:
    one = company(house, "one")
    deal(house, one, "10")
    deal(house, one, "4", "open")
    opened = {**FIGURES, "won": {**FIGURES["won"], "x-filter": {"==": [{"var": "state"}, "open"]}}}
    host = house.host
    install_app.install(host, host.work(), Candidate(firm(opened, "1.1.0")), sample=False)
    host.refresh()
    assert figures(house, one) == (2, Decimal(4), "2026-01-02")
    deal(house, one, "2", "open")
    assert figures(house, one)[1] == Decimal(6)


@pytest.mark.parametrize(("role", "known"), [("clerk", {"deals", "first"}), ("rep", set())])
def test_t05_a_figure_is_unknown_without_all_it_is_made_of(house: House, role: str, known: set[str]) -> None:
    one = company(house, "one")
    deal(house, one, "10")
    host = house.host
    person = add(host, f"{role}@example.com", f"firm.{role}")
    host.refresh()
    token = tokens.create_token(host, host.work(), person, "contract")
    headers = {"authorization": f"Bearer {token}"}
    found = house.program.get(f"{BASE}/company/{one}", headers=headers).json()
    assert {"deals", "won", "first"} & found.keys() == known
    hidden = house.program.get(f"{BASE}/company", params={"sort": "won"}, headers=headers).json()
    misspelt = house.program.get(f"{BASE}/company", params={"sort": "wonn"}, headers=headers).json()
    assert hidden["problems"][0]["code"] == misspelt["problems"][0]["code"] == "query.unknown_field"


@pytest.mark.parametrize(
    ("spec", "code", "at"),
    [
        ({"x-from": "deal.nothing"}, "definition.no_field", "/x-from"),
        ({"x-from": "nothing.firm"}, "definition.no_field", "/x-from"),
        ({"x-from": "deal.name"}, "definition.no_field", "/x-from"),
        ({}, "definition.no_field", "/x-from"),
        (
            {"x-from": "deal.firm", "x-aggregate": "sum", "x-field": "name"},
            "definition.not_a_number",
            "/x-field",
        ),
        (
            {"x-from": "deal.firm", "x-filter": {"==": [{"var": "firm.name"}, "x"]}},
            "definition.rollup_filter",
            "/x-filter",
        ),
        (
            {"x-from": "deal.firm", "x-filter": {"<": [{"var": "day"}, {"today": []}]}},
            "definition.rollup_filter",
            "/x-filter",
        ),
    ],
)
def test_a_roll_up_that_cannot_be_kept_is_refused(spec: dict[str, Any], code: str, at: str) -> None:
    figure = {"x-kind": "rollup", "x-aggregate": "count", "x-order": 20, **spec}
    found = lint(firm({"figure": figure}), KINDS, {"core": CORE})
    assert (code, f"/properties/figure{at}") in {(each.code, each.pointer) for each in found}
