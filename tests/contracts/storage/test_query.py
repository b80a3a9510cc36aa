"""Reading records: order, pages, links that are not followed, search, figures."""

from __future__ import annotations

import random
from datetime import date
from decimal import Decimal

import pytest

from dacheng.metadata.expression import Expression, check, parse
from dacheng.metadata.field_kinds.money import Money
from dacheng.metadata.problem import Refused
from dacheng.runtime.storage import aggregate, query, search
from dacheng.runtime.storage.query_plan import AggregatePlan, Condition, Group
from tests.runtime.storage.open_shop import Shop, cny, surroundings
from tests.runtime.storage.shop import uid

TITLES = ["", "a", "B", "é", "张", "李", "a b", "𝄞", "Z", "z"]


def expression(shop: Shop, entity: str, body: object) -> Expression:
    """An expression over one entity, with `$user.id` known."""
    grant = shop.model.catalogue.roles["shop.seller"].grants["shop.purchase"].read
    if body == "own" and isinstance(grant, Expression):
        return grant
    return check(parse(body), shop.entity(entity).scope)


def figures(shop: Shop, plan: AggregatePlan, **user: object) -> list[aggregate.AggregateRow]:
    """The rows of an aggregate."""
    return shop.db.read_now(lambda r: aggregate.aggregate(r, shop.model, plan, surroundings(**user)))


@pytest.mark.parametrize(
    "sort", [["closed_on", "title"], ["-closed_on", "title"], ["-title", "-closed_on"], []]
)
def test_pages_by_key_give_every_record_once_in_one_order(shop: Shop, sort: list[str]) -> None:
    chance = random.Random(7)
    rows = [(uid(), chance.choice([None, *TITLES]), chance.choice([None, 1, 2, 3])) for _ in range(120)]
    shop.apply(
        *[
            shop.change("create", "purchase", key, title=title, closed_on=day and date(2026, 1, day))
            for key, title, day in rows
        ]
    )
    expected = sorted(rows, key=lambda row: row[0], reverse=bool(sort) and sort[-1].startswith("-"))
    for name in reversed(sort):
        at = 1 if name.lstrip("-") == "title" else 2
        expected.sort(
            key=lambda row: (row[at] is not None, row[at] or ("" if at == 1 else 0)), reverse=name[0] == "-"
        )
    seen: list[str] = []
    after = None
    while True:
        page = shop.fetch(shop.plan("purchase", ["title"], None, sort, 7, after))
        seen.extend(page.ids)
        after = page.next
        if after is None:
            break
    assert seen == [row[0] for row in expected]


def test_text_goes_by_code_point(shop: Shop) -> None:
    shop.apply(*[shop.change("create", "account", uid(), name=name) for name in TITLES if name])
    assert shop.values("account", "name") == sorted(name for name in TITLES if name)


@pytest.mark.parametrize("cursor", ["", "x", "AAAA", "W10", "é", "WyJhIl0", "A" * 5000])
def test_a_cursor_of_another_list_or_none_of_ours_is_refused(shop: Shop, cursor: str) -> None:
    shop.apply(*[shop.change("create", "account", uid(), name=str(i)) for i in range(3)])
    other = shop.fetch(shop.plan("account", ["name"], None, ["name"], 1)).next
    for given in (cursor, other):
        with pytest.raises(Refused) as caught:
            shop.fetch(shop.plan("account", ["name"], None, ["-name"], 1, given))
        assert caught.value.problems[0].code == "storage.bad_cursor"


def test_a_link_that_may_not_be_followed_reads_as_missing_its_id_too(shop: Shop) -> None:
    hidden, seen = (
        shop.create("account", name="hidden", code="h"),
        shop.create("account", name="seen", code="s"),
    )
    for account in (hidden, seen):
        shop.purchase(title="deal", account=account)
    rule = expression(shop, "account", {"==": [{"var": "code"}, "s"]})

    def cells(hops: object) -> list[tuple[object, ...]]:
        where = Condition(hops=hops)  # type: ignore[arg-type]
        page = shop.fetch(shop.plan("purchase", ["account", "account.name"], where, ["account.name"]))
        return [(row[0][0], row[1][0]) for row in page.rows]

    assert cells(None) == [(hidden, "hidden"), (seen, "seen")]
    assert cells({("account",): True}) == [(hidden, "hidden"), (seen, "seen")]
    assert cells({("account",): rule}) == [(None, None), (seen, "seen")]
    assert cells({("account",): False}) == cells({}) == [(None, None), (None, None)]


def test_the_askers_filter_cannot_look_behind_a_link_but_a_row_rule_can(shop: Shop) -> None:
    account = shop.create("account", name="hidden", code="h")
    shop.purchase(title="deal", account=account)
    by_name = expression(shop, "purchase", {"==": [{"var": "account.name"}, "hidden"]})
    by_id = expression(shop, "purchase", {"==": [{"var": "account"}, account]})
    for probe in (by_name, by_id):
        assert shop.values("purchase", "title", Condition((probe,), hops={("account",): False})) == []
        assert shop.values("purchase", "title", Condition((probe,), hops={("account",): True})) == ["deal"]
        assert shop.values("purchase", "title", Condition(rules=(probe,), hops={("account",): False})) == [
            "deal"
        ]


def test_row_rules_are_part_of_pages_counts_and_figures(shop: Shop) -> None:
    me, other = shop.create("core.user", name="me"), shop.create("core.user", name="other")
    shop.purchase(cny(5), title="mine", owner=me)
    shop.purchase(cny(7), title="theirs", owner=other)
    own = Condition(rules=(expression(shop, "purchase", "own"),))
    assert shop.values("purchase", "title", own, id=me) == ["mine"]
    plan = shop.plan("purchase", ["title"], own)
    env = surroundings(id=other)
    assert shop.db.read_now(lambda r: query.count(r, shop.model, plan, env)) == 1
    total = AggregatePlan(shop.entity("purchase"), "sum", shop.path("purchase", "total"), where=own)
    assert [row.value for row in figures(shop, total, id=other)] == [700]


def test_a_statement_is_compiled_once_for_all_values_of_a_shape(shop: Shop) -> None:
    shop.apply(*[shop.change("create", "account", uid(), name=str(i)) for i in range(5)])
    made = shop.model.tables.entity("shop.account")
    for i in range(5):
        where = Condition((expression(shop, "account", {"==": [{"var": "name"}, str(i)]}),))
        assert shop.values("account", "name", where) == [str(i)]
    assert len(query.kept(made)) == 1


def test_some_and_all_look_at_living_lines(shop: Shop) -> None:
    _, lines = shop.purchase(cny(5), cny(50), title="deal")
    big = expression(shop, "purchase", {"some": [{"var": "lines"}, {">": [{"var": "amount"}, 10]}]})
    assert shop.values("purchase", "title", Condition((big,))) == ["deal"]
    shop.apply(shop.change("delete", "purchase_line", lines[1]))
    assert shop.values("purchase", "title", Condition((big,))) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("客户", ["上海客户公司", "老客户"]),
        ("张伟", ["张伟商店"]),
        ("上海 公司", ["上海客户公司"]),
        ("acm", ["ACME Ｃorp"]),
        ("corp acme", ["ACME Ｃorp"]),
        ("海", ["上海客户公司"]),
        ("客公", []),
        ("code-7", ["ACME Ｃorp"]),
        ("' OR 1=1 --", []),
        ('"', []),
        ("*", []),
        ("   ", ["ACME Ｃorp", "上海客户公司", "张伟商店", "老客户"]),
    ],
)
def test_search_finds_words_of_two_letters_and_latin_beginnings(
    shop: Shop, text: str, found: list[str]
) -> None:
    for name, code in [
        ("上海客户公司", "k1"),
        ("老客户", None),
        ("张伟商店", None),
        ("ACME Ｃorp", "code-7"),
    ]:
        shop.create("account", name=name, code=code)
    assert shop.values("account", "name", Condition(search=text)) == found


def test_search_looks_only_into_the_fields_named(shop: Shop) -> None:
    shop.create("account", name="open", code="secret")
    for fields, found in ((None, ["open"]), (("name",), []), (("name", "code"), ["open"]), ((), [])):
        assert shop.values("account", "name", Condition(search="secret", search_fields=fields)) == found


def test_search_follows_updates_and_forgets_what_is_purged(shop: Shop) -> None:
    key = shop.create("account", name="第一")
    shop.apply(shop.change("update", "account", key, name="第二"))
    assert shop.values("account", "name", Condition(search="第一")) == []
    assert shop.values("account", "name", Condition(search="第二")) == ["第二"]
    shop.apply(shop.change("delete", "account", key))
    assert shop.values("account", "name", Condition(search="第二")) == []
    assert shop.values("account", "name", Condition(search="第二", deleted=True)) == ["第二"]
    shop.apply(shop.change("purge", "account", key))
    assert shop.values("account", "name", Condition(search="第二", deleted=True)) == []


def test_tokens_overlap_and_fold() -> None:
    assert search.grams("张伟") == ["张", "伟", "张伟"]
    assert search.grams("Ａcme-3 张") == ["acme", "3", "张"]


def test_figures_keep_currencies_apart(shop: Shop) -> None:
    key, _ = shop.purchase(cny(5), cny(7), None, title="deal")
    shop.apply(shop.change("create", "purchase_line", uid(), purchase=key, amount=Money(Decimal(3), "USD")))
    amount = shop.path("purchase_line", "amount")
    plan = AggregatePlan(shop.entity("purchase_line"), "sum", amount)
    assert {(row.value, row.currency, row.count) for row in figures(shop, plan)} == {
        (1200, "CNY", 2), (300, "USD", 1),
    }  # fmt: skip
    for name, value in (("count", 3), ("distinct", 3)):
        (row,) = figures(shop, AggregatePlan(shop.entity("purchase_line"), name, amount))
        assert (row.value, row.currency) == (value, None)
    assert {r.value for r in figures(shop, AggregatePlan(shop.entity("purchase_line"), "max", amount))} == {
        700,
        300,
    }


def test_groups_by_link_and_by_month_are_complete_and_limited(shop: Shop) -> None:
    north, south = shop.create("account", name="north"), shop.create("account", name="south")
    for at, account in enumerate([north, north, south, None]):
        shop.purchase(cny(at + 1), title=str(at), account=account, closed_on=date(2026, 1 + at, 15))
    entity = shop.entity("purchase")
    total, by = shop.path("purchase", "total"), Group(shop.path("purchase", "account.name"))
    rows = figures(shop, AggregatePlan(entity, "sum", total, (by,)))
    assert [(row.keys, row.value) for row in rows] == [((None,), 400), (("north",), 300), (("south",), 300)]
    assert len(figures(shop, AggregatePlan(entity, "sum", total, (by,), limit=1))) == 2
    for grain, keys in (
        ("month", ["2026-01", "2026-02", "2026-03", "2026-04"]),
        ("quarter", ["2026-Q1", "2026-Q2"]),
    ):
        group = Group(shop.path("purchase", "closed_on"), grain)
        rows = figures(shop, AggregatePlan(entity, "count", None, (group,), by_key=True))
        assert [row.keys[0] for row in rows] == keys
    created = Group(shop.path("purchase", "created_at"), "day")
    assert [row.keys for row in figures(shop, AggregatePlan(entity, "count", None, (created,)))] == [
        ("1970-01-01",)
    ]


def test_figures_over_nothing(shop: Shop) -> None:
    entity = shop.entity("purchase")
    assert [row.value for row in figures(shop, AggregatePlan(entity, "count"))] == [0]
    assert [
        row.value for row in figures(shop, AggregatePlan(entity, "sum", shop.path("purchase", "pieces")))
    ] == [None]
    assert figures(shop, AggregatePlan(entity, "sum", shop.path("purchase", "total"))) == []


def test_counting_may_stop_early(shop: Shop) -> None:
    shop.apply(*[shop.change("create", "account", uid(), name=str(i)) for i in range(20)])
    plan, env = shop.plan("account", ["name"]), surroundings()
    assert shop.db.read_now(lambda r: query.count(r, shop.model, plan, env)) == 20
    assert shop.db.read_now(lambda r: query.count(r, shop.model, plan, env, 7)) == 7


def test_only_the_records_named(shop: Shop) -> None:
    keys = [shop.create("account", name=str(i)) for i in range(4)]
    assert shop.values("account", "name", Condition(ids=(keys[0], keys[2], uid()))) == ["0", "2"]
