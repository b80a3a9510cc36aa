"""Bars lie down where their names need it, and days stand in a row."""

from __future__ import annotations

from dacheng.metadata.builtin import part
from dacheng.metadata.kinds import Chart, MeasureResult
from dacheng.runtime.web.charts import dressed, height


def _drawn(count: int, *, in_time: bool = False, kind: str = "bar") -> Chart:
    names = tuple(f"2026-11-{day:02}" for day in range(1, count + 1))
    texts = tuple(map(str, range(count)))
    groups = tuple((name,) for name in names)
    result = MeasureResult(groups, names, tuple(range(count)), texts, ("",) * count, in_time=in_time)
    widget = next(each for each in part().widgets if each.id == kind)
    chart = widget.render([result], {})
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


def test_slices_are_told_apart_where_colours_come_again_and_named_below_where_a_screen_is_narrow() -> None:
    option = dressed(_drawn(8, kind="pie"))
    (pie,) = option["series"]
    marks = [
        (option["color"][at % len(option["color"])], str(each["itemStyle"]["decal"]))
        for at, each in enumerate(pie["data"])
    ]
    assert len(set(marks)) == len(marks) == 7 > len(option["color"]), (
        "nothing is drawn for a group of nothing"
    )
    (narrow,) = option["media"]
    assert narrow["option"]["legend"]["data"] == [each["name"] for each in pie["data"]]
