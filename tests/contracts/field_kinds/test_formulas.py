"""Formulas and lookups through the whole product: true after every write, read only as far as their inputs are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import sqlalchemy as sa

from dacheng.metadata.definition import Package
from dacheng.metadata.diff import diff
from dacheng.metadata.lint import lint
from dacheng.metadata.package import read_folder
from dacheng.runtime.services import export_records, import_records, install_app, tokens
from dacheng.runtime.services.export_records import Export
from dacheng.runtime.services.import_source import Source
from dacheng.runtime.services.install_app import Candidate
from dacheng.runtime.storage import checks
from tests.contracts.field_kinds.house import KINDS, House, labelled, open_house
from tests.runtime.workspace import add
from tests.support.source import ROOT

CORE = read_folder(ROOT / "apps" / "core", KINDS)
BASE = "/api/v1/apps/firm"
EXPECTED: dict[str, Any] = {"/": [{"*": [{"var": "amount"}, {"var": "chance"}]}, 100]}
TWICE: dict[str, Any] = {"*": [{"var": "amount"}, 2]}


def formula(expression: Any, result: str, order: int, **more: Any) -> dict[str, Any]:
    return {
        "x-kind": "formula",
        "x-expression": expression,
        "x-result": result,
        "x-order": order,
        **more,
    }


def deal_fields(expected: Any = EXPECTED) -> dict[str, Any]:
    return {
        "name": {"x-kind": "text", "x-order": 1, "x-required": True},
        "firm": {"x-kind": "link", "x-to": "company", "x-order": 2},
        "amount": {"x-kind": "money", "x-order": 3},
        "chance": {"x-kind": "integer", "x-order": 4},
        "day": {"x-kind": "date", "x-order": 5},
        "lines": {"x-kind": "lines", "x-entity": "item", "x-order": 6},
        "goods": {
            "x-kind": "rollup",
            "x-of": "lines",
            "x-aggregate": "sum",
            "x-field": "total",
            "x-order": 7,
        },
        "expected": formula(expected, "money", 10),
        "large": formula({">=": [{"var": "expected"}, 1000]}, "boolean", 11),
        "called": formula({"cat": [{"var": "name"}, "!"]}, "text", 12),
        "with_goods": formula({"+": [{"var": "expected"}, {"var": "goods"}]}, "money", 13),
        "due": formula({"add_days": [{"var": "day"}, 30]}, "date", 14),
        "age": formula({"days_between": [{"var": "day"}, {"today": []}]}, "integer", 15),
        "where": {"x-kind": "lookup", "x-path": "firm.region", "x-order": 20},
        "boss": {"x-kind": "lookup", "x-path": "firm.parent.name", "x-order": 21},
    }


def firm(version: str = "1.0.0", expected: Any = EXPECTED, **more: Any) -> Package:
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
    fields = {**deal_fields(expected), **more}
    regions = {"north": {"order": 1}, "south": {"order": 2}}
    company = {
        "name": {"x-kind": "text", "x-order": 1, "x-required": True},
        "region": {"x-kind": "choice", "x-options": regions, "x-order": 2},
        "parent": {"x-kind": "link", "x-to": "company", "x-order": 3},
        "all": {
            "x-kind": "rollup",
            "x-from": "deal.firm",
            "x-aggregate": "sum",
            "x-field": "expected",
            "x-order": 4,
        },
    }
    item = {
        "name": {"x-kind": "text", "x-order": 1},
        "count": {"x-kind": "integer", "x-order": 2},
        "price": {"x-kind": "money", "x-order": 3},
        "total": formula({"*": [{"var": "count"}, {"var": "price"}]}, "money", 4),
    }
    closed = {"read": False, "write": False}
    everything = {"company": {"read": True}, "deal": {"read": True}}
    roles: dict[str, Any] = {
        "blind": {"company": {"read": True}, "deal": {"read": True, "fields": {"chance": closed}}},
        "told": {
            "company": {"read": True},
            "deal": {"read": True, "fields": {"chance": closed, "expected": {"declassified": True}}},
        },
        "lost": {"company": {"read": True, "fields": {"region": closed}}, "deal": {"read": True}},
        "alone": {"company": {"read": {"==": [{"var": "name"}, "nobody"]}}, "deal": {"read": True}},
        "all": everything,
    }
    files: dict[str, Any] = {
        f"roles/{name}.json": {"id": name, "entities": body} for name, body in roles.items()
    }
    for name, body in (("company", company), ("deal", fields)):
        files[f"entities/{name}.json"] = {
            "id": name,
            "type": "object",
            "x-title": "name",
            "properties": body,
        }
    files["entities/item.json"] = {
        "id": "item",
        "type": "object",
        "x-title": "name",
        "x-parent": "deal",
        "properties": item,
    }
    return labelled({"app.json": manifest, **files})


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One workspace per database and module: each test asks for records of its own, by name."""
    folder, url, server = tmp_path_factory.mktemp("house"), "", None
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_server")
        url = server.new_database()
    with open_house(folder, url, firm()) as opened:
        yield opened
        assert wrong(opened) == []
    if server is not None:
        server.drop(url)


@pytest.fixture
def fresh(database_url: str, tmp_path: Path) -> Iterator[House]:
    """A workspace of the test's own, for what moves the app itself."""
    with open_house(tmp_path, database_url, firm()) as opened:
        yield opened


def wrong(house: House) -> list[str]:
    found = house.host.db.read_now(lambda reader: checks.check_all(reader, house.host.model()))
    return [each.message for each in found]


def make(house: House, entity: str = "deal", **values: Any) -> str:
    answer = house.program.post(f"{BASE}/{entity}", json={"name": "d", **values})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def change(house: House, ident: str, entity: str = "deal", **values: Any) -> None:
    answer = house.program.patch(f"{BASE}/{entity}/{ident}", json=values, headers={"if-match": "*"})
    assert answer.status_code == 200, answer.text


def read(house: House, ident: str, entity: str = "deal", **headers: str) -> dict[str, Any]:
    found: dict[str, Any] = house.program.get(f"{BASE}/{entity}/{ident}", headers=headers).json()
    return found


def amount(found: dict[str, Any], name: str) -> Decimal | None:
    return None if found[name] is None else Decimal(found[name]["amount"])


def yuan(text: str, currency: str = "CNY") -> dict[str, str]:
    return {"amount": text, "currency": currency}


def rows(house: House, named: str, condition: Any = None, **params: str) -> list[dict[str, Any]]:
    """The deals whose name begins so, as a list request gives them."""
    mine = {"starts_with": [{"var": "name"}, named]}
    asked = {"filter": json.dumps({"and": [mine, condition]} if condition else mine), **params}
    answer = house.program.get(f"{BASE}/deal", params=asked)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


# ---------------------------------------------------------------- formulas
def test_a_formula_follows_every_write_of_what_it_looks_at(house: House) -> None:
    one = make(house, amount=yuan("2500"), chance=40, day="2026-01-31")
    found = read(house, one)
    assert (found["expected"], found["large"]) == (yuan("1000.00"), True)
    assert (found["called"], found["due"]) == ("d!", "2026-03-02")
    change(house, one, chance=39, name="e")
    found = read(house, one)
    assert (amount(found, "expected"), found["large"], found["called"]) == (Decimal(975), False, "e!")
    change(house, one, amount=yuan("10", "USD"))
    assert read(house, one)["expected"] == yuan("3.90", "USD")
    change(house, one, amount=None)
    found = read(house, one)
    assert (found["expected"], found["large"]) == (None, False)


def test_lines_are_reckoned_summed_up_and_reckoned_with(house: House) -> None:
    one = make(house, amount=yuan("100"), chance=50, lines=[{"count": 3, "price": yuan("2.50")}])
    found = read(house, one)
    assert found["lines"][0]["total"] == yuan("7.50")
    assert (amount(found, "goods"), amount(found, "with_goods")) == (Decimal("7.5"), Decimal("57.5"))
    line = found["lines"][0]["id"]
    change(
        house, one, lines=[{"id": line, "count": 4, "price": yuan("2.50")}, {"count": 1, "price": yuan("1")}]
    )
    found = read(house, one)
    assert (amount(found, "goods"), amount(found, "with_goods")) == (Decimal(11), Decimal(61))
    change(house, one, lines=[])
    assert amount(read(house, one), "with_goods") == Decimal(50)


def test_currencies_that_differ_give_nothing(house: House) -> None:
    one = make(house, amount=yuan("100", "USD"), chance=50, lines=[{"count": 1, "price": yuan("1")}])
    assert read(house, one)["with_goods"] is None


def test_a_roll_up_over_a_formula_follows(house: House) -> None:
    north = make(house, "company", region="north")
    one = make(house, firm=north, amount=yuan("100"), chance=50)
    make(house, firm=north, amount=yuan("10"), chance=50)
    assert amount(read(house, north, "company"), "all") == Decimal(55)
    change(house, one, chance=100)
    assert amount(read(house, north, "company"), "all") == Decimal(105)
    assert house.program.delete(f"{BASE}/deal/{one}", headers={"if-match": "*"}).status_code in (200, 204)
    assert amount(read(house, north, "company"), "all") == Decimal(5)


@pytest.mark.parametrize("historic", [False, True])
def test_imported_records_have_their_formulas_and_the_import_is_undone(house: House, historic: bool) -> None:
    named = f"import{historic}"
    file = f"name,amount,chance\n{named} a,1000,50\n{named} b,3000,\n{named} c,USD 8,25\n"
    columns = {name: {"column": name} for name in ("name", "amount", "chance")}
    done = import_records.start(
        house.host,
        house.host.work(),
        "firm.deal",
        Source("d.csv", file.encode()),
        {"columns": columns},
        rules=not historic,
        historic=historic,
    )
    assert (done.created, done.failed) == (3, 0)
    assert [row["expected"] for row in rows(house, named, sort="name")] == [
        yuan("500.00"),
        None,
        yuan("2.00", "USD"),
    ]


def test_rows_are_taken_in_by_columns_with_their_formulas(house: House) -> None:
    """Plain entities are imported in bulk: a line's sibling without lines or roll-ups above takes that way."""
    plain = {"count": {"x-kind": "integer", "x-order": 2}, "name": {"x-kind": "text", "x-order": 1}}
    plain["twice"] = formula({"*": [{"var": "count"}, 2]}, "integer", 3)
    package = labelled(
        {
            "app.json": {
                **json.loads((ROOT / "apps/core/app.json").read_text(encoding="utf-8")),
                "id": "bulk",
                "version": "1.0.0",
                "requires": {"core": "1.0.0"},
                "navigation": {},
                "permissions": {},
                "plans": {},
                "locales": ["zh-CN", "en"],
            },
            "entities/part.json": {"id": "part", "type": "object", "x-title": "name", "properties": plain},
        }
    )
    host = house.host
    install_app.install(host, host.work(), Candidate(package), sample=False)
    host.refresh()
    columns = {name: {"column": name} for name in ("name", "count")}
    cells = "".join(f"p{n},{n}\n" for n in range(50))
    done = import_records.start(
        host, host.work(), "bulk.part", Source("p.csv", f"name,count\n{cells}".encode()), {"columns": columns}
    )
    assert (done.created, done.failed) == (50, 0)
    found = house.program.get("/api/v1/apps/bulk/part", params={"sort": "-twice", "limit": "2"}).json()[
        "items"
    ]
    assert [each["twice"] for each in found] == [98, 96]


def test_formulas_are_filtered_sorted_and_never_written(house: House) -> None:
    for name, chance in (("fs a", 10), ("fs b", 90), ("fs c", 50)):
        make(house, name=name, amount=yuan("100"), chance=chance)
    items = rows(house, "fs ", {">": [{"var": "expected"}, 20]}, sort="-expected", fields="name,expected")
    assert [each["name"] for each in items] == ["fs b", "fs c"]
    refused = house.program.post(f"{BASE}/deal", json={"name": "d", "expected": yuan("1")})
    assert refused.status_code == 422
    assert refused.json()["problems"][0]["pointer"] == "/expected"


def test_what_asks_for_today_is_computed_when_read_and_gives_no_order(house: House) -> None:
    now = house.host.work().context
    today = now.now.astimezone(now.zone).date()
    one = make(house, name="age a", day=today.isoformat())
    make(house, name="age b")
    assert read(house, one)["age"] == 0
    assert [row["age"] for row in rows(house, "age ", fields="age", sort="name")] == [0, None]
    refused = house.program.get(f"{BASE}/deal", params={"sort": "age"})
    assert refused.json()["problems"][0]["code"] == "query.not_sortable"
    refused = house.program.get(f"{BASE}/deal", params={"filter": '{">": [{"var": "age"}, 1]}'})
    assert refused.status_code == 422


def test_a_formula_that_is_new_or_changed_is_filled_when_published(fresh: House) -> None:
    house = fresh
    north = make(house, "company", region="north")
    one = make(house, firm=north, amount=yuan("100"), chance=50)
    host = house.host
    new = formula({"+": [{"var": "chance"}, 1]}, "integer", 30)
    before = host.model().catalogue
    install_app.install(host, host.work(), Candidate(firm("1.1.0", TWICE, more=new)), sample=False)
    host.refresh()
    planned = {(each.kind, each.field) for each in diff(before, host.model().catalogue)}
    assert {("add_formula", "expected"), ("add_column", "more"), ("add_formula", "more")} <= planned
    found = read(house, one)
    assert [amount(found, "expected"), amount(found, "with_goods"), found["more"]] == [200, 200, 51]
    assert amount(read(house, north, "company"), "all") == Decimal(200)
    assert wrong(house) == []


def test_doctor_names_a_formula_that_is_not_true_and_repair_mends_it(house: House) -> None:
    one = make(house, amount=yuan("100"), chance=50)
    model = house.host.model()
    table = model.tables.of("firm.deal")
    house.host.db.write_now(lambda tx: tx.execute(sa.update(table).values(expected=1)))
    assert any(f"firm.deal.expected of {one}" in each for each in wrong(house))
    house.host.db.write_now(lambda tx: checks.repair(tx, model, 0))
    assert wrong(house) == []


# ---------------------------------------------------------------- lookups
def test_a_lookup_shows_the_far_value_and_lists_are_filtered_and_sorted_by_it(house: House) -> None:
    top = make(house, "company", name="top", region="south")
    south = make(house, "company", name="low", region="south", parent=top)
    north = make(house, "company", name="n", region="north")
    one = make(house, name="lk one", firm=south)
    make(house, name="lk two", firm=north)
    make(house, name="lk three")
    found = read(house, one)
    assert (found["where"], found["boss"]) == ("south", "top")
    items = rows(house, "lk ", fields="name,where", sort="-where")
    assert [(each["name"], each["where"]) for each in items] == [
        ("lk one", "south"),
        ("lk two", "north"),
        ("lk three", None),
    ]
    filtered = rows(house, "lk ", {"==": [{"var": "where"}, "north"]})
    assert [each["name"] for each in filtered] == ["lk two"]
    assert [each["name"] for each in rows(house, "lk ", where="south")] == ["lk one"]
    change(house, south, "company", region="north")
    assert read(house, one)["where"] == "north"
    refused = house.program.patch(f"{BASE}/deal/{one}", json={"where": "north"}, headers={"if-match": "*"})
    assert refused.status_code == 422


def test_pages_exports_and_groups_know_what_is_computed(house: House) -> None:
    south = make(house, "company", name="far", region="south")
    lines = [{"count": 2, "price": yuan("4.25")}]
    one = make(
        house, name="pg one", firm=south, amount=yuan("2500"), chance=40, lines=lines, day="2026-01-31"
    )
    for path, words in (
        ("?sort=-where", ("pg one",)),
        ("?group-by=where", ("L option company region south",)),
        ("?group-by=age", ("pg one",)),
        (f"/{one}", ("¥1,000.00", "L option company region south", "2026-03-02", "¥8.50")),
        (f"/{one}/edit", ('data-computed="expected"', 'data-computed="lines.0.total"', "¥8.50")),
        ("/new", ('data-computed="expected"', 'data-computed="lines.__row__.total"')),
    ):
        page = house.browser.get(f"/apps/firm/deal{path}")
        assert page.status_code == 200, path
        assert [word for word in words if word not in page.text] == [], path
    mine = {"==": [{"var": "name"}, "pg one"]}
    wanted = Export("firm.deal", ("name", "expected", "where", "large"), mine, "fields")
    written = "".join(export_records.export(house.host, house.host.work(), wanted))
    assert written.splitlines()[1].split(",")[:3] == ["pg one", "1000.00", "L option company region south"]


# ---------------------------------------------------------------- who may see what
def headers_of(house: House, role: str) -> dict[str, str]:
    host = house.host
    person = add(host, f"{role}@example.com", f"firm.{role}")
    host.refresh()
    return {"authorization": f"Bearer {tokens.create_token(host, host.work(), person, 'contract')}"}


@pytest.mark.parametrize(
    ("role", "unknown"),
    [
        ("blind", {"expected", "large", "with_goods", "chance"}),
        ("told", {"chance"}),
        ("lost", {"where"}),
        ("all", set()),
    ],
)
def test_t05_a_derived_value_is_unknown_without_all_it_is_made_of(
    house: House, role: str, unknown: set[str]
) -> None:
    north = make(house, "company", region="north")
    one = make(house, firm=north, amount=yuan("1"), chance=1)
    headers = headers_of(house, role)
    found = read(house, one, **headers)
    assert deal_fields().keys() - found.keys() == unknown
    for name in unknown:
        answers = [
            house.program.get(f"{BASE}/deal", params=asked, headers=headers)
            for word in (name, "misspelt")
            for asked in ({"sort": word}, {"fields": word}, {"filter": f'{{"is_set": {{"var": "{word}"}}}}'})
        ]
        bodies = [json.dumps(answer.json()["problems"]).replace(name, "misspelt") for answer in answers]
        assert bodies[:3] == bodies[3:]
        assert {answer.status_code for answer in answers} == {422}


def test_t05_nothing_is_looked_up_on_a_record_one_may_not_see(house: House) -> None:
    north = make(house, "company", region="north")
    one = make(house, name="alone", firm=north)
    headers = headers_of(house, "alone")
    found = read(house, one, **headers)
    assert (found["firm"], found["where"], found["boss"]) == (None, None, None)
    seen = house.program.get(f"{BASE}/deal", params={"fields": "where", "name": "alone"}, headers=headers)
    assert seen.json()["items"] == [{"where": None}]
    kept = house.program.get(f"{BASE}/deal", params={"where": "north"}, headers=headers)
    assert kept.json()["items"] == []


# ---------------------------------------------------------------- what is refused
@pytest.mark.parametrize(
    ("spec", "code"),
    [
        (formula({"+": [{"var": "nothing"}, 1]}, "integer", 40), "expression.unknown_variable"),
        (formula({"+": [{"var": "name"}, 1]}, "integer", 40), "expression.operand_type"),
        (formula({"var": "name"}, "integer", 40), "definition.expression_type"),
        (formula({"var": "firm.region"}, "text", 40), "definition.formula_inputs"),
        (formula({"is_set": {"var": "firm"}}, "boolean", 40), "definition.formula_inputs"),
        (formula({"var": "$user.id"}, "text", 40), "definition.formula_inputs"),
        (formula({"var": "version"}, "integer", 40), "definition.formula_inputs"),
        (formula({"var": "wrong"}, "integer", 40), "definition.formula_cycle"),
        (formula({"+": [{"var": "age"}, 1]}, "integer", 40), "definition.computed_on_read"),
        (
            formula(
                {"*": [{"days_between": [{"var": "day"}, {"today": []}]}, {"var": "amount"}]}, "money", 40
            ),
            "definition.formula_result",
        ),
        ({**formula({"var": "name"}, "text", 40), "x-unique": True}, "definition.no_key"),
        ({"x-kind": "lookup", "x-path": "firm.nothing", "x-order": 40}, "definition.lookup_path"),
        ({"x-kind": "lookup", "x-path": "name.region", "x-order": 40}, "definition.lookup_path"),
        ({"x-kind": "lookup", "x-path": "firm.parent", "x-order": 40}, "definition.lookup_path"),
    ],
)
def test_a_derived_field_that_cannot_be_kept_is_refused(spec: dict[str, Any], code: str) -> None:
    found = lint(firm(wrong=spec), KINDS, {"core": CORE})
    assert code in {each.code for each in found if each.pointer.startswith("/properties/wrong")}


def test_records_are_not_compared_by_what_is_computed() -> None:
    """Duplicates are looked for while one types: what follows from other fields is not there yet."""
    package = firm()
    match = {"id": "same", "entity": "deal", "keys": {"called": {"field": "called", "compare": "text"}}}
    items = MappingProxyType({**package.items, ("match", "same"): {**match, "on_match": "warn"}})
    found = lint(replace(package, items=items, hash=""), KINDS, {"core": CORE})
    assert ("definition.no_field", "/keys/called/field") in {(each.code, each.pointer) for each in found}
