"""Measures whole: ratios, two dimensions, hours and weekdays, the period before, targets; what is kept is never old."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

import orjson
import pytest

from dacheng.metadata.kinds import MeasureResult
from dacheng.metadata.problem import Refused
from dacheng.runtime.services import measure, read_records
from dacheng.runtime.services.gate import Query
from dacheng.runtime.services.measure import Filters, Period
from tests.runtime.services.workspace import Workspace, model_of, open_workspace, packages

ORDER = "shop.order"
MORE: Mapping[str, Mapping[str, Any]] = {
    "orders": {"aggregate": "count", "entity": "order", "time_field": "ordered_on"},
    "paid_share": {"aggregate": "ratio", "entity": "order", "of": "paid_count", "per": "orders"},
}
CUTS = {
    "when": {"path": "created_at", "grain": "hour"},
    "weekday": {"path": "ordered_on", "grain": "weekday"},
    "month": {"path": "ordered_on", "grain": "month"},
    "state": {"path": "state"},
}


@pytest.fixture
def shop(database_url: str) -> Iterator[Workspace]:
    """A shop with more ways to cut its orders, a share that is paid, and targets."""
    core, base = packages()
    items = dict(base.items)
    for name, item in MORE.items():
        own = {} if item["aggregate"] == "ratio" else {"dimensions": CUTS}
        items["measure", name] = {"id": name, **item, **own, "target": {"value": "0.5"}}
    items["measure", "orders"]["target"] = {"value": "2", "per": "month"}
    paid = items["measure", "paid_count"]
    items["measure", "paid_count"] = {**paid, "dimensions": {**CUTS, **paid["dimensions"]}}
    made = open_workspace(database_url, model_of((core, replace(base, items=items, hash=""))))
    for number, (day, state) in enumerate(
        (
            ("2026-03-02", "paid"),
            ("2026-03-10", "paid"),
            ("2026-03-10", "cancelled"),
            ("2026-02-03", "paid"),
            ("2025-03-09", "cancelled"),
        )
    ):
        values = {"number": f"A-{number}", "state": state, "ordered_on": day}
        made.create("", ORDER, values, historic=True)
    yield made
    made.db.close()


def _run(
    shop: Workspace, ref: str, dimension: str | None = None, who: str = "kim", **more: Any
) -> MeasureResult:
    return shop.read(lambda reader: measure.run(reader, shop.work(who), f"shop.{ref}", dimension, **more))


MARCH = Filters(Period(date(2026, 3, 1), date(2026, 3, 31)))


def test_a_ratio_divides_group_by_group_and_is_hidden_with_either_part(shop: Workspace) -> None:
    assert _run(shop, "paid_share").texts == ("60.0%",)
    assert _run(shop, "paid_share", filters=MARCH).texts == ("66.7%",)
    by_month = _run(shop, "paid_share", "month")
    assert (by_month.labels, by_month.texts) == (
        ("2025-03", "2026-02", "2026-03"),
        ("0.0%", "100.0%", "66.7%"),
    )
    assert not measure.readable(shop.work("gus"), "shop.paid_share")
    with pytest.raises(Refused) as hidden:
        _run(shop, "paid_share", who="gus")
    with pytest.raises(Refused) as misspelt:
        _run(shop, "nothing", who="gus")
    assert [one.code for one in hidden.value.problems] == [one.code for one in misspelt.value.problems]


@pytest.mark.parametrize(
    ("dimension", "split"), [("weekday", "state"), ("month", "state"), ("when", None), ("weekday", "when")]
)
def test_a_drill_down_of_each_cell_reaches_just_its_records(
    shop: Workspace, dimension: str, split: str | None
) -> None:
    found = _run(shop, "orders", dimension, split=split)
    assert sum(found.values) == 5
    for value, link in zip(found.values, found.links, strict=True):
        query = Query(ORDER, ("number",), filter=_parsed(link))
        assert shop.read(partial(read_records.count, work=shop.work("kim"), asked=query)) == value


def _parsed(link: str) -> Any:
    return orjson.loads(link)


def test_weekdays_and_hours_are_those_of_the_workspace(shop: Workspace) -> None:
    weekdays = _run(shop, "orders", "weekday")
    assert dict(zip(weekdays.groups, weekdays.values, strict=True)) == {(0,): 1, (1,): 3, (6,): 1}
    hours = _run(shop, "orders", "when")
    assert hours.groups == ((12,),)  # 04:00 UTC in Shanghai


def test_a_period_stands_beside_the_one_before_and_that_of_last_year(shop: Workspace) -> None:
    before = _run(shop, "orders", filters=MARCH, compare="previous")
    assert (before.values, before.before) == ((3,), (1,))
    # today is the 10th: of a running month, last year's counts up to the 10th too
    assert _run(shop, "orders", filters=MARCH, compare="last_year").before == (1,)
    year = Filters(Period(date(2026, 1, 1), date(2026, 12, 31)))
    months = _run(shop, "orders", "month", filters=year, compare="last_year")
    assert len(months.labels) == 12
    assert (months.labels[2], months.values[2], months.before[2]) == ("2026-03", 3, 1)
    assert months.values[6] is None
    assert _run(shop, "orders", compare="last_year").before == ()


def test_a_target_grows_with_the_period_and_a_share_does_not(shop: Workspace) -> None:
    assert _run(shop, "orders", filters=MARCH).target == 2
    quarter = Filters(Period(date(2026, 1, 1), date(2026, 3, 31)))
    assert _run(shop, "orders", filters=quarter).target == 6
    assert _run(shop, "orders", filters=Filters(Period(date(2026, 3, 3), date(2026, 3, 9)))).target is None
    assert _run(shop, "orders", "month", filters=quarter).target == 2
    assert _run(shop, "paid_share", filters=quarter).target_text == "50.0%"


def test_a_kept_figure_is_that_of_the_newest_record_and_of_its_reader(shop: Workspace) -> None:
    first = _run(shop, "orders")
    assert _run(shop, "orders") == first
    shop.create("clara", ORDER, {"number": "B-1", "ordered_on": "2026-03-11"})
    assert _run(shop, "orders").values == (6,)
    assert _run(shop, "orders", who="clara").values == (1,)
    assert _run(shop, "orders", who="cody").values == (0,)


def test_figures_of_a_person_or_department_are_those_of_their_records(shop: Workspace) -> None:
    shop.create("clara", ORDER, {"number": "B-1", "ordered_on": "2026-03-11"})
    mine = Filters(owner=shop.people["clara"])
    found = _run(shop, "orders", filters=mine)
    assert found.values == (1,)
    query = Query(ORDER, ("number",), filter=_parsed(found.links[0]))
    assert shop.read(partial(read_records.count, work=shop.work("kim"), asked=query)) == 1
