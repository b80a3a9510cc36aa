"""The query gate: hidden is unknown everywhere, budgets hold, links are followed as far as they may be seen."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from dacheng.metadata.problem import Refused
from dacheng.plugins.context import Anonymous, ShareLink
from dacheng.runtime.services import gate, history, measure, read_records, search
from dacheng.runtime.services.gate import Query
from dacheng.runtime.services.measure import Filters, Period
from dacheng.runtime.services.policy import compile_policy
from dacheng.runtime.services.work import work_for
from tests.runtime.services.test_write_record import order
from tests.runtime.services.workspace import KINDS, Workspace, model_of, open_workspace, packages

BUYER, ORDER, ITEM = "shop.buyer", "shop.order", "shop.item"


def page(shop: Workspace, who: str, ref: str, *fields: str, **more: Any) -> list[dict[str, Any]]:
    query = Query(ref, fields, **more)
    return shop.read(lambda r: read_records.list_page(r, shop.work(who), query)).json()


def refusal(shop: Workspace, who: str, query: Query) -> list[tuple[str, str, str]]:
    with pytest.raises(Refused) as refused:
        shop.read(lambda r: read_records.list_page(r, shop.work(who), query))
    return [(each.code, each.pointer, each.message) for each in refused.value.problems]


ASKING = [
    lambda name: Query(BUYER, (name,)),
    lambda name: Query(BUYER, ("name", name)),
    lambda name: Query(BUYER, sort=(name,)),
    lambda name: Query(BUYER, sort=("-" + name,)),
    lambda name: Query(BUYER, filter={">": [{"var": name}, 1]}),
    lambda name: Query(BUYER, filter={"is_set": [{"var": name}]}),
    lambda name: Query(BUYER, filter={"or": [True, {"==": [{"var": name}, None]}]}),
    lambda name: Query(ORDER, ("buyer." + name,)),
    lambda name: Query(ORDER, sort=("buyer." + name,)),
    lambda name: Query(ORDER, filter={">": [{"var": "buyer." + name}, 1]}),
    lambda name: Query(BUYER, ("referrer.referrer." + name,)),
]


@pytest.mark.parametrize("ask", ASKING)
def test_hidden_and_misspelt_are_refused_alike(small_shop: Workspace, ask: Any) -> None:
    hidden = refusal(small_shop, "clara", ask("credit"))
    misspelt = refusal(small_shop, "clara", ask("crebit"))
    assert [(c, p, m.replace("credit", "?")) for c, p, m in hidden] == [
        (c, p, m.replace("crebit", "?")) for c, p, m in misspelt
    ]
    assert (
        small_shop.read(lambda r: read_records.list_page(r, small_shop.work("kim"), ask("credit")))
        is not None
    )


def test_an_unreadable_entity_is_an_unknown_one(small_shop: Workspace) -> None:
    assert refusal(small_shop, "gus", Query(ORDER)) == refusal(small_shop, "gus", Query("shop.nothing"))


def test_nobody_and_a_share_link_read_nothing(small_shop: Workspace) -> None:
    for actor in (Anonymous(), ShareLink("s", frozenset({"list:orders"}))):
        work = work_for(small_shop.context(actor), small_shop.model, KINDS, small_shop.hooks)
        assert not work.policy.entities
    with pytest.raises(TypeError):
        compile_policy(small_shop.model.catalogue, None)  # type: ignore[arg-type]


def test_row_rules_hold_in_lists_counts_titles_and_search(shop: Workspace) -> None:
    mine, other = order(shop, number="Mine 1"), order(shop, "cody", "Other 1")
    assert [each["number"] for each in page(shop, "clara", ORDER, "number")] == ["Mine 1"]
    assert shop.read(lambda r: read_records.count(r, shop.work("clara"), Query(ORDER))) == 1
    both = [mine, other]
    assert shop.read(lambda r: read_records.titles(r, shop.work("clara"), ORDER, both)) == {mine: "Mine 1"}
    found = shop.read(lambda r: search.find(r, shop.work("clara"), "1"))
    assert [hit.id for hit in found if hit.entity == ORDER] == [mine]
    assert {hit.id for hit in shop.read(lambda r: search.find(r, shop.work("kim"), "1"))} >= {mine, other}


def test_a_link_brings_its_title_and_sorts_by_it(shop: Workspace) -> None:
    for name, number in (("Beta", "A-1"), ("Alpha", "A-2")):
        order(shop, number=number, buyer=shop.create("kim", BUYER, {"name": name}))
    asked = Query(ORDER, ("buyer",), sort=("buyer",))
    found = shop.read(lambda r: read_records.list_page(r, shop.work("clara"), asked))
    assert [row[found.columns[0].title] for row in found.rows] == ["Alpha", "Beta"]


def test_pages_follow_each_other(shop: Workspace) -> None:
    for number in range(7):
        shop.create("kim", ITEM, {"name": f"Lamp {number}"})
    seen, cursor = [], None
    while True:
        asked = Query(ITEM, ("name",), sort=("-name",), limit=3, cursor=cursor)
        found = shop.read(partial(read_records.list_page, work=shop.work("gus"), asked=asked))
        seen += [each["name"] for each in found.json()]
        cursor = found.next
        if cursor is None:
            break
    assert seen == [f"Lamp {n}" for n in range(6, -1, -1)]


@pytest.mark.parametrize(
    "query",
    [
        Query(ITEM, limit=501),
        Query(ITEM, limit=0),
        Query(ITEM, sort=("name",) * 6),
        Query(ITEM, ("name",) * 81),
        Query(ITEM, search="x" * 201),
        Query(ITEM, filter={"or": [True] * 600}),
        Query(BUYER, filter={"is_set": [{"var": "referrer.referrer.referrer.referrer.name"}]}),
        Query(BUYER, ("referrer.referrer.referrer.referrer.name",)),
        Query(BUYER, filter={"+": [1, 2]}),
    ],
)
def test_budgets_hold(small_shop: Workspace, query: Query) -> None:
    assert refusal(small_shop, "kim", query)


def test_a_plan_is_kept_for_the_same_question(small_shop: Workspace) -> None:
    work = small_shop.work("clara")
    asked = Query(ORDER, ("number",), filter={"==": [{"var": "state"}, "paid"]})
    first, again = gate.plan(work, asked), gate.plan(small_shop.work("clara"), asked)
    assert first.columns is again.columns
    assert first.plan.where is again.plan.where


def test_roles_add_up_and_lines_follow_their_record(small_shop: Workspace) -> None:
    clerk, keeper = small_shop.work("clara").policy, small_shop.work("kim").policy
    assert "credit" not in clerk.entities[BUYER].readable
    assert "credit" in keeper.entities[BUYER].readable
    assert clerk.entities["shop.order_line"].row_rule is not None
    assert keeper.entities["shop.order_line"].row_rule is None
    assert "total" in clerk.entities[ORDER].readable
    assert (
        "department" not in clerk.entities[ORDER].readable
    )  # departments may not be read, so nor links to them


def test_measures_count_what_their_reader_sees(shop: Workspace) -> None:
    buyer = shop.create("kim", BUYER, {"name": "Acme", "level": "gold"})
    for who, number in (("clara", "A-1"), ("clara", "A-2"), ("cody", "A-3")):
        shop.save(who, "update", ORDER, order(shop, who, number, buyer=buyer), transition="pay")

    def run(who: str, ref: str, dimension: str | None = None, **more: Any) -> Any:
        return shop.read(lambda r: measure.run(r, shop.work(who), ref, dimension, **more))

    assert (run("clara", "shop.paid_count").values, run("kim", "shop.paid_count").values) == ((2,), (3,))
    total = run("kim", "shop.paid_total", "level")
    assert (total.labels, [str(v) for v in total.values], total.currency) == (("Gold",), ["3601.50"], "CNY")
    by_month = run("kim", "shop.paid_count", "month")
    assert (by_month.labels, by_month.values) == (("2026-03",), (3,))
    before = Filters(Period(end=shop.now.date().replace(month=2, day=28)))
    assert run("kim", "shop.paid_count", filters=before).values == (0,)
    with pytest.raises(Refused):
        run("gus", "shop.paid_count")
    with pytest.raises(Refused):
        run("kim", "shop.paid_count", "nothing")


@pytest.mark.parametrize("dimension", [None, "buyer", "level", "month", "adviser"])
def test_a_drill_down_reaches_just_the_records_counted(shop: Workspace, dimension: str | None) -> None:
    buyers = [shop.create("kim", BUYER, {"name": n, "level": n}) for n in ("gold", "silver")]
    for number, buyer in enumerate([buyers[0], buyers[0], buyers[1], None]):
        record = order(shop, number=f"A-{number}", buyer=buyer or buyers[1])
        shop.save("clara", "update", ORDER, record, transition="pay")
    filters = Filters(Period(start=shop.now.date()))
    found = shop.read(lambda r: measure.run(r, shop.work("clara"), "shop.paid_count", dimension, filters))
    assert sum(found.values) == 4
    for value, keys in zip(found.values, found.groups, strict=True):
        key = keys[0] if keys else None
        asked = measure.drill_down(shop.work("clara"), "shop.paid_count", dimension, key, filters)
        query = Query(ORDER, ("number",), filter=asked)
        assert shop.read(partial(read_records.count, work=shop.work("clara"), asked=query)) == value


@pytest.mark.parametrize(
    ("grain", "key"),
    [
        ("year", "2026"),
        ("quarter", "2026-Q1"),
        ("month", "2026-03"),
        ("week", "2026-03-09"),
        ("day", "2026-03-10"),
    ],
)
def test_time_is_cut_by_any_grain(database_url: str, grain: str, key: str) -> None:
    core, base = packages()
    item = base.items["measure", "paid_count"]
    cut = {**item, "dimensions": {**item["dimensions"], "when": {"path": "ordered_on", "grain": grain}}}
    items = {**base.items, ("measure", "paid_count"): cut}
    shop = open_workspace(database_url, model_of((core, replace(base, items=items, hash=""))))
    for number, day in enumerate(("2026-03-10", "2026-03-10", "2024-02-29")):
        values = {"number": f"A-{number}", "state": "paid", "ordered_on": day}
        shop.create("", ORDER, values, historic=True)
    found = shop.read(partial(measure.run, work=shop.work("kim"), ref="shop.paid_count", dimension="when"))
    assert (found.labels[-1], found.values) == (key, (1, 2))
    asked = Query(ORDER, filter=measure.drill_down(shop.work("kim"), "shop.paid_count", "when", key))
    assert shop.read(partial(read_records.count, work=shop.work("kim"), asked=asked)) == 2
    shop.db.close()


def test_history_runs_back_from_the_live_row(shop: Workspace) -> None:
    buyer = shop.create("clara", BUYER, {"name": "Acme", "visits": 1})
    shop.update("kim", BUYER, buyer, {"credit": "5000"})
    shop.update("clara", BUYER, buyer, {"visits": 2, "name": "Acme 2"})
    shop.save("kim", "update", BUYER, buyer, values={"discount": "0.1"})

    def entries(who: str) -> list[tuple[str, list[str]]]:
        found = shop.read(lambda r: history.read(r, shop.work(who), BUYER, buyer)).entries
        return [(each.action, sorted(change.field.id for change in each.changes)) for each in found]

    assert entries("kim") == [
        ("update", ["discount"]), ("update", ["name", "visits"]), ("update", ["credit"]), ("create", []),
    ]  # fmt: skip
    assert entries("clara") == [("update", ["discount"]), ("update", ["name", "visits"]), ("create", [])]
