"""A dashboard: its widgets over one period, those that went stale once more, and the signal that they did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from dacheng.metadata.definition import CompiledApp
from dacheng.metadata.measures import Dashboard, Widget
from dacheng.metadata.problem import Refused, refuse
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.web.live import Stale, live_response
from dacheng.runtime.web.page import Link, Page
from dacheng.runtime.web.render import render
from dacheng.runtime.web.routing import SIGNED_IN, Route, host_of, work_of
from dacheng.runtime.web.saving import frame_of
from dacheng.runtime.web.view.dashboard_filters import Controls, controls, filters_of
from dacheng.runtime.web.view.widgets import WidgetShown, entities_behind, may_see, shown, visible


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardPage(Page):
    """Everything the dashboard's template shows; `live` is where the signals come from, `fresh` the stale cards."""

    path: str
    controls: Controls
    widgets: tuple[WidgetShown, ...]
    live: str
    fresh: str
    composed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CardsPage(Page):
    """Cards alone, for a page that shows them already."""

    widgets: tuple[WidgetShown, ...]


async def show_dashboard(request: Request) -> Response:
    """The dashboard for the period, department and owner that the address names."""
    work = work_of(request)
    app, board = _board(request, work)
    filters = filters_of(request, board.filters, work.context.today)

    def read(reader: Reader) -> tuple[tuple[WidgetShown, ...], Controls]:
        cards = tuple(shown(reader, work, app, board, one, filters) for one in visible(work, board))
        return cards, controls(reader, work, request, board.filters, filters)

    cards, above = await host_of(request).db.read(read)
    labels, locale, path = work.context.labels, work.context.locale, request.url.path
    page = DashboardPage(
        title=labels.text(locale, app.id, f"dashboard:{board.id}"),
        current=f"{app.id}.dashboard.{board.id}",
        crumbs=(Link(labels.text(locale, app.id, "app"), ""),),
        scripts=("charts.js", "live.js"),
        path=path,
        controls=above,
        widgets=cards,
        live=f"{path}/live",
        fresh=f"{path}/cards?{above.query}",
    )
    return render(request, "dashboard.html", page)


async def show_cards(request: Request) -> Response:
    """The cards that `only` names, worked out anew: all stale ones of a viewer in one request."""
    work = work_of(request)
    app, board = _board(request, work)
    wanted = frozenset(request.query_params.get("only", "").split(","))
    filters = filters_of(request, board.filters, work.context.today)
    some = [widget for widget in visible(work, board) if widget.id in wanted]
    cards = await host_of(request).db.read(
        lambda reader: tuple(shown(reader, work, app, board, one, filters) for one in some)
    )
    return render(request, "_cards.html", CardsPage(title="", widgets=cards))


async def follow(request: Request) -> Response:
    """A stream that names cards gone stale and carries no figure; it ends when the dashboard is not theirs any more."""
    _board(request, work_of(request))

    async def behind() -> Stale | None:
        try:
            work = await frame_of(request)
            _, board = _board(request, work)
        except Refused:
            return None
        return stale_by(work, [(widget.id, widget) for widget in visible(work, board)])

    return await live_response(request, behind)


def stale_by(work: Work, widgets: Sequence[tuple[str, Widget]]) -> Stale:
    """Card → the entities whose changes make it stale."""
    return {name: entities_behind(work, widget) for name, widget in widgets}


def _board(request: Request, work: Work) -> tuple[CompiledApp, Dashboard]:
    app = work.model.catalogue.apps.get(request.path_params["app"])
    board = app.dashboards.get(request.path_params["dashboard"]) if app is not None else None
    if app is None or board is None or not may_see(work, board):
        raise refuse("web.not_found")
    return app, board


ROUTES = (
    Route("/apps/{app}/dashboards/{dashboard}", show_dashboard, SIGNED_IN),
    Route("/apps/{app}/dashboards/{dashboard}/cards", show_cards, SIGNED_IN),
    Route("/apps/{app}/dashboards/{dashboard}/live", follow, SIGNED_IN),
)
