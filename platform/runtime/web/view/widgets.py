"""The cards of a dashboard: each worked out by itself, so that one failing spoils no other."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from markupsafe import Markup

from dacheng.metadata.definition import CompiledApp
from dacheng.metadata.kinds import Chart, Figure, Grid, MeasureResult, Series
from dacheng.metadata.measures import Dashboard, Widget
from dacheng.metadata.problem import Refused
from dacheng.plugins.context import User
from dacheng.runtime.services import measure
from dacheng.runtime.services.measure import Filters
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.web.charts import as_data, is_drawn
from dacheng.runtime.web.markup import drawn
from dacheng.runtime.web.view.figures import Beside, comparisons, dressed
from dacheng.runtime.web.view.form_script import script_json
from dacheng.runtime.web.words import Words, words

log = logging.getLogger("dacheng.web.dashboard")
WIDTHS = (3, 4, 5, 6, 7, 8, 9, 12)
SHADES = 5


@dataclass(frozen=True, slots=True)
class FigureShown:
    """A number as people read it, leading to the records behind it; `exact` where it is shown short."""

    text: str
    exact: str
    unit: str
    note: str
    href: str
    beside: tuple[Beside, ...] = ()


@dataclass(frozen=True, slots=True)
class CellShown:
    """One figure of a table; `shade` is 0 to 5 where cells are shaded, else below."""

    text: str
    href: str
    shade: int = -1


@dataclass(frozen=True, slots=True)
class RowShown:
    """One group: `share` of the largest is 0 to 100, and empty where there are several figures; `place` from 1."""

    label: str
    href: str
    share: str
    cells: tuple[CellShown, ...]
    place: int = 0


@dataclass(frozen=True, slots=True)
class WidgetShown:
    """One card: a figure, or rows with or without a chart over them, or the sentence why there is neither."""

    id: str
    title: str
    width: int
    by: str = ""
    columns: tuple[str, ...] = ()
    figure: FigureShown | None = None
    rows: tuple[RowShown, ...] = ()
    chart: Markup | None = None
    shaded: bool = False
    summary: str = ""
    error: str = ""


def may_see(work: Work, board: Dashboard) -> bool:
    """Whether a dashboard is there for the person: their role is named, and there is a figure they may see."""
    if not _has_role(work, board.roles):
        return False
    shown = visible(work, board)
    refs = [name for widget in shown for name in widget.measures]
    return not board.widgets or any(measure.readable(work, ref) for ref in refs)


def visible(work: Work, board: Dashboard) -> tuple[Widget, ...]:
    """The widgets for the person's roles, in order."""
    ordered = sorted(board.widgets, key=lambda widget: (widget.order, widget.id))
    return tuple(widget for widget in ordered if _has_role(work, widget.roles))


def _has_role(work: Work, roles: tuple[str, ...]) -> bool:
    actor = work.context.actor
    mine = actor.roles if isinstance(actor, User) else frozenset[str]()
    return not roles or work.policy.admin or not mine.isdisjoint(roles)


def shown(
    reader: Reader, work: Work, app: CompiledApp, board: Dashboard, widget: Widget, filters: Filters
) -> WidgetShown:
    """The card of one widget, or the sentence why it cannot be shown."""
    say = words(work.context.locale)
    title = work.context.labels.text(work.context.locale, app.id, f"widget:{board.id}.{widget.id}")
    width = min((w for w in WIDTHS if w >= widget.width), default=12)
    empty = WidgetShown(widget.id, title, width)
    try:
        return _widget(reader, work, widget, filters, empty)
    except Refused as refused:
        hidden = any(one.code == "measure.unknown" for one in refused.problems)
        return replace(empty, error=say("dashboard.not_yours" if hidden else "dashboard.failed"))
    except Exception:
        log.exception("widget %s of %s.%s failed", widget.id, app.id, board.id)
        return replace(empty, error=say("dashboard.failed"))


def _widget(reader: Reader, work: Work, widget: Widget, filters: Filters, empty: WidgetShown) -> WidgetShown:
    known = work.model.catalogue.measures
    results = [
        dressed(work, widget, known[ref], _asked(reader, work, ref, widget, filters))
        for ref in widget.measures
    ]
    drawing = work.kinds.widgets[widget.kind].render(results, widget.props)
    say = words(work.context.locale)
    if isinstance(drawing, Figure):
        return replace(empty, figure=_figure(drawing, results[0], say))
    found = drawing.table if isinstance(drawing, Chart) else drawing
    columns = (results[0].name,) if isinstance(found, Series) else found.columns
    return replace(
        empty,
        by=_dimension(work, widget),
        columns=columns,
        rows=_series_rows(found) if isinstance(found, Series) else _grid_rows(found),
        chart=_chart(drawing) if isinstance(drawing, Chart) and is_drawn(drawing) else None,
        shaded=isinstance(found, Grid) and found.shaded,
        summary=_summary(found, say) if isinstance(found, Series) else _grid_summary(found, say),
    )


def _asked(reader: Reader, work: Work, ref: str, widget: Widget, filters: Filters) -> MeasureResult:
    return measure.run(
        reader, work, ref, widget.dimension, filters, widget.limit, widget.split, widget.compare
    )


def _dimension(work: Work, widget: Widget) -> str:
    if widget.dimension is None:
        return ""
    known = work.model.catalogue.measures
    first = known[widget.measures[0]]
    first = known.get(first.of, first)
    slot = f"dimension:{first.id}.{widget.dimension}"
    return work.context.labels.text(work.context.locale, first.app, slot)


def _figure(drawing: Figure, result: MeasureResult, say: Words) -> FigureShown:
    href = result.links[0] if result.links else ""
    exact = drawing.exact if result.divisor > 1 else ""
    return FigureShown(drawing.value, exact, drawing.unit, drawing.note, href, comparisons(result, say))


def _series_rows(series: Series) -> tuple[RowShown, ...]:
    largest = max((abs(value) for value in series.values), default=0) or 1
    links = series.links or ("",) * len(series.labels)
    return tuple(
        RowShown(
            label,
            href,
            f"{max(value, 0) / largest * 100:.1f}",
            (CellShown(text, ""),),
            at if series.ranked else 0,
        )
        for at, (label, text, value, href) in enumerate(
            zip(series.labels, series.texts, series.values, links, strict=True), 1
        )
    )


def _grid_rows(grid: Grid) -> tuple[RowShown, ...]:
    largest = max((value or 0 for row in grid.values for value in row), default=0) or 1
    return tuple(
        RowShown(
            label,
            "",
            "",
            tuple(
                CellShown(text, href, _shade(value, largest) if grid.shaded else -1)
                for value, text, href in zip(values, texts, links, strict=True)
            ),
        )
        for label, values, texts, links in zip(grid.rows, grid.values, grid.texts, grid.links, strict=True)
    )


def _shade(value: float | None, largest: float) -> int:
    if not value or value <= 0:
        return 0
    return min(SHADES, 1 + int(value / largest * SHADES * 0.999))


def _chart(chart: Chart) -> Markup:
    return drawn(script_json(as_data(chart)))


def _summary(series: Series, say: Words) -> str:
    if len(series.values) < 2:
        return ""
    top = max(range(len(series.values)), key=series.values.__getitem__)
    return say("dashboard.summary", top=series.labels[top], value=series.texts[top], count=len(series.values))


def _grid_summary(grid: Grid, say: Words) -> str:
    cells = [
        (value, row, column)
        for row, values in enumerate(grid.values)
        for column, value in enumerate(values)
        if value is not None
    ]
    if len(cells) < 2:
        return ""
    _, row, column = max(cells)
    return say(
        "dashboard.summary_grid",
        row=grid.rows[row],
        column=grid.columns[column],
        value=grid.texts[row][column],
    )


def entities_behind(work: Work, widget: Widget) -> frozenset[str]:
    """The entities whose records decide what a widget shows."""
    found: set[str] = set()
    for ref in widget.measures:
        found |= measure.entities_of(work, ref) if measure.readable(work, ref) else set()
    return frozenset(found)
