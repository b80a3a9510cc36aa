"""The plans SQLite makes: an index gives the default order to everyone, measures need no table look-up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest

from dacheng.metadata.expression import check, parse
from dacheng.runtime.storage import aggregate, query, search
from dacheng.runtime.storage.query_plan import AggregatePlan, Condition, Group
from dacheng.runtime.storage.reader import Reader
from tests.runtime.storage.open_shop import Shop, cny, open_shop, surroundings
from tests.runtime.storage.shop import shop_items, uid


@pytest.fixture
def shop(sqlite_url: str) -> Iterator[Shop]:
    """A shop with some records."""
    made = open_shop(sqlite_url)
    made.apply(
        *[
            made.change(
                "create", "purchase", uid(), title=str(n), closed_on=date(2026, 1 + n % 12, 1), total=cny(n)
            )
            for n in range(300)
        ]
    )
    yield made
    made.db.close()


def _rule(shop: Shop) -> Condition:
    grant = shop.model.catalogue.roles["shop.seller"].grants["shop.purchase"]
    return Condition(rules=(grant.read,))  # type: ignore[arg-type]


def _explained(reader: Reader, shop: Shop, entity: str) -> list[str]:
    """The plan of every statement kept for an entity."""
    ready = query.kept(shop.model.tables.entity(entity))._entries.values()
    found = []
    for each in ready:
        for statement in each.statements:
            text, names, defaults = statement.text(reader._link.dialect)
            values = [defaults.get(name) if defaults.get(name) is not None else 1 for name in names]
            found.append("; ".join(row[3] for row in reader.fetch("EXPLAIN QUERY PLAN " + text, values)))
    return found


@pytest.mark.parametrize("restricted", [False, True])
@pytest.mark.parametrize("sort", [["-closed_on", "title"], ["-updated_at"]])
def test_the_default_list_is_read_in_order_from_an_index(
    shop: Shop, restricted: bool, sort: list[str]
) -> None:
    where = _rule(shop) if restricted else Condition()
    first = shop.fetch(shop.plan("purchase", ["title", "owner.name"], where, sort, 20), id="me")
    if first.next:
        shop.fetch(shop.plan("purchase", ["title", "owner.name"], where, sort, 20, first.next), id="me")
    for plan in shop.db.read_now(lambda reader: _explained(reader, shop, "shop.purchase")):
        assert "TEMP B-TREE" not in plan
        assert "SCAN shop_purchase;" not in plan + ";"
        assert "USING INDEX" in plan


@pytest.mark.parametrize("restricted", [False, True])
def test_a_measure_needs_no_table_look_up(shop: Shop, restricted: bool) -> None:
    measure = shop.model.catalogue.measures["shop.won"]
    assert measure.filter is not None
    period = check(
        parse({">=": [{"var": "closed_on"}, {"date": "2026-02-01"}]}), shop.entity("purchase").scope
    )
    where = Condition((measure.filter, period), _rule(shop).rules if restricted else ())
    total = shop.path("purchase", "total")
    plan = AggregatePlan(
        shop.entity("purchase"), "sum", total, (Group(shop.path("purchase", "stage")),), where
    )
    shop.db.read_now(lambda r: aggregate.aggregate(r, shop.model, plan, surroundings(id="me")))
    (made,) = shop.db.read_now(lambda reader: _explained(reader, shop, "shop.purchase"))
    assert "USING COVERING INDEX" in made


@pytest.mark.parametrize(("common", "in_order"), [(100, True), (100_000, False)])
def test_a_common_word_is_looked_up_in_the_order_asked_and_a_rare_one_fetched(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, common: int, in_order: bool
) -> None:
    shop.apply(*[shop.change("create", "purchase", uid(), title=f"客户{n:04d}") for n in range(300)])
    monkeypatch.setattr(search, "COMMON", {"sqlite": common})
    where, sort = Condition(search="客户"), ["-closed_on", "title"]
    first = shop.fetch(shop.plan("purchase", ["title"], where, sort, 20))
    second = shop.fetch(shop.plan("purchase", ["title"], where, sort, 20, first.next))
    plans = [
        plan
        for plan in shop.db.read_now(lambda reader: _explained(reader, shop, "shop.purchase"))
        if "VIRTUAL TABLE" in plan
    ]
    assert plans
    assert any("TEMP B-TREE" in plan for plan in plans) is not in_order
    assert any("INTEGER PRIMARY KEY" in plan for plan in plans) is not in_order
    assert [row[2] for row in (*first.raw, *second.raw)] == [f"客户{n:04d}" for n in range(40)]


@pytest.mark.parametrize("restricted", [False, True])
def test_a_board_s_columns_are_read_in_order_from_an_index(sqlite_url: str, restricted: bool) -> None:
    items = shop_items()
    board = {**items["list", "purchases"], "id": "board", "default": False, "kind": "board", "on": "stage"}
    shop = open_shop(sqlite_url, {**items, ("list", "board"): board})
    stage = check(parse({"==": [{"var": "stage"}, "won"]}), shop.entity("purchase").scope)
    where = replace(_rule(shop) if restricted else Condition(), predicates=(stage,))
    plan = shop.plan("purchase", ["title", "total"], where, ["-closed_on", "title"], 20)
    shop.fetch(plan, id="me")
    shop.db.read_now(lambda r: query.count(r, shop.model, plan, surroundings(id="me"), 1001))
    explained = shop.db.read_now(lambda reader: _explained(reader, shop, "shop.purchase"))
    shop.db.close()
    assert len(explained) == 2
    for each in explained:
        assert "TEMP B-TREE" not in each
        assert "SEARCH shop_purchase USING" in each
        assert "INDEX" in each


def test_who_sees_their_own_alone_reads_them_by_their_index_whatever_else_is_asked(sqlite_url: str) -> None:
    """A million records of others under the same option are no business of a plan for the few of one person."""
    items = shop_items()
    board = {**items["list", "purchases"], "id": "board", "default": False, "kind": "board", "on": "stage"}
    shop = open_shop(sqlite_url, {**items, ("list", "board"): board})
    stage = check(parse({"==": [{"var": "stage"}, "won"]}), shop.entity("purchase").scope)
    where = Condition((stage,), _rule(shop).rules)
    shop.fetch(shop.plan("purchase", ["title"], where, ["-closed_on", "title"], 20), id="me")
    (explained,) = shop.db.read_now(lambda reader: _explained(reader, shop, "shop.purchase"))
    shop.db.close()
    assert "(owner=?" in explained
