"""The plans SQLite makes: an index gives the default order to everyone, measures need no table look-up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from dacheng.metadata.expression import check, parse
from dacheng.runtime.storage import aggregate, query
from dacheng.runtime.storage.query_plan import AggregatePlan, Condition, Group
from dacheng.runtime.storage.reader import Reader
from tests.runtime.storage.open_shop import Shop, cny, open_shop, surroundings
from tests.runtime.storage.shop import uid


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
