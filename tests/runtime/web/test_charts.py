"""Bars lie down where their names need it, and days stand in a row."""

from __future__ import annotations

from dacheng.metadata.builtin import part
from dacheng.metadata.kinds import Chart, MeasureResult
from dacheng.runtime.web.charts import dressed, height


def _drawn(count: int, *, in_time: bool = False) -> Chart:
    names = tuple(f"2026-11-{day:02}" for day in range(1, count + 1))
    texts = tuple(map(str, range(count)))
    groups = tuple((name,) for name in names)
    result = MeasureResult(groups, names, tuple(range(count)), texts, ("",) * count, in_time=in_time)
    bar = next(each for each in part().widgets if each.id == "bar")
    chart = bar.render([result], {})
    assert isinstance(chart, Chart)
    return chart


def test_twenty_groups_each_have_a_name_and_the_room_for_it() -> None:
    chart = _drawn(20)
    option = dressed(chart)
    assert option["yAxis"]["axisLabel"]["interval"] == 0
    assert option["series"][0]["labelLayout"] == {"hideOverlap": False}
    assert height(chart) >= 20 * 20


def test_days_are_columns_in_their_order() -> None:
    chart = _drawn(20, in_time=True)
    assert chart.option["xAxis"]["type"] == "category"
    assert height(chart) == 0
