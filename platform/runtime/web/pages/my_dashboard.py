"""My dashboard: widgets a person picked from those they may see; added, removed, moved by button, key or pointer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dacheng.metadata.definition import CompiledApp
from dacheng.metadata.measures import Dashboard, Widget
from dacheng.metadata.problem import Refused
from dacheng.runtime.services import measure, my_dashboard
from dacheng.runtime.services.my_dashboard import Composition, moved
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.reader import Reader, Transaction
from dacheng.runtime.web.form_body import read_form
from dacheng.runtime.web.live import Stale, live_response
from dacheng.runtime.web.page import Link
from dacheng.runtime.web.pages.dashboard import CardsPage, DashboardPage, stale_by
from dacheng.runtime.web.render import flash, render
from dacheng.runtime.web.routing import SIGNED_IN, Route, host_of, work_of
from dacheng.runtime.web.saving import frame_of
from dacheng.runtime.web.view.dashboard_filters import Controls, controls, filters_of
from dacheng.runtime.web.view.widgets import WidgetShown, may_see, shown, visible
from dacheng.runtime.web.words import words

PATH = "/my-dashboard"
FILTERS: Mapping[str, Mapping[str, str]] = {"period": {"first": "year"}, "department": {}, "owner": {}}
Placed = tuple[CompiledApp, Dashboard, Widget]


@dataclass(frozen=True, slots=True)
class Offer:
    """The widgets of one dashboard that may be added."""

    heading: str
    widgets: tuple[Link, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MyDashboardPage(DashboardPage):
    """The composed dashboard; while it is put together, what is on it and what may come."""

    editing: bool
    chosen: tuple[Link, ...]
    offers: tuple[Offer, ...]


async def show_mine(request: Request) -> Response:
    """The dashboard, or with `edit` what it is put together from."""
    work = work_of(request)
    editing = "edit" in request.query_params
    filters = filters_of(request, FILTERS, work.context.today)
    known = dict(_permitted(work))

    def read(reader: Reader) -> tuple[Composition, tuple[WidgetShown, ...], Controls]:
        mine = my_dashboard.read(reader, work)
        some = () if editing else tuple(key for key in mine.widgets if key in known)
        cards = tuple(_card(reader, work, key, known[key], request) for key in some)
        return mine, cards, controls(reader, work, request, FILTERS, filters)

    mine, cards, above = await host_of(request).db.read(read)
    page = MyDashboardPage(
        title=words(work.context.locale)("shell.my-dashboard"),
        current="my-dashboard",
        scripts=("compose.js",) if editing else ("charts.js", "live.js"),
        path=PATH,
        controls=above,
        widgets=cards,
        live="" if editing else f"{PATH}/live",
        fresh=f"{PATH}/cards?{above.query}",
        composed=True,
        editing=editing,
        chosen=tuple(Link(_title(work, known[key]), "", key=key) for key in mine.widgets if key in known),
        offers=_offers(work, known, mine.widgets) if editing else (),
    )
    return render(request, "my_dashboard.html", page)


async def show_cards(request: Request) -> Response:
    """The stale cards once more."""
    work = work_of(request)
    known = {_name(key): (key, placed) for key, placed in _permitted(work)}
    wanted = request.query_params.get("only", "").split(",")[: my_dashboard.MOST]
    some = [known[name] for name in wanted if name in known]
    cards = await host_of(request).db.read(
        lambda reader: tuple(_card(reader, work, key, placed, request) for key, placed in some)
    )
    return render(request, "_cards.html", CardsPage(title="", widgets=cards))


async def follow(request: Request) -> Response:
    """Signals for the person's own cards."""

    async def behind() -> Stale | None:
        try:
            work = await frame_of(request)
            known = dict(_permitted(work))
            mine = await host_of(request).db.read(lambda reader: my_dashboard.read(reader, work))
        except Refused:
            return None
        return stale_by(work, [(_name(key), known[key][2]) for key in mine.widgets if key in known])

    return await live_response(request, behind)


async def change(request: Request) -> Response:
    """One step: add, remove, move a widget, put all in a new order, or take the last step back."""
    work = work_of(request)
    form = await read_form(request, "do", "widget", "order")
    step, key = form["do"], form["widget"]
    known = dict(_permitted(work))
    order = [one for one in form["order"].split(",") if one in known]

    def write(tx: Transaction) -> None:
        mine = my_dashboard.read(tx, work).widgets
        if step == "undo":
            my_dashboard.undo(tx, work)
        elif step == "add" and key in known:
            my_dashboard.arrange(tx, work, (*mine, key))
        elif step == "remove":
            my_dashboard.arrange(tx, work, [one for one in mine if one != key])
        elif step in ("up", "down"):
            my_dashboard.arrange(tx, work, moved(mine, key, -1 if step == "up" else 1))
        elif step == "order" and set(order) == {one for one in mine if one in known}:
            my_dashboard.arrange(tx, work, order)

    await host_of(request).db.write(write)
    response = RedirectResponse(f"{PATH}?edit=1", 303)
    if step == "remove":
        flash(response, "dashboard.removed", undo=f"{PATH}/undo")
    return response


async def take_back(request: Request) -> Response:
    """The last step, taken back from the notice that tells of it."""
    work = work_of(request)
    await host_of(request).db.write(lambda tx: my_dashboard.undo(tx, work))
    return RedirectResponse(f"{PATH}?edit=1", 303)


def _permitted(work: Work) -> Iterator[tuple[str, Placed]]:
    """Every widget of every dashboard that this person may see, by `app.dashboard.widget`."""
    for app in work.model.catalogue.apps.values():
        for board in app.dashboards.values():
            if not may_see(work, board):
                continue
            for widget in visible(work, board):
                if all(measure.readable(work, ref) for ref in widget.measures):
                    yield f"{app.id}.{board.id}.{widget.id}", (app, board, widget)


def _name(key: str) -> str:
    return key.replace(".", "-")


def _card(reader: Reader, work: Work, key: str, placed: Placed, request: Request) -> WidgetShown:
    app, board, widget = placed
    filters = filters_of(request, FILTERS, work.context.today)
    return replace(shown(reader, work, app, board, widget, filters), id=_name(key))


def _title(work: Work, placed: Placed) -> str:
    app, board, widget = placed
    return work.context.labels.text(work.context.locale, app.id, f"widget:{board.id}.{widget.id}")


def _offers(work: Work, known: Mapping[str, Placed], chosen: tuple[str, ...]) -> tuple[Offer, ...]:
    found: dict[str, list[Link]] = {}
    for key, placed in known.items():
        app, board, _ = placed
        heading = work.context.labels.text(work.context.locale, app.id, f"dashboard:{board.id}")
        if key not in chosen:
            found.setdefault(heading, []).append(Link(_title(work, placed), "", key=key))
    return tuple(Offer(heading, tuple(links)) for heading, links in found.items())


ROUTES = (
    Route(PATH, show_mine, SIGNED_IN),
    Route(PATH, change, SIGNED_IN, ("POST",)),
    Route(f"{PATH}/undo", take_back, SIGNED_IN, ("POST",)),
    Route(f"{PATH}/cards", show_cards, SIGNED_IN),
    Route(f"{PATH}/live", follow, SIGNED_IN),
)
