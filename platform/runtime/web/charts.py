"""Charts as data: a widget's option dressed in the design's tokens, without a single function in it.

Colours are given as `var(--token)`; whoever draws replaces them, the browser from the style sheet and
a report from its own table, so that one option serves light, dark and paper.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dacheng.metadata.kinds import Chart

INK, FAINT, LINE, BAR = "var(--ink)", "var(--ink-2)", "var(--line)", "var(--bar)"
FONT = "var(--font)"
LONG_LABEL = 110
MOST_BARS = 40  # more of them are read as a table
BAR_HEIGHT, MARGINS = 24, 36
CLOSE_COLUMNS = 40  # letters of all names; beyond, as over many days, some columns go without


def height(chart: Chart) -> int:
    """The pixels in which every lying bar has room for its name; 0 where the usual height will do."""
    lying = chart.option.get("yAxis", {}).get("type") == "category"
    return len(chart.table.values) * BAR_HEIGHT + MARGINS if lying else 0


def dressed(chart: Chart) -> dict[str, Any]:
    """The chart's option with axes, colours, margins and labels of the design; the data stay as they are."""
    option = dict(chart.option)
    option["textStyle"] = {"fontFamily": FONT, "fontSize": 12}
    option["animation"] = False
    option["color"] = [BAR]
    option["tooltip"] = {**option.get("tooltip", {}), "renderMode": "richText", "confine": True}
    for name in ("xAxis", "yAxis"):
        option[name] = _axis(option.get(name, {}))
    horizontal = option["yAxis"].get("type") == "category"
    option["grid"] = {
        "left": 4,
        "right": 88 if horizontal else 8,
        "top": 24,
        "bottom": 4,
        "containLabel": True,
    }
    if horizontal:
        option["yAxis"]["axisLabel"] |= {"interval": 0, "hideOverlap": False}
    elif sum(map(len, chart.table.labels)) <= CLOSE_COLUMNS:
        option["xAxis"]["axisLabel"] |= {
            "interval": 0,
            "width": 84,
            "overflow": "break",
            "hideOverlap": False,
        }
    option["series"] = [_series(one, chart, horizontal) for one in option.get("series", ())]
    return option


def _axis(axis: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(axis)
    found["axisLabel"] = {"color": FAINT, "fontSize": 12, **found.get("axisLabel", {})}
    if found.get("type") == "category":
        found["axisTick"] = {"show": False}
        found["axisLine"] = {"lineStyle": {"color": LINE}}
        found["axisLabel"] |= {"width": LONG_LABEL, "overflow": "truncate", "hideOverlap": True}
    else:
        found["splitLine"] = {"lineStyle": {"color": LINE}}
        found["axisLabel"] |= {"hideOverlap": True}
        found["splitNumber"] = 3
    return found


def _series(series: Mapping[str, Any], chart: Chart, horizontal: bool) -> dict[str, Any]:
    """Bars carry their values as text, already written in the reader's numbers."""
    found = dict(series)
    texts = chart.table.texts
    label = {"show": True, "position": "right" if horizontal else "top", "color": INK, "fontSize": 12}
    found["data"] = [
        {
            "value": value,
            "label": {"formatter": escaped(text)},
            "tooltip": {"formatter": escaped(f"{name}  {text}")},
        }
        for value, text, name in zip(chart.table.values, texts, chart.table.labels, strict=True)
    ]
    found["label"] = label
    found["labelLayout"] = {"hideOverlap": not horizontal}
    found["barMaxWidth"] = 22
    found["itemStyle"] = {"borderRadius": [0, 3, 3, 0] if horizontal else [3, 3, 0, 0]}
    return found


def escaped(text: str) -> str:
    """Text for a chart's formatter, in which braces would name a variable or a style."""
    return text.replace("{", "｛").replace("}", "｝").replace("|", "｜")
