"""Saving: typed values, defaults, lines, permission before and after, conflicts, request keys."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dacheng.metadata.problem import Refused
from dacheng.runtime.services import read_records
from dacheng.runtime.services.gate import Query
from tests.runtime.services.workspace import Workspace

BUYER, ORDER, ITEM = "shop.buyer", "shop.order", "shop.item"


def order(shop: Workspace, who: str = "clara", number: str = "A-1", **values: object) -> str:
    item = shop.create("kim", ITEM, {"name": f"Lamp {number}"})
    lines = [{"item": item, "quantity": "2", "amount": "800"}, {"quantity": "1", "amount": "400.50"}]
    return shop.create(who, ORDER, {"number": number, "lines": lines, **values})


def get(shop: Workspace, who: str, ref: str, record: str) -> read_records.RecordView:
    return shop.read(lambda reader: read_records.get(reader, shop.work(who), ref, record))


def codes(refused: pytest.ExceptionInfo[Refused]) -> dict[str, str]:
    return {each.pointer: each.code for each in refused.value.problems}


def test_a_new_record_has_defaults_owner_department_and_roll_ups(shop: Workspace) -> None:
    found = get(shop, "clara", ORDER, order(shop)).values
    assert (found["state"], found["owner"], found["version"]) == ("draft", shop.people["clara"], 1)
    assert found["ordered_on"].isoformat() == "2026-03-10"
    assert (found["total"].amount, found["line_count"]) == (Decimal("1200.50"), 2)
    kept = get(shop, "kim", ORDER, shop_first(shop))
    assert kept.values["department"] == shop.people["department"]


def shop_first(shop: Workspace) -> str:
    page = shop.read(lambda r: read_records.list_page(r, shop.work("kim"), Query(ORDER)))
    return page.ids[0]


def test_unknown_hidden_derived_and_system_fields_are_refused_alike(shop: Workspace) -> None:
    values = {
        "number": "A",
        "nonsense": 1,
        "bonus": "5",
        "total": "9",
        "version": 4,
        "id": "x",
        "created_at": None,
    }
    with pytest.raises(Refused) as refused:
        shop.create("clara", ORDER, values)
    assert codes(refused) == {
        f"/{name}": "record.unknown_field"
        for name in ("nonsense", "bonus", "total", "version", "id", "created_at")
    }
    assert {p.message.replace(str(p.params["name"]), "") for p in refused.value.problems} == {
        "“” is not a field that can be written here."
    }


@pytest.mark.parametrize("wrong", [{"$ne": 1}, ["x"], 5, True, {"number": "x"}])
def test_a_wrong_type_is_refused_at_its_field(small_shop: Workspace, wrong: object) -> None:
    with pytest.raises(Refused) as refused:
        small_shop.create("clara", ORDER, {"number": wrong})
    assert [each.pointer for each in refused.value.problems] == ["/number"]


def test_every_problem_is_told_at_once(shop: Workspace) -> None:
    values = {
        "buyer": "01900000-0000-7000-8000-000000000000",
        "lines": [{"quantity": "x"}, {"id": "y", "amount": 1}],
    }
    with pytest.raises(Refused) as refused:
        shop.create("clara", ORDER, values)
    assert codes(refused) == {
        "/number": "record.required",
        "/buyer": "record.link_missing",
        "/lines/0/quantity": "value.not_a_number",
        "/lines/0/amount": "record.required",
        "/lines/1/id": "record.line_missing",
        "/lines/1/quantity": "record.required",
    }


def test_lines_sent_are_the_lines_that_stay(shop: Workspace) -> None:
    record = order(shop)
    first, second = get(shop, "clara", ORDER, record).lines["lines"]
    lines = [{"id": second["id"], "amount": "10"}, {"quantity": "3", "amount": "1"}]
    saved = shop.update("clara", ORDER, record, {"lines": lines})
    after = get(shop, "clara", ORDER, record)
    assert [str(line["amount"].amount) for line in after.lines["lines"]] == ["10.00", "1.00"]
    assert after.lines["lines"][0]["id"] == second["id"]
    assert first["id"] not in [line["id"] for line in after.lines["lines"]]
    assert (saved.version, after.values["total"].amount) == (2, Decimal(11))


def test_lines_of_another_record_cannot_be_taken(shop: Workspace) -> None:
    mine, other = order(shop, number="A-1"), order(shop, "cody", "A-2")
    stolen = get(shop, "cody", ORDER, other).lines["lines"][0]["id"]
    with pytest.raises(Refused) as refused:
        shop.update("clara", ORDER, mine, {"lines": [{"id": stolen, "amount": "1"}]})
    assert codes(refused)["/lines/0/id"] == "record.line_missing"


def test_a_record_one_may_not_see_is_missing_and_cannot_be_touched(shop: Workspace) -> None:
    record = order(shop, "cody")
    for action in ("update", "delete", "restore"):
        with pytest.raises(Refused) as refused:
            shop.save("clara", action, ORDER, record, values={"number": "B"})
        assert codes(refused) == {"": "record.missing"}
    with pytest.raises(Refused) as refused:
        get(shop, "clara", ORDER, record)
    assert codes(refused) == {"": "record.missing"}


def test_a_row_may_not_be_moved_out_of_or_into_reach(shop: Workspace) -> None:
    """T13: rights are checked on the row before and after."""
    buyer = shop.create("cody", BUYER, {"name": "Acme"})
    with pytest.raises(Refused) as refused:
        shop.update("clara", BUYER, buyer, {"owner": shop.people["clara"]})
    assert codes(refused) == {"": "access.not_permitted"}
    mine = shop.create("clara", BUYER, {"name": "Mine"})
    with pytest.raises(Refused) as refused:
        shop.update("clara", BUYER, mine, {"owner": shop.people["cody"]})
    assert codes(refused) == {"": "access.not_permitted_after"}
    shop.update("kim", BUYER, mine, {"owner": shop.people["cody"]})


def test_who_may_only_look_may_not_write(shop: Workspace) -> None:
    with pytest.raises(Refused) as refused:
        shop.create("gus", ITEM, {"name": "Lamp"})
    assert codes(refused) == {"": "access.not_permitted"}
    with pytest.raises(Refused) as refused:
        shop.create("gus", BUYER, {"name": "Acme"})
    assert codes(refused) == {"": "query.unknown_entity"}


def test_a_stale_version_names_both_values(shop: Workspace) -> None:
    buyer = shop.create("clara", BUYER, {"name": "Acme", "visits": 1})
    shop.update("clara", BUYER, buyer, {"visits": 2}, expected_version=1)
    with pytest.raises(Refused) as refused:
        shop.update("clara", BUYER, buyer, {"visits": 3, "name": "Acme"}, expected_version=1)
    (found,) = refused.value.problems
    assert (found.code, found.pointer) == ("record.conflict", "/visits")
    assert (found.params["theirs"], found.params["yours"]) == ("2", "3")
    assert shop.update("clara", BUYER, buyer, {"visits": 3}).version == 3


def test_the_same_request_key_is_one_record(shop: Workspace) -> None:
    first = shop.save("clara", "create", BUYER, values={"name": "Acme"}, key="k1")
    again = shop.save("clara", "create", BUYER, values={"name": "Acme"}, key="k1")
    assert (again.id, again.version, again.replayed) == (first.id, 1, True)
    with pytest.raises(Refused) as refused:
        shop.save("clara", "create", BUYER, values={"name": "Other"}, key="k1")
    assert codes(refused) == {"": "record.key_reused"}
    assert shop.save("cody", "create", BUYER, values={"name": "Acme"}, key="k1").id != first.id


def test_a_duplicate_names_its_field_but_never_a_hidden_one(shop: Workspace) -> None:
    shop.create("clara", BUYER, {"name": "Acme", "code": "A1"})
    with pytest.raises(Refused) as refused:
        shop.create("cody", BUYER, {"name": "Other", "code": "A1"})
    assert codes(refused) == {"/code": "record.duplicate"}


def test_deleted_records_come_back_with_their_lines(shop: Workspace) -> None:
    record = order(shop)
    shop.save("clara", "delete", ORDER, record)
    with pytest.raises(Refused):
        get(shop, "clara", ORDER, record)
    with pytest.raises(Refused) as refused:
        shop.save("cody", "restore", ORDER, record)
    assert codes(refused) == {"": "record.missing"}
    shop.save("clara", "restore", ORDER, record)
    assert len(get(shop, "clara", ORDER, record).lines["lines"]) == 2


def test_lines_are_not_records_of_their_own(shop: Workspace) -> None:
    record = order(shop)
    line = get(shop, "kim", ORDER, record).lines["lines"][0]["id"]
    for action in ("update", "delete"):
        with pytest.raises(Refused) as refused:
            shop.save("kim", action, "shop.order_line", line, values={"amount": "0"})
        assert codes(refused) == {"": "query.unknown_entity"}


def test_an_unchanged_save_changes_nothing(shop: Workspace) -> None:
    buyer = shop.create("clara", BUYER, {"name": "Acme"})
    assert shop.update("clara", BUYER, buyer, {"name": "Acme", "visits": None}).version == 1
