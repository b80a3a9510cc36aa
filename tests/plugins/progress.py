"""A dashboard widget: how far a figure has come towards a goal."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from dacheng.metadata.kinds import Figure, KindsPart, MeasureResult, WidgetKind
from dacheng.plugins.hookspecs import hookimpl

PROPS = {
    "properties": {"goal": {"type": "integer", "minimum": 1}},
    "required": ["goal"],
    "additionalProperties": False,
}


def draw(results: Sequence[MeasureResult], props: Mapping[str, Any]) -> Figure:
    """The share in whole percent, with the figure and the goal below."""
    reached = results[0].values[0] if results[0].values else None
    percent = round(Decimal(reached or 0) / props["goal"] * 100)
    return Figure(f"{percent} %", str(percent), note=f"{reached or 0} / {props['goal']}")


@hookimpl
def register_kinds() -> KindsPart:
    """One widget called `progress`."""
    return KindsPart("progress", widgets=(WidgetKind("progress", PROPS, draw),))
