"""A dashboard: its widgets over one period, each worked out by itself, so that one failing spoils no other."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import date, timedelta
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from dacheng.metadata.definition import CompiledApp, Dashboard, Measure, Widget
from dacheng.metadata.field_kinds.date import date_from_text
from dacheng.metadata.kinds import Chart, Figure, MeasureResult, Series
from dacheng.metadata.problem import Refused, refuse
from dacheng.runtime.services import measure
from dacheng.runtime.services.measure import Filters, Period
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.web.charts import MOST_BARS, dressed, height
from dacheng.runtime.web.fields.base import Marks, Setting
from dacheng.runtime.web.fields.date_input import date_input
from dacheng.runtime.web.fields.numbers import with_currency
from dacheng.runtime.web.markup import drawn
from dacheng.runtime.web.page import Link, Page
from dacheng.runtime.web.render import render
from dacheng.runtime.web.routing import SIGNED_IN, Route, host_of, work_of
from dacheng.runtime.web.view.form_script import script_json
from dacheng.runtime.web.view.setting import setting_of
from dacheng.runtime.web.words import Words, words

log = logging.getLogger("dacheng.web.dashboard")
NONE = "—"
WIDTHS = (3, 4, 5, 6, 7, 8, 9, 12)


@dataclass(frozen=True, slots=True)
class FigureShown:
    """A number as people read it, leading to the records behind it."""

    text: str
    unit: str
    note: str
    href: str


@dataclass(frozen=True, slots=True)
class RowShown:
    """One group: its share of the largest is 0 to 100."""

    label: str
    text: str
    share: str
    href: str


@dataclass(frozen=True, slots=True)
class WidgetShown:
    """One card: a figure, or rows with or without a chart over them, or the sentence why there is neither."""

    id: str
    title: str
    width: int
    by: str = ""
    measured: str = ""
    figure: FigureShown | None = None
    rows: tuple[RowShown, ...] = ()
    chart: Markup | None = None
    summary: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardPage(Page):
    """Everything the dashboard's template shows; `start` and `end` are the inputs of the period."""

    path: str
    said: str
    period: str
    periods: tuple[Link, ...]
    start: Markup
    end: Markup
    widgets: tuple[WidgetShown, ...]


async def show_dashboard(request: Request) -> Response:
    """The dashboard for the period that the address names."""
    work = work_of(request)
    app = work.model.catalogue.apps.get(request.path_params["app"])
    board = app.dashboards.get(request.path_params["dashboard"]) if app is not None else None
    if app is None or board is None or not _may_see(work, app, board):
        raise refuse("web.not_found")
    say, today = words(work.context.locale), work.context.today
    presets = _presets(board, today)
    chosen, period = _chosen(request, presets)
    shown = await host_of(request).db.read(lambda reader: _widgets(reader, work, app, board, period))
    labels, locale, path = work.context.labels, work.context.locale, request.url.path
    page = DashboardPage(
        title=labels.text(locale, app.id, f"dashboard:{board.id}"),
        current=f"{app.id}.dashboard.{board.id}",
        crumbs=(Link(labels.text(locale, app.id, "app"), ""),),
        scripts=("charts.js",),
        path=path,
        said=_said(say, period),
        period=chosen,
        periods=tuple(
            Link(say(f"dashboard.period_{key}"), f"{path}?period={key}", key=key) for key in presets
        ),
        start=_day_input(setting_of(work), "from", period.start),
        end=_day_input(setting_of(work), "to", period.end),
        widgets=shown,
    )
    return render(request, "dashboard.html", page)


# ---------------------------------------------------------------- the period
def _presets(board: Dashboard, today: date) -> dict[str, Period]:
    """The periods offered, the one shown first of all first."""
    declared = board.filters.get("period") or {}
    month = today.replace(day=1)
    quarter = month.replace(month=today.month - (today.month - 1) % 3)
    found = {
        "month": Period(month, _month_end(month)),
        "quarter": Period(quarter, _month_end(quarter.replace(month=quarter.month + 2))),
        "year": Period(date(today.year, 1, 1), date(today.year, 12, 31)),
        "all": Period(),
    }
    own = Period(_day(declared.get("from", "")), _day(declared.get("to", "")))
    if own == Period():
        return {"all": Period(), **found}
    return {"default": own, **found}


def _month_end(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _day(text: str) -> date | None:
    try:
        return date_from_text(text) if text else None
    except Refused:
        return None


def _day_input(setting: Setting, name: str, day: date | None) -> Markup:
    held = {name: day.isoformat()} if day else {}
    hint = setting.say(f"dashboard.{name}")
    return drawn(date_input(setting, name, name, hint=hint)(held, Marks()))


def _chosen(request: Request, presets: dict[str, Period]) -> tuple[str, Period]:
    params = request.query_params
    if "from" in params or "to" in params:
        own = Period(_day(params.get("from", "")), _day(params.get("to", "")))
        return next((key for key, period in presets.items() if period == own), ""), own
    key = params.get("period", "")
    key = key if key in presets else next(iter(presets))
    return key, presets[key]


def _said(say: Words, period: Period) -> str:
    if period.start and period.end:
        return say("dashboard.said", from_=period.start, to=period.end)
    if period.start:
        return say("dashboard.said_from", from_=period.start)
    return say("dashboard.said_to", to=period.end) if period.end else say("dashboard.said_all")


# ---------------------------------------------------------------- widgets
def _may_see(work: Work, app: CompiledApp, board: Dashboard) -> bool:
    """A dashboard of which not one figure may be seen does not exist for the person; an empty one does."""
    refs = [_ref(app, name) for widget in board.widgets for name in widget.measures]
    return not refs or any(measure.readable(work, ref) for ref in refs)


def _ref(app: CompiledApp, name: str) -> str:
    return name if "." in name else f"{app.id}.{name}"


def _widgets(
    reader: Reader, work: Work, app: CompiledApp, board: Dashboard, period: Period
) -> tuple[WidgetShown, ...]:
    ordered = sorted(board.widgets, key=lambda widget: (widget.order, widget.id))
    return tuple(_isolated(reader, work, app, board, widget, period) for widget in ordered)


def _isolated(
    reader: Reader, work: Work, app: CompiledApp, board: Dashboard, widget: Widget, period: Period
) -> WidgetShown:
    say = words(work.context.locale)
    title = work.context.labels.text(work.context.locale, app.id, f"widget:{board.id}.{widget.id}")
    width = min((w for w in WIDTHS if w >= widget.width), default=12)
    empty = WidgetShown(widget.id, title, width)
    try:
        return _widget(reader, work, app, widget, period, empty)
    except Refused as refused:
        hidden = any(one.code == "measure.unknown" for one in refused.problems)
        return replace(empty, error=say("dashboard.not_yours" if hidden else "dashboard.failed"))
    except Exception:
        log.exception("widget %s of %s.%s failed", widget.id, app.id, board.id)
        return replace(empty, error=say("dashboard.failed"))


def _widget(
    reader: Reader, work: Work, app: CompiledApp, widget: Widget, period: Period, empty: WidgetShown
) -> WidgetShown:
    refs = [_ref(app, name) for name in widget.measures]
    declared = [work.model.catalogue.measures[ref] for ref in refs]
    none = words(work.context.locale)("dashboard.none_group")
    results = [
        _linked(measure.run(reader, work, ref, widget.dimension, Filters(period), widget.limit), one, none)
        for ref, one in zip(refs, declared, strict=True)
    ]
    drawing = work.kinds.widgets[widget.kind].render(results, widget.props)
    if isinstance(drawing, Figure):
        href = results[0].links[0] if results[0].links else ""
        return replace(empty, figure=FigureShown(drawing.value, drawing.unit, drawing.note, href))
    series = drawing.table if isinstance(drawing, Chart) else drawing
    labels, locale, first = work.context.labels, work.context.locale, declared[0]
    by = (
        labels.text(locale, first.app, f"dimension:{first.id}.{widget.dimension}") if widget.dimension else ""
    )
    return replace(
        empty,
        by=by,
        measured=labels.text(locale, first.app, f"measure:{first.id}"),
        rows=_rows(series),
        chart=_chart(drawing) if isinstance(drawing, Chart) and 1 < len(series.values) <= MOST_BARS else None,
        summary=_summary(series, words(locale)),
    )


def _linked(result: MeasureResult, declared: Measure, none: str) -> MeasureResult:
    """The result with money in its currency (cents only where there are any), and each filter as the
    address of the list it opens; the group without a value is called `none`."""
    place = f"/apps/{declared.entity.replace('.', '/')}"
    links = tuple(f"{place}?{urlencode({'filter': one})}" if one != "null" else place for one in result.links)
    labels = tuple(none if label == NONE else label for label in result.labels)
    if not result.currency:
        return replace(result, links=links, labels=labels)
    whole = all(text.endswith(".00") or text == NONE for text in result.texts)
    plain = [text.removesuffix(".00") if whole else text for text in result.texts]
    texts = tuple(with_currency(text, result.currency) if text != NONE else text for text in plain)
    return replace(result, links=links, texts=texts, labels=labels)


def _rows(series: Series) -> tuple[RowShown, ...]:
    largest = max((abs(value) for value in series.values), default=0) or 1
    links = series.links or ("",) * len(series.labels)
    return tuple(
        RowShown(label, text, f"{max(value, 0) / largest * 100:.1f}", href)
        for label, text, value, href in zip(series.labels, series.texts, series.values, links, strict=True)
    )


def _chart(chart: Chart) -> Markup:
    return drawn(
        script_json({"option": dressed(chart), "links": list(chart.table.links), "height": height(chart)})
    )


def _summary(series: Series, say: Words) -> str:
    if len(series.values) < 2:
        return ""
    top = max(range(len(series.values)), key=series.values.__getitem__)
    return say("dashboard.summary", top=series.labels[top], value=series.texts[top], count=len(series.values))


ROUTES = (Route("/apps/{app}/dashboards/{dashboard}", show_dashboard, SIGNED_IN),)
