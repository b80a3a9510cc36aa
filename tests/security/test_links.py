"""T06: a link to a record one may not see gives away neither its id nor anything behind it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from dacheng.metadata.package import read_files, to_files
from dacheng.metadata.problem import Refused
from dacheng.runtime.services import history, measure, read_records
from dacheng.runtime.services.gate import Query
from dacheng.runtime.services.install_app import Candidate
from tests.runtime.services.workspace import KINDS, Workspace, model_of, open_workspace, packages
from tests.security.shop_host import open_world

BUYER, ORDER, ITEM = "shop.buyer", "shop.order", "shop.item"
OWN = {"==": [{"var": "owner"}, {"var": "$user.id"}]}
NOT_SECRET = {"!=": [{"var": "name"}, "Secret"]}


@pytest.fixture
def shop(database_url: str) -> Iterator[Workspace]:
    """The shop where clerks see all orders, but only buyers of their own, and items that are not secret."""
    core, base = packages()
    role = base.items["role", "clerk"]
    entities: dict[str, Any] = {**role["entities"]}
    entities["buyer"] = {**entities["buyer"], "read": OWN}
    entities["order"] = {**entities["order"], "read": True, "update": True}
    entities["item"] = {"read": NOT_SECRET}
    items = {**base.items, ("role", "clerk"): {**role, "entities": entities}}
    made = open_workspace(database_url, model_of((core, replace(base, items=items, hash=""))))
    yield made
    made.db.close()


@pytest.fixture
def hidden(shop: Workspace) -> tuple[str, str]:
    """An order of Clara's for a buyer of Cody's: (order, buyer)."""
    buyer = shop.create("cody", BUYER, {"name": "Secret", "level": "gold"})
    return shop.create("kim", ORDER, {"number": "A-1", "buyer": buyer, "owner": shop.people["clara"]}), buyer


def count(shop: Workspace, condition: Any) -> int:
    return shop.read(lambda r: read_records.count(r, shop.work("clara"), Query(ORDER, filter=condition)))


def test_lists_show_nothing_behind_the_link(shop: Workspace, hidden: tuple[str, str]) -> None:
    asked = Query(ORDER, ("number", "buyer", "buyer.name", "buyer.level", "buyer.owner.name"))
    page = shop.read(lambda r: read_records.list_page(r, shop.work("clara"), asked))
    assert list(page.rows[0])[:6] == ["A-1", None, None, None, None, None]
    assert page.json()[0]["number"] == "A-1"


def test_filters_do_not_reach_behind_the_link(shop: Workspace, hidden: tuple[str, str]) -> None:
    assert count(shop, {"==": [{"var": "buyer"}, hidden[1]]}) == 0
    assert count(shop, {"==": [{"var": "buyer.name"}, "Secret"]}) == 0
    assert count(shop, {"is_set": [{"var": "buyer"}]}) == 0
    assert count(shop, {"in": [{"var": "buyer.level"}, ["gold"]]}) == 0


def test_filters_do_reach_behind_a_link_that_may_be_followed(shop: Workspace) -> None:
    mine = shop.create("clara", BUYER, {"name": "Mine", "level": "gold"})
    shop.create("clara", ORDER, {"number": "C-1", "buyer": mine})
    assert count(shop, {"==": [{"var": "buyer.name"}, "Mine"]}) == 1
    assert (
        count(shop, {"and": [{"==": [{"var": "buyer"}, mine]}, {"in": [{"var": "buyer.level"}, ["gold"]]}]})
        == 1
    )


def test_the_record_its_history_and_groups_do_not_name_it(shop: Workspace, hidden: tuple[str, str]) -> None:
    order, buyer = hidden
    shop.update("kim", ORDER, order, {"buyer": None})
    shop.update("kim", ORDER, order, {"buyer": buyer})
    found = shop.read(lambda r: read_records.get(r, shop.work("clara"), ORDER, order))
    assert (found.values["buyer"], found.unseen) == (None, frozenset({"buyer"}))
    told = shop.read(lambda r: history.read(r, shop.work("clara"), ORDER, order))
    assert buyer not in repr(told)
    shop.save(
        "kim", "update", ORDER, order, transition="pay", values={"lines": [{"quantity": "1", "amount": "5"}]}
    )
    for dimension in ("buyer", "level", "adviser"):
        groups = shop.read(
            partial(measure.run, work=shop.work("clara"), ref="shop.paid_count", dimension=dimension)
        )
        assert (groups.groups, groups.values) == (((None,),), (1,))


def test_saving_the_empty_link_one_was_shown_keeps_what_it_held(
    shop: Workspace, hidden: tuple[str, str]
) -> None:
    order, buyer = hidden
    shop.update("clara", ORDER, order, {"buyer": None, "number": "A-2"})
    found = shop.read(lambda r: read_records.get(r, shop.work("kim"), ORDER, order))
    assert (found.values["buyer"], found.values["number"]) == (buyer, "A-2")


def test_a_link_cannot_be_set_to_what_one_may_not_see(shop: Workspace, hidden: tuple[str, str]) -> None:
    """The answer is the same as for an id that does not exist."""
    mine = shop.create("clara", ORDER, {"number": "C-1"})
    told = []
    for target in (hidden[1], "01900000-0000-7000-8000-000000000000"):
        with pytest.raises(Refused) as refused:
            shop.update("clara", ORDER, mine, {"buyer": target})
        told.append([(p.code, p.pointer, p.message) for p in refused.value.problems])
    assert told[0] == told[1]


def test_t06_a_field_that_is_only_called_department_is_a_link_like_any_other(database_url: str) -> None:
    """Where records have no owner, `department` is an app's own field, and may lead to anything."""
    core, base = packages()
    item, role = base.items["entity", "item"], base.items["role", "clerk"]
    own = {"x-kind": "link", "x-to": "buyer", "x-order": 900, "x-on-delete": "clear"}
    rights = {**role["entities"], "item": {"create": True, "read": True, "update": True}}
    items = {
        **base.items,
        ("entity", "item"): {**item, "properties": {**item["properties"], "department": own}},
        ("role", "clerk"): {**role, "entities": {**rights, "buyer": {**rights["buyer"], "read": OWN}}},
    }
    made = open_workspace(database_url, model_of((core, replace(base, items=items, hash=""))))
    with closing(made.db):
        buyer = made.create("cody", BUYER, {"name": "Secret"})
        mine = made.create("clara", ITEM, {"name": "Box"})
        for target in (buyer, "01900000-0000-7000-8000-000000000000"):
            with pytest.raises(Refused) as refused:
                made.update("clara", ITEM, mine, {"department": target})
            found = [(each.code, each.pointer) for each in refused.value.problems]
            assert found == [("record.link_missing", "/department")]


def test_t06_a_conflict_does_not_name_what_a_link_hides(shop: Workspace, hidden: tuple[str, str]) -> None:
    order, buyer = hidden
    mine = shop.create("clara", "shop.buyer", {"name": "Mine"})
    with pytest.raises(Refused) as refused:
        shop.update("clara", ORDER, order, {"buyer": mine}, expected_version=77)
    told = [(each.code, each.pointer, dict(each.params)) for each in refused.value.problems]
    assert told
    assert buyer not in repr(told)


def with_lines(shop: Workspace) -> tuple[str, str, str]:
    """An order with a line for an item that clerks may not see, and one for an item they may: (order, items)."""
    secret, lamp = (shop.create("kim", ITEM, {"name": each}) for each in ("Secret", "Lamp"))
    lines = [{"item": each, "quantity": "1", "amount": "5"} for each in (secret, lamp)]
    order = shop.create("kim", ORDER, {"number": "L-1", "lines": lines, "owner": shop.people["clara"]})
    return order, secret, lamp


def lines_of(shop: Workspace, who: str, order: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shop.read(
        lambda r: read_records.get(r, shop.work(who), ORDER, order)
    ).json()["lines"]
    return found


def test_saving_lines_as_they_were_shown_keeps_what_their_links_held(shop: Workspace) -> None:
    order, secret, lamp = with_lines(shop)
    shown = lines_of(shop, "clara", order)
    assert [each["item"] for each in shown] == [None, lamp]
    sent = [{n: v for n, v in each.items() if n in ("id", "item", "quantity", "amount")} for each in shown]
    sent[0]["quantity"] = "3"
    shop.update("clara", ORDER, order, {"lines": [sent[1], sent[0]]})
    kept = lines_of(shop, "kim", order)
    assert [(each["item"], each["quantity"]) for each in kept] == [(lamp, "1.000"), (secret, "3.000")]


def test_an_unseen_link_in_a_line_sent_back_empty_changes_nothing_at_all(shop: Workspace) -> None:
    order, _, _ = with_lines(shop)
    before = shop.read(lambda r: read_records.get(r, shop.work(), ORDER, order))
    sent = [
        {n: each[n] for n in ("id", "item", "quantity", "amount")} for each in lines_of(shop, "clara", order)
    ]
    assert shop.update("clara", ORDER, order, {"lines": sent}).version == before.version
    told = shop.read(lambda r: history.read(r, shop.work("kim"), ORDER, order))
    assert [each.action for each in told.entries if each.line] == ["create", "create"]


def test_a_line_may_still_be_led_elsewhere_cleared_by_who_sees_it_or_taken_out(shop: Workspace) -> None:
    order, secret, lamp = with_lines(shop)
    first, second = lines_of(shop, "kim", order)
    shop.update("kim", ORDER, order, {"lines": [{"id": first["id"], "item": None}, {"id": second["id"]}]})
    assert [each["item"] for each in lines_of(shop, "kim", order)] == [None, lamp]
    shop.update("kim", ORDER, order, {"lines": [{"id": first["id"], "item": secret}, {"id": second["id"]}]})
    shop.update("clara", ORDER, order, {"lines": [{"id": first["id"], "item": lamp}, {"id": second["id"]}]})
    assert [each["item"] for each in lines_of(shop, "kim", order)] == [lamp, lamp]
    shop.update("clara", ORDER, order, {"lines": [{"id": second["id"]}]})
    assert [each["id"] for each in lines_of(shop, "kim", order)] == [second["id"]]


def test_t06_the_form_and_the_api_keep_a_lines_unseen_link_and_name_it_nowhere(
    tmp_path: Path, database_url: str
) -> None:
    files = dict(to_files(packages()[1]))
    clerk = json.loads(files["roles/clerk.json"])
    clerk["entities"]["item"] = {"read": NOT_SECRET}
    offered = Candidate(read_files({**files, "roles/clerk.json": json.dumps(clerk).encode()}, KINDS))
    world = open_world(tmp_path, database_url, 1, offered)
    with closing(world.host), world.browser("clara") as page:
        order, secret, lamp = with_lines(world.shop)
        place = f"/apps/shop/order/{order}"
        form = page.get(f"{place}/edit").text
        data = dict(re.findall(r'<input[^>]* name="([^"]+)"[^>]* value="([^"]*)"', form))
        for name, options in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', form, re.DOTALL):
            chosen = re.search(r'<option value="([^"]*)" selected', options)
            data[name] = chosen.group(1) if chosen else ""
        data = {name: value for name, value in data.items() if name not in ("_add", "_remove")}
        assert [data["lines.0.item"], data["lines.1.item"]] == ["", lamp]
        answer = page.post(f"{place}/edit", data={**data, "number": "L-2"})
        assert answer.status_code == 303, answer.text
        assert [each["item"] for each in lines_of(world.shop, "kim", order)] == [secret, lamp]
        api = f"/api/v1{place}"
        told = page.get(api)
        lines = [{n: each[n] for n in ("id", "item", "quantity", "amount")} for each in told.json()["lines"]]
        lines[1]["quantity"] = "7"
        changed = page.patch(api, json={"lines": lines}, headers={"if-match": told.headers["etag"]})
        assert changed.status_code == 200, changed.text
        kept = lines_of(world.shop, "kim", order)
        assert [(each["item"], each["quantity"]) for each in kept] == [(secret, "1.000"), (lamp, "7.000")]
        assert secret not in form + told.text + changed.text + page.get(place).text
