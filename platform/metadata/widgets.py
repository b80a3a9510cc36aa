"""The product's own widgets: what measures answered, as figures, charts and tables; no colour, no word of a language."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from dacheng.metadata.kinds import Chart, Figure, Grid, MeasureResult, Series, WidgetKind

COLUMN_LABELS = 40  # Latin letters that fit under the columns of half a page
MOST_SLICES = 8
Props = Mapping[str, Any]
Results = Sequence[MeasureResult]


# ---------------------------------------------------------------- data
def grid_of(results: Results, *, shaded: bool = False) -> Grid:
    """Measures side by side, or one measure by its two dimensions, or beside the period before."""
    first = results[0]
    if first.splits:
        return _split(first, shaded)
    columns = [_column(one) for one in results]
    names = [one.name for one in results]
    if len(results) == 1 and first.before:
        columns.append(_column(_before(first)))
        names.append(first.before_name)
    rows = _rows(first, [key for column in columns for key in column])
    return _filled(rows, [dict.fromkeys(rows) | column for column in columns], names, shaded)


Cell = tuple[float | None, str, str]
_EMPTY: Cell = (None, "—", "")


def _before(result: MeasureResult) -> MeasureResult:
    return replace(
        result, values=result.before, texts=result.before_texts, links=result.before_links, before=()
    )


def _column(result: MeasureResult) -> dict[str, Cell]:
    divided = _divided(result)
    return {
        label: (value, text, link)
        for label, value, text, link in zip(result.labels, divided, result.texts, result.links, strict=True)
    }


def _rows(first: MeasureResult, others: Sequence[str]) -> list[str]:
    """The first one's groups in their order, then those that only others have; days and months in time."""
    found = list(dict.fromkeys([*first.labels, *others]))
    return sorted(found) if first.in_time and len(found) != len(first.labels) else found


def _filled(
    rows: Sequence[str], columns: Sequence[Mapping[str, Cell | None]], names: Sequence[str], shaded: bool
) -> Grid:
    cells = [[column.get(row) or _EMPTY for column in columns] for row in rows]
    return Grid(
        tuple(rows),
        tuple(names),
        tuple(tuple(cell[0] for cell in row) for row in cells),
        tuple(tuple(cell[1] for cell in row) for row in cells),
        tuple(tuple(cell[2] for cell in row) for row in cells),
        shaded,
    )


def _split(result: MeasureResult, shaded: bool) -> Grid:
    rows = list(dict.fromkeys(result.labels))
    names = list(dict.fromkeys(_in_order(result.splits, [key[1] for key in result.groups])))
    columns: dict[str, dict[str, Cell | None]] = {name: {} for name in names}
    divided = _divided(result)
    for label, split, value, text, link in zip(
        result.labels, result.splits, divided, result.texts, result.links, strict=True
    ):
        columns[split][label] = (value, text, link)
    return _filled(rows, [columns[name] for name in names], names, shaded)


def _in_order(labels: Sequence[str], keys: Sequence[Any]) -> list[str]:
    """Parts that are numbers or days stand in their order, others as they come."""
    if all(isinstance(key, int) for key in keys):
        named = dict(zip(keys, labels, strict=True))
        every = (
            range(min(named), max(named) + 1)
            if all(named[key] == hour(key) for key in named)
            else sorted(named)
        )
        return [named.get(key) or hour(key) for key in every]
    texts = [str(key or "") for key in keys]
    timed = all(text[:4].isdigit() and len(text) <= 10 for text in texts)
    return [label for _, label in sorted(zip(texts, labels, strict=True))] if timed else list(labels)


def hour(key: int) -> str:
    """How an hour of the day is written, so that those without records can stand among the others."""
    return f"{key:02}"


def _divided(result: MeasureResult) -> list[float | None]:
    return [None if value is None else _float(value) / result.divisor for value in result.values]


def _float(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0


def _series(result: MeasureResult, *, ranked: bool = False) -> Series:
    values = tuple(value or 0.0 for value in _divided(result))
    return Series(result.labels, values, result.texts, result.links, result.unit, ranked)


def _ranked(result: MeasureResult) -> MeasureResult:
    """The groups in the order of the options, where they are some."""
    if len(result.ranks) != len(result.labels):
        return result
    order = sorted(range(len(result.ranks)), key=result.ranks.__getitem__)

    def moved(values: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(values[at] for at in order) if len(values) == len(order) else values

    return replace(
        result,
        groups=moved(result.groups),
        labels=moved(result.labels),
        values=moved(result.values),
        texts=moved(result.texts),
        links=moved(result.links),
        before=moved(result.before),
        before_texts=moved(result.before_texts),
        before_links=moved(result.before_links),
    )


def _steps(results: Results) -> MeasureResult:
    """Several figures as steps one after the other; one by its dimension is already."""
    if len(results) == 1:
        return _ranked(results[0])
    first = results[0]
    return replace(
        first,
        groups=tuple((one.name,) for one in results),
        labels=tuple(one.name for one in results),
        values=tuple(one.values[0] if one.values else 0 for one in results),
        texts=tuple(one.texts[0] if one.texts else "—" for one in results),
        links=tuple(one.links[0] if one.links else "" for one in results),
        before=(),
    )


# ---------------------------------------------------------------- drawing
def number(results: Results, props: Props) -> Figure:
    """The figure alone; what it is compared with stands in the result."""
    result = results[0]
    value = result.texts[0] if result.texts else "—"
    exact = str(result.values[0]) if result.values and result.values[0] is not None else ""
    return Figure(value, exact, result.unit)


def bar(results: Results, props: Props) -> Chart:
    """A bar for each group, lying where names need the room; beside the period before, in pairs."""
    result = results[0]
    crowded = len(result.labels) > 8 or sum(map(_width, result.labels)) > COLUMN_LABELS
    lying = bool(props.get("horizontal", crowded and not result.in_time))
    table: Series | Grid = grid_of(results) if result.before or len(results) > 1 else _series(result)
    return _axes("bar", results, table, lying=lying)


def line(results: Results, props: Props) -> Chart:
    """A line for each measure or part, or for this and last year; the target is a line of its own."""
    paired = results[0].splits or results[0].before or len(results) > 1
    return _axes("line", results, grid_of(results) if paired else _series(results[0]))


def stacked(results: Results, props: Props) -> Chart:
    """Bars of the first dimension, each put together from the parts of the second."""
    table = grid_of(results)
    crowded = len(table.rows) > 8 or sum(map(_width, table.rows)) > COLUMN_LABELS
    return _axes("bar", results, table, lying=crowded and not results[0].in_time, stack="all")


def pie(results: Results, props: Props) -> Chart:
    """Shares of a whole; the smallest beyond eight are read in the table."""
    table = _series(results[0])
    data = [
        {"name": name, "value": value}
        for name, value in zip(table.labels[:MOST_SLICES], table.values, strict=False)
        if value > 0
    ]
    option = {"series": [{"type": "pie", "radius": ["48%", "74%"], "data": data}]}
    return Chart(option, _said(table), table)


def funnel(results: Results, props: Props) -> Chart:
    """Steps in their order, each as wide as its figure."""
    table = _series(_steps(results))
    data = [{"name": name, "value": value} for name, value in zip(table.labels, table.values, strict=True)]
    option = {"series": [{"type": "funnel", "sort": "none", "data": data, "min": 0}]}
    return Chart(option, _said(table), table)


def radar(results: Results, props: Props) -> Chart:
    """An axis for each group, a shape for each measure or part, each axis as long as its largest value."""
    table = grid_of(results)
    largest = [max((value or 0.0 for value in row), default=0.0) or 1.0 for row in table.values]
    indicators = [{"name": name, "max": top} for name, top in zip(table.rows, largest, strict=True)]
    shapes = [
        {"name": name, "value": [row[at] or 0.0 for row in table.values]}
        for at, name in enumerate(table.columns)
    ]
    option = {"radar": {"indicator": indicators}, "series": [{"type": "radar", "data": shapes}]}
    return Chart(option, "", table)


def heat_map(results: Results, props: Props) -> Grid:
    """Both dimensions as rows and columns, each cell as dark as it is large."""
    return grid_of(results, shaded=True)


def table(results: Results, props: Props) -> Grid:
    """Measures side by side, or one measure by two dimensions."""
    return grid_of(results)


def leaderboard(results: Results, props: Props) -> Series:
    """Places by the figure, the largest first."""
    return _series(results[0], ranked=True)


def _axes(
    kind: str, results: Results, table: Series | Grid, *, lying: bool = False, stack: str = ""
) -> Chart:
    labels = table.labels if isinstance(table, Series) else table.rows
    columns: list[tuple[str, Sequence[float | None]]] = (
        [(results[0].name, table.values)]
        if isinstance(table, Series)
        else [(name, [row[at] for row in table.values]) for at, name in enumerate(table.columns)]
    )
    categories = {"type": "category", "data": list(labels), "inverse": lying}
    numbers: dict[str, Any] = {"type": "value"}
    if results[0].divided:
        numbers["name"] = results[0].divided
    more = {"stack": stack} if stack else {}
    option = {
        "xAxis": numbers if lying else categories,
        "yAxis": categories if lying else numbers,
        "tooltip": {"trigger": "item", "renderMode": "richText"},
        "series": [
            {"type": kind, "name": name, "data": list(values), "barMaxWidth": 32, **more}
            for name, values in columns
        ],
    }
    _mark_target(option, results[0], lying)
    return Chart(option, _said(table) if isinstance(table, Series) else "", table)


def _mark_target(option: Mapping[str, Any], result: MeasureResult, lying: bool) -> None:
    if result.target is None or not result.in_time or not option["series"]:
        return
    at = float(result.target) / result.divisor
    option["series"][0]["markLine"] = {
        "data": [{"xAxis" if lying else "yAxis": at, "name": result.target_text}]
    }


def _said(table: Series) -> str:
    return "; ".join(f"{label} {text}" for label, text in zip(table.labels, table.texts, strict=True))


def _width(text: str) -> int:
    """How wide a label is, in Latin letters: a Han character is two."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def _kind(name: str, render: Callable[[Results, Props], Any], width: int, **props: Any) -> WidgetKind:
    schema = {"type": "object", "additionalProperties": False, "properties": props}
    return WidgetKind(name, schema, render, width, 1 if name == "number" else 2)


WIDGETS = (
    _kind("number", number, 3),
    _kind("bar", bar, 4, horizontal={"type": "boolean"}),
    _kind("line", line, 4),
    _kind("stacked", stacked, 5),
    _kind("pie", pie, 4),
    _kind("funnel", funnel, 4),
    _kind("heat_map", heat_map, 6),
    _kind("table", table, 4),
    _kind("leaderboard", leaderboard, 4),
    _kind("radar", radar, 4),
)
