"""Charts as data: a widget's option dressed in the design's tokens, without a single function in it.

Colours are given as `var(--token)`; whoever draws replaces them, the browser from the style sheet and
a report from its own table, so that one option serves light, dark and paper.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dacheng.metadata.kinds import Chart, Series

INK, FAINT, LINE, BAR = "var(--ink)", "var(--ink-2)", "var(--line)", "var(--bar)"
SURFACE, TARGET = "var(--surface)", "var(--ink-2)"
COLOURS = [f"var(--chart-{number})" for number in range(1, 7)]
DASHES = ("solid", "dashed", "dotted")
_SHINE = "rgba(255, 255, 255, 0.45)"
PATTERNS: list[dict[str, Any]] = [  # so that parts of a bar are told apart without their colours
    {"symbol": "none"},
    {"symbol": "rect", "color": _SHINE, "dashArrayX": [1, 0], "dashArrayY": [2, 5], "rotation": 0.785},
    {
        "symbol": "circle",
        "color": _SHINE,
        "dashArrayX": [[6, 6], [0, 6, 6, 0]],
        "dashArrayY": [5, 0],
        "symbolSize": 0.6,
    },
    {"symbol": "rect", "color": _SHINE, "dashArrayX": [1, 0], "dashArrayY": [2, 5], "rotation": -0.785},
    {"symbol": "rect", "color": _SHINE, "dashArrayX": [1, 0], "dashArrayY": [2, 4]},
    {"symbol": "rect", "color": _SHINE, "dashArrayX": [2, 4], "dashArrayY": [1, 0]},
]
SHAPES = ("circle", "triangle", "rect", "diamond", "emptyCircle", "emptyTriangle")
FONT = "var(--font)"
LONG_LABEL = 110
MOST_BARS = 40  # more of them are read as a table
MOST_POINTS = 400
FEW_POINTS = 6  # more of them cross their own figures
BAR_HEIGHT, MARGINS = 24, 36
CLOSE_COLUMNS = 40  # letters of all names; beyond, as over many days, some columns go without
NARROW = 420  # pixels; below, a pie has no room beside it
Option = dict[str, Any]


def height(chart: Chart) -> int:
    """The pixels in which every lying bar has room for its name; 0 where the usual height will do."""
    lying = chart.option.get("yAxis", {}).get("type") == "category"
    return len(_labels(chart)) * BAR_HEIGHT * _side_by_side(chart) + MARGINS if lying else 0


def is_drawn(chart: Chart) -> bool:
    """Whether a chart of so many groups says more than their table: two at least, and a bar has its width."""
    line = any(each.get("type") == "line" for each in chart.option.get("series", ()))
    return 1 < len(_labels(chart)) <= (MOST_POINTS if line else MOST_BARS)


def as_data(chart: Chart) -> Option:
    """All that the browser needs: the option, the height, and where each mark of each series leads."""
    return {"option": dressed(chart), "links": _links(chart), "height": height(chart)}


def dressed(chart: Chart) -> Option:
    """The chart's option with axes, colours, margins and labels of the design; the data stay as they are."""
    option = dict(chart.option)
    series = [dict(each) for each in option.get("series", ())]
    single = len(series) == 1
    option["textStyle"] = {"fontFamily": FONT, "fontSize": 12}
    option["animation"] = False
    option["tooltip"] = {**option.get("tooltip", {}), "renderMode": "richText", "confine": True}
    kind = series[0]["type"] if series else ""
    shared = single and kind in ("bar", "line")
    option["color"] = [BAR] if shared else COLOURS
    if any("stack" in each for each in series):
        option["aria"] = {"enabled": True, "decal": {"show": True, "decals": PATTERNS}}
    if kind in ("pie", "funnel"):
        option["series"] = [_slices(series[0], chart, kind)]
        if kind == "pie":
            option["media"] = [
                {
                    "query": {"maxWidth": NARROW},
                    "option": _narrow([str(each["name"]) for each in series[0]["data"]]),
                }
            ]
    elif kind == "radar":
        option["radar"] = {**option["radar"], **_RADAR}
        option["legend"] = _legend([one["name"] for one in series[0]["data"]])
        option["series"] = [_shapes(series[0])]
    else:
        _lay_out(option, chart, series)
        option["series"] = [_marks(each, chart, at, option) for at, each in enumerate(series)]
    return option


# ---------------------------------------------------------------- along axes
def _lay_out(option: Option, chart: Chart, series: Sequence[Mapping[str, Any]]) -> None:
    """Axes, margins and, for several series, their names."""
    for name in ("xAxis", "yAxis"):
        option[name] = _axis(option.get(name, {}))
    horizontal = option["yAxis"].get("type") == "category"
    named = option["yAxis" if not horizontal else "xAxis"].get("name")
    several = len(series) > 1
    marked = any("markLine" in each for each in series)
    option["grid"] = {
        "left": 4,
        "right": 88 if horizontal else 64 if marked else 8,
        "top": 52 if several and named else 36 if several or named else 24,
        "bottom": 4,
        "containLabel": True,
    }
    if several:
        option["legend"] = _legend([str(each.get("name", "")) for each in series])
    if horizontal:
        option["yAxis"]["axisLabel"] |= {"interval": 0, "hideOverlap": False}
    elif sum(map(len, _labels(chart))) <= CLOSE_COLUMNS:
        option["xAxis"]["axisLabel"] |= {
            "interval": 0,
            "width": 84,
            "overflow": "break",
            "hideOverlap": False,
        }


def _legend(names: Sequence[str]) -> Option:
    return {
        "data": list(names),
        "type": "scroll",
        "top": 0,
        "left": 0,
        "itemWidth": 18,
        "itemHeight": 10,
        "textStyle": {"color": INK, "fontSize": 12},
        "pageTextStyle": {"color": FAINT},
        "pageIconColor": FAINT,
    }


def _axis(axis: Mapping[str, Any]) -> Option:
    found = dict(axis)
    found["axisLabel"] = {"color": FAINT, "fontSize": 12, **found.get("axisLabel", {})}
    found["nameTextStyle"] = {"color": FAINT, "fontSize": 12}
    if found.get("type") == "category":
        found["axisTick"] = {"show": False}
        found["axisLine"] = {"lineStyle": {"color": LINE}}
        found["axisLabel"] |= {"width": LONG_LABEL, "overflow": "truncate", "hideOverlap": True}
    else:
        found["splitLine"] = {"lineStyle": {"color": LINE}}
        found["axisLabel"] |= {"hideOverlap": True}
        found["splitNumber"] = 3
    return found


def _marks(series: Mapping[str, Any], chart: Chart, at: int, option: Option) -> Option:
    """Bars and points carry their values as text, already written in the reader's numbers."""
    found = dict(series)
    alone = len(option.get("legend", {}).get("data", ())) < 2
    horizontal = option["yAxis"].get("type") == "category"
    said = f"{found.get('name', '')}  " if not alone else ""
    found["data"] = [
        {
            "value": "-" if value is None else value,
            "label": {"formatter": escaped(text)},
            "tooltip": {"formatter": escaped(f"{said}{name}  {text}")},
        }
        for value, text, name in zip(found["data"], _texts(chart, at), _labels(chart), strict=True)
    ]
    place = "right" if horizontal else "top"
    alone = alone and (found["type"] != "line" or len(found["data"]) <= FEW_POINTS)
    found["label"] = {"show": alone, "position": place, "color": INK, "fontSize": 12}
    found["labelLayout"] = {"hideOverlap": not horizontal}
    if "markLine" in found:
        found["markLine"] = _target(found["markLine"], horizontal)
    if found["type"] == "line":
        found["symbol"] = SHAPES[at % len(SHAPES)]
        found["symbolSize"] = 7
        found["lineStyle"] = {"width": 2, "type": DASHES[at % len(DASHES)]}
        return found
    found["barMaxWidth"] = 22
    round_ = [0, 3, 3, 0] if horizontal else [3, 3, 0, 0]
    found["itemStyle"] = {"borderRadius": 0 if "stack" in found else round_}
    return found


def _target(line: Mapping[str, Any], lying: bool) -> Option:
    """The target's line with what is wanted at its end."""
    data = [
        {**each, "label": {"formatter": escaped(str(each.get("name", "")))}} for each in line.get("data", ())
    ]
    return {
        "data": data,
        "symbol": "none",
        "silent": True,
        "lineStyle": {"color": TARGET, "type": "dashed", "width": 1.5},
        "label": {"color": INK, "fontSize": 12, "position": "end"},
    }


# ---------------------------------------------------------------- shapes
_RADAR: Mapping[str, Any] = {
    "radius": "62%",
    "center": ["50%", "56%"],
    "axisName": {"color": FAINT, "fontSize": 12},
    "splitLine": {"lineStyle": {"color": LINE}},
    "axisLine": {"lineStyle": {"color": LINE}},
    "splitArea": {"show": False},
    "splitNumber": 3,
}


def _slices(series: Mapping[str, Any], chart: Chart, kind: str) -> Option:
    texts = dict(zip(_labels(chart), _texts(chart, 0), strict=True))
    share = "  {d}%" if kind == "pie" else ""
    data = [
        {
            **each,
            "label": {
                "formatter": escaped(
                    each["name"] if share else f"{each['name']}  {texts.get(each['name'], '')}"
                )
                + share
            },
            "tooltip": {"formatter": escaped(f"{each['name']}  {texts.get(each['name'], '')}") + share},
            "itemStyle": {"decal": PATTERNS[at // len(COLOURS) % len(PATTERNS)]},  # where colours come again
        }
        for at, each in enumerate(series["data"])
    ]
    shape: Option = (
        {"left": 8, "right": "42%", "top": 12, "bottom": 12, "gap": 3, "minSize": "4%"}
        if kind == "funnel"
        else {"center": ["50%", "52%"], "avoidLabelOverlap": True, "percentPrecision": 1}
    )
    return {
        **series,
        **shape,
        "data": data,
        "label": {
            "show": True,
            "position": "right" if kind == "funnel" else "outside",
            "color": INK,
            "fontSize": 12,
        },
        "labelLine": {"lineStyle": {"color": LINE}},
        "itemStyle": {"borderColor": SURFACE, "borderWidth": 1},
    }


def _narrow(names: Sequence[str]) -> Option:
    """Where names around a pie would be cut off, they stand below it instead."""
    below = {**_legend(names), "type": "plain", "top": "auto", "bottom": 0}
    ring = {"center": ["50%", "34%"], "radius": ["34%", "54%"], "label": {"show": False}}
    return {"legend": below, "series": [ring]}


def _shapes(series: Mapping[str, Any]) -> Option:
    data = [
        {
            **each,
            "symbol": SHAPES[at % len(SHAPES)],
            "lineStyle": {"width": 2, "type": DASHES[at % len(DASHES)]},
            "areaStyle": {"opacity": 0.08},
        }
        for at, each in enumerate(series["data"])
    ]
    return {**series, "data": data}


# ---------------------------------------------------------------- the table behind
def _labels(chart: Chart) -> tuple[str, ...]:
    return chart.table.labels if isinstance(chart.table, Series) else chart.table.rows


def _texts(chart: Chart, at: int) -> list[str]:
    if isinstance(chart.table, Series):
        return list(chart.table.texts)
    return [row[at] for row in chart.table.texts]


def _links(chart: Chart) -> list[list[str]]:
    if isinstance(chart.table, Series):
        return [list(chart.table.links)]
    return [[row[at] for row in chart.table.links] for at in range(len(chart.table.columns))]


def _side_by_side(chart: Chart) -> int:
    """How many bars a group has beside each other."""
    series = chart.option.get("series", ())
    return 1 if any("stack" in each for each in series) else max(1, min(len(series), 3))


def escaped(text: str) -> str:
    """Text for a chart's formatter, in which braces would name a variable or a style."""
    return text.replace("{", "｛").replace("}", "｝").replace("|", "｜")
