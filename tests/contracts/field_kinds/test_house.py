"""The contract of a field kind through the whole product: API, lists, forms, files, figures, on both databases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest

from dacheng.metadata.definition import Field
from dacheng.metadata.expression import check, evaluate, parse
from dacheng.metadata.problem import Refused
from dacheng.runtime.services import export_records, import_records
from dacheng.runtime.services.export_records import Export
from dacheng.runtime.services.export_workbook import export_workbook
from dacheng.runtime.services.import_source import Source
from dacheng.runtime.services.import_table import read_table
from dacheng.runtime.web.fields import view_of
from dacheng.runtime.web.fields.base import Marks
from dacheng.runtime.web.view import filters
from dacheng.runtime.web.view.filter_words import sentence
from dacheng.runtime.web.view.setting import setting_of
from tests.contracts.field_kinds.cases import CASES
from tests.contracts.field_kinds.house import API, APP, House, open_house
from tests.support import postgres

ALL = sorted(CASES)
SORTED = [kind for kind in ALL if CASES[kind].sortable]
UNSORTED = [kind for kind in ALL if not CASES[kind].sortable]
UNIQUE = [kind for kind in ALL if CASES[kind].unique]
GROUPED = [kind for kind in ALL if CASES[kind].grouped]
IMPORTED = [kind for kind in ALL if CASES[kind].imported]
POSTED = [kind for kind in ALL if CASES[kind].posted]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One workspace per database and module: every kind has entities of its own."""
    folder = tmp_path_factory.mktemp("house")
    if request.param == "sqlite":
        with open_house(folder, "") as opened:
            yield opened
        return
    server: postgres.PostgresServer = request.getfixturevalue("postgres_server")
    url = server.new_database()
    with open_house(folder, url) as opened:
        yield opened
    server.drop(url)


def field_of(house: House, kind: str) -> Field:
    return house.host.model().catalogue.entities[f"{APP}.e_{kind}"].fields["value"]


def takes(house: House, kind: str, raw: object) -> bool:
    try:
        field_of(house, kind).codec.parse(raw)
    except Refused:
        return False
    return True


@pytest.mark.parametrize("kind", ALL)
def test_a_value_is_created_read_changed_and_cleared(house: House, kind: str) -> None:
    values = house.values(kind)
    assert len(values) >= 2, "a kind shows at least two values"
    for value, following in zip(values, [*values[1:], values[0]], strict=True):
        record = house.post(kind, value)
        assert record["value"] == value
        place = f"{API}/e_{kind}/{record['id']}"
        changed = house.program.patch(place, json={"value": following}, headers={"if-match": "*"})
        assert changed.status_code == 200, changed.text
        assert house.program.get(place).json()["value"] == following
        cleared = house.program.patch(place, json={"value": None}, headers={"if-match": "*"})
        assert cleared.status_code == 200, cleared.text
        assert house.program.get(place).json().get("value") is None
        told = house.program.get(f"{place}/history").json()["items"]
        assert [each["changes"].get("value") for each in told][:2] == [[following, None], [value, following]]


@pytest.mark.parametrize("kind", ALL)
def test_bad_values_are_refused_at_the_field_and_store_nothing(house: House, kind: str) -> None:
    before = len(house.rows(kind))
    case = CASES[kind]
    alike = case.live_spec is None
    for raw in case.bad if alike else [each for each in case.bad if not takes(house, kind, each)]:
        try:
            body = json.dumps({"name": "Bad", "value": raw}, allow_nan=False).encode()
        except (TypeError, ValueError):
            continue  # no JSON can say it
        answer = house.program.post(
            f"{API}/e_{kind}", content=body, headers={"content-type": "application/json"}
        )
        assert answer.status_code in (400, 422), (raw, answer.text)
        assert all(each["message"] for each in answer.json()["problems"])
    assert len(house.rows(kind)) == before


@pytest.mark.parametrize("kind", ALL)
def test_a_required_value_is_asked_for(house: House, kind: str) -> None:
    answer = house.program.post(f"{API}/m_{kind}", json={"name": "Empty"})
    assert answer.status_code == 422
    assert [each["pointer"] for each in answer.json()["problems"]] == ["/must"]
    value = house.values(kind)[0]
    assert house.program.post(f"{API}/m_{kind}", json={"name": "Full", "must": value}).status_code == 201


@pytest.mark.parametrize("kind", UNIQUE)
def test_a_unique_value_is_taken_once(house: House, kind: str) -> None:
    first, second = house.values(kind)[:2]
    for value, status in ((first, 201), (first, 409), (second, 201)):
        answer = house.program.post(f"{API}/m_{kind}", json={"name": "U", "must": first, "one": value})
        assert answer.status_code == status, answer.text
    assert answer.status_code == 201
    for _ in range(2):  # missing values do not stand in each other's way
        assert house.program.post(f"{API}/m_{kind}", json={"name": "U", "must": first}).status_code == 201


@pytest.mark.parametrize("kind", ALL)
def test_values_are_filtered_by_what_the_list_offers(house: House, kind: str) -> None:
    field, values = field_of(house, kind), house.values(kind)
    for value in [*values, None]:
        house.post(kind, value, name="Filtered")
    named = {"==": [{"var": "name"}, "Filtered"]}

    def found(condition: object) -> list[object]:
        asked = json.dumps({"and": [named, condition]})
        return [each["value"] for each in house.rows(kind, filter=asked, fields="value")]

    assert len(found({"is_set": {"var": "value"}})) == len(values)
    assert found({"!": {"is_set": {"var": "value"}}}) == [None]
    view = view_of(field)
    for operator in view.operators:
        if operator in ("==", "!=", ">=", "<="):
            operand = view.operand(field, values[0])
            hits = found({operator: [{"var": "value"}, operand]})
            assert (values[0] in hits) == (operator != "!="), operator
        if operator in ("has", "has_not"):
            operand = view.operand(field, values[-1])
            holds = {"in": [operand, {"var": "value"}]}
            hits = found(holds if operator == "has" else {"!": holds})
            assert hits == [
                each for each in [*values, None] if (operand in (each or [])) == (operator == "has")
            ]


@pytest.mark.parametrize("kind", SORTED)
def test_values_are_sorted_missing_ones_first(house: House, kind: str) -> None:
    values = house.values(kind)
    for value in [*reversed(values), None]:
        house.post(kind, value, name="Sorted")
    named = json.dumps({"==": [{"var": "name"}, "Sorted"]})
    up = [each["value"] for each in house.rows(kind, filter=named, sort="value", fields="value")]
    down = [each["value"] for each in house.rows(kind, filter=named, sort="-value", fields="value")]
    assert up == [None, *values]
    assert down == [*reversed(values), None]


@pytest.mark.parametrize("kind", UNSORTED)
def test_a_kind_without_an_order_is_not_sorted_by(house: House, kind: str) -> None:
    house.post(kind, house.values(kind)[0], name="Unsorted")
    answer = house.program.get(f"{API}/e_{kind}", params={"sort": "value"})
    assert answer.status_code == 422
    assert [each["code"] for each in answer.json()["problems"]] == ["query.not_sortable"]
    page = house.browser.get(f"/apps/{APP}/e_{kind}").text
    assert "sort=value" not in page
    assert "sort=name" in page


@pytest.mark.parametrize("kind", ALL)
def test_a_condition_is_built_by_hand_and_read_as_a_sentence(house: House, kind: str) -> None:
    field, value = field_of(house, kind), house.values(kind)[0]
    view, setting = view_of(field), setting_of(house.host.work(locale="en"))
    if not view.operators:
        return
    control = view.filter_control(field, setting, "v", "f-v")
    assert 'name="v"' in control({}, Marks())
    texts = view.texts(field, setting, "v", value)
    assert 'name="v"' in control(texts, Marks())
    if "==" not in view.operators:
        return
    built = filters.condition(field, "==", "v", texts, setting)
    house.post(kind, value, name="Built")
    asked = json.dumps({"and": [{"==": [{"var": "name"}, "Built"]}, built]})
    assert [each["value"] for each in house.rows(kind, filter=asked)] == [value]
    if not field.leads_to_records:
        said = sentence(built, lambda path: field, setting, {})
        assert said.strip()
        assert "…" not in said


@pytest.mark.parametrize("kind", GROUPED)
def test_a_measure_counts_by_value(house: House, kind: str) -> None:
    value = house.values(kind)[0]
    house.post(kind, value, name="Counted")
    asked = json.dumps({"==": [{"var": "name"}, "Counted"]})
    answer = house.program.get(
        f"/api/v1/measures/{APP}/c_{kind}", params={"dimension": "value", "filter": asked}
    )
    assert answer.status_code == 200, answer.text
    groups = answer.json()["groups"]
    group = groups[0]
    assert [each["value"] for each in groups] == [1] * (len(value) if field_of(house, kind).is_listed else 1)
    assert group["label"]
    behind = house.rows(
        kind, filter=json.dumps(group["filter"]) if not isinstance(group["filter"], str) else group["filter"]
    )
    assert any(each["name"] == "Counted" for each in behind)


@pytest.mark.parametrize("kind", IMPORTED)
@pytest.mark.parametrize("headings", ["labels", "ids"])
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_an_export_comes_back_as_it_was(house: House, kind: str, headings: str, form: str) -> None:
    name = f"Kept {headings} {form}"
    values = house.values(kind)
    for value in [*values, None]:
        house.post(kind, value, name=name)
    host, ref = house.host, f"{APP}.e_{kind}"
    only = {"==": [{"var": "name"}, name]}
    wanted = Export(ref, ("name", "value"), only, headings, sort=("created_at",))
    if form == "csv":
        content = "".join(export_records.export(host, host.work(), wanted)).encode()
    else:
        content = b"".join(export_workbook(host, host.work(), wanted))
    header = read_table(content).header
    column = {"column": header[1], **({"match": "name"} if field_of(house, kind).leads_to_records else {})}
    again = f"{name} again"
    mapping = {"columns": {"name": {"column": header[0], "values": {name: again}}, "value": column}}
    done = import_records.start(host, host.work(), ref, Source(f"k.{form}", content), mapping)
    assert (done.created, done.failed) == (len(values) + 1, 0)
    found = json.dumps({"==": [{"var": "name"}, again]})
    back = [each["value"] for each in house.rows(kind, filter=found, sort="created_at", fields="value")]
    assert sorted(map(repr, back)) == sorted(map(repr, [*values, None]))


@pytest.mark.parametrize("kind", POSTED)
def test_a_form_sends_the_value_and_shows_it_again(house: House, kind: str) -> None:
    base, field = f"/apps/{APP}/e_{kind}", field_of(house, kind)
    view, setting = view_of(field), setting_of(house.host.work(locale="en"))
    empty = house.browser.get(f"{base}/new")
    assert empty.status_code == 200
    assert 'data-field="value"' in empty.text
    for value in house.values(kind):
        texts = view.texts(field, setting, "value", value)
        sent = {"name": "Posted", **texts, "_key": f"{kind}-{hash(repr(value))}"}
        answer = house.browser.post(f"{base}/new", data=sent)
        assert answer.status_code == 303, unescape(answer.text)[:3000]
        record = answer.headers["location"].split("?")[0]
        ident = record.rsplit("/", 1)[1]
        assert house.program.get(f"{API}/e_{kind}/{ident}").json()["value"] == value
        assert house.browser.get(record).status_code == 200
        edit = house.browser.get(f"{record}/edit")
        assert edit.status_code == 200
        assert "style=" not in edit.text


@pytest.mark.parametrize("kind", ALL)
def test_a_value_comes_back_whatever_is_taken_back(house: House, kind: str) -> None:
    """A change, a change of many, a deletion and a merge: what was there before is there again, to the last byte."""
    first, second = (house.values(kind) * 2)[:2]
    base, program = f"{API}/e_{kind}", house.program
    one, other = (house.post(kind, each) for each in (first, second))
    before = [one["value"], other["value"]]

    def done(path: str, **body: Any) -> dict[str, Any]:
        answer = program.post(f"{base}{path}", json=body) if body else program.post(f"{base}{path}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def held() -> list[Any]:
        return [program.get(f"{base}/{each['id']}").json()["value"] for each in (one, other)]

    program.patch(f"{base}/{one['id']}", json={"value": None}, headers={"if-match": "*"})
    latest = program.get(f"{base}/{one['id']}/history").json()["items"][0]["seq"]
    done(f"/{one['id']}/changes/{latest}/undo?whole=true")
    assert held() == before
    bulk = done("/bulk", ids=[one["id"]], action="set", values={"value": other["value"], "name": "Many"})
    assert held() == [before[1], before[1]]
    done(f"/bulk/{bulk['undo']}/undo")
    assert held() == before
    merged = done(f"/{one['id']}/merge", drop=other["id"], take=["value"])
    assert program.get(f"{base}/{one['id']}").json()["value"] == before[1]
    assert done(f"/merges/{merged['id']}/undo")["kept"] == 0
    assert held() == before


@pytest.mark.parametrize("kind", ALL)
def test_a_list_shows_a_cell_for_every_value(house: House, kind: str) -> None:
    field, values = field_of(house, kind), house.values(kind)
    for value in values:
        house.post(kind, value, name="Shown")
    page = house.browser.get(f"/apps/{APP}/e_{kind}")
    assert page.status_code == 200
    assert "style=" not in page.text
    if not field.leads_to_records:  # a link's title is drawn from its own record
        cell = view_of(field).cell(field, setting_of(house.host.work(locale="en")))
        for value in values:
            drawn = cell(field.codec.store(field.codec.parse(value)))
            assert drawn
            assert drawn in page.text


def test_every_kind_is_in_the_description_of_the_api(house: House) -> None:
    described = json.dumps(house.program.get("/api/v1/openapi.json").json())
    assert all(f"{API}/e_{kind}" in described for kind in ALL)


LISTS = [kind for kind in ALL if kind in ("multi_choice", "tags")]


@pytest.mark.parametrize("kind", LISTS)
def test_a_list_of_texts_means_the_same_in_python_and_in_the_database(house: House, kind: str) -> None:
    values = [*house.values(kind), None]
    for value in values:
        house.post(kind, value, name="Listed")
    first = house.values(kind)[0][0]
    held, item = {"var": "value"}, {"var": ""}
    entity = house.host.model().catalogue.entities[f"{APP}.e_{kind}"]
    work = house.host.work()
    for condition in (
        {"in": [first, held]},
        {"some": [held, {"==": [item, first]}]},
        {"all": [held, {"==": [item, first]}]},
        {"none": [held, {"starts_with": [item, first[:1]]}]},
        {"==": [{"length": [held]}, 2]},
        {"is_set": [held]},
    ):
        asked = json.dumps({"and": [{"==": [{"var": "name"}, "Listed"]}, condition]})
        found = [each["value"] for each in house.rows(kind, filter=asked, sort="created_at", fields="value")]
        meant = check(parse(condition), entity.scope)
        now, zone = work.context.now, work.context.zone
        operands = [tuple(value or ()) for value in values]
        expected = [
            v
            for v, o in zip(values, operands, strict=True)
            if evaluate(meant, {"value": o}, now=now, zone=zone)
        ]
        assert found == expected, condition


def test_addresses_are_asked_for_by_their_parts(house: House) -> None:
    first, second = house.values("address")
    for value in (first, second, None):
        house.post("address", value, name="Parts")

    def found(condition: object) -> list[object]:
        asked = json.dumps({"and": [{"==": [{"var": "name"}, "Parts"]}, condition]})
        return [each["value"] for each in house.rows("address", filter=asked, fields="value")]

    assert found({"==": [{"var": "value.province"}, "浙江省"]}) == [first]
    assert found({"==": [{"var": "value.district"}, "海淀区"]}) == [second]
    assert found({"contains": [{"var": "value"}, "文三路"]}) == [first]
    assert found({"==": [{"var": "value.street"}, None]}) == [None]
