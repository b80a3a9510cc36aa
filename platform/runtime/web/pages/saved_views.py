"""Keeping a list as it is now, and what one chooses for oneself: the view that opens, columns, density."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dacheng.metadata.problem import refuse
from dacheng.runtime.services import list_choices, saved_views
from dacheng.runtime.services.saved_views import SavedView
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.reader import Transaction
from dacheng.runtime.web.form_body import read_form, read_pairs
from dacheng.runtime.web.render import flash
from dacheng.runtime.web.routing import SIGNED_IN, Route, host_of, work_of
from dacheng.runtime.web.view.chosen import Chosen, choose, known
from dacheng.runtime.web.view.list_query import shape_of
from dacheng.runtime.web.view.list_state import ListState
from dacheng.runtime.web.view.setting import setting_of
from dacheng.runtime.web.view.view_menu import COLUMNS_OPEN

T = TypeVar("T")
LONGEST_STATE = 30_000


async def keep_view(request: Request) -> Response:
    """Save the list as it is now under a name, or into the view that is open."""
    work, ref = work_of(request), _ref(request)
    form = await read_form(request, "state", "name", "shared", "into")
    shared, into = form["shared"] == "yes", form["into"]

    def write(tx: Transaction) -> SavedView:
        state, chosen = _at(tx, work, ref, form["state"])
        shape = shape_of(work, work.entity(ref), chosen, state, setting_of(work))
        if into:
            return saved_views.change(tx, work, ref, into, shape=shape)
        return saved_views.keep(tx, work, ref, form["name"], shape, shared=shared)

    kept = await host_of(request).db.write(write)
    response = _to(_path(ref), kept.id)
    flash(response, "list.view_kept", name=kept.name)
    return response


async def change_view(request: Request) -> Response:
    """Rename a view, share it or take it back."""
    work, ref, view = work_of(request), _ref(request), str(request.path_params["view"])
    form = await read_form(request, "name", "shared")
    shared = form["shared"] == "yes"
    kept = await _write(
        request, lambda tx: saved_views.change(tx, work, ref, view, name=form["name"], shared=shared)
    )
    response = _to(_path(ref), kept.id)
    flash(response, "list.view_kept", name=kept.name)
    return response


async def drop_view(request: Request) -> Response:
    """Delete a view; its records stay."""
    work, ref, view = work_of(request), _ref(request), str(request.path_params["view"])
    await read_form(request)
    name = await _write(request, lambda tx: saved_views.drop(tx, work, ref, view))
    response = _to(_path(ref), "")
    flash(response, "list.view_dropped", name=name)
    return response


async def set_default(request: Request) -> Response:
    """Open this view first from now on, or what the app says again."""
    work, ref = work_of(request), _ref(request)
    form = await read_form(request, "view", "on")
    wanted = form["view"] if form["on"] == "yes" else ""
    await _write(request, lambda tx: list_choices.choose_default(tx, work, ref, wanted))
    response = _to(_path(ref), form["view"])
    flash(response, "list.view_default" if wanted else "list.view_default_off")
    return response


async def set_columns(request: Request) -> Response:
    """One's own columns in a view: shown, hidden, moved up or down; or the view's own again; or the density."""
    work, ref = work_of(request), _ref(request)
    pairs = await read_pairs(request)
    single = {name: value for name, value in pairs if name != "column"}
    columns = [value for name, value in pairs if name == "column"]
    if set(single) - {"state", "do"}:
        raise refuse("web.form_unknown_field", name=min(set(single) - {"state", "do"}))
    do, _, what = single.get("do", "").partition(":")

    def write(tx: Transaction) -> ListState:
        state, chosen = _at(tx, work, ref, single.get("state", ""))
        if do == "density":
            list_choices.choose_density(tx, work, ref, what)
        else:
            wanted = [] if do == "reset" else moved(columns, do, what)
            list_choices.choose_columns(tx, work, ref, chosen.key, wanted)
        return state

    state = await _write(request, write)
    return RedirectResponse(state.href(build=COLUMNS_OPEN if do in ("up", "down") else ""), 303)


def moved(columns: list[str], do: str, what: str) -> list[str]:
    """The columns with one of them a place up or down."""
    order = list(dict.fromkeys(columns))
    if do in ("up", "down") and what in order:
        at = order.index(what)
        to = at - 1 if do == "up" else at + 1
        if 0 <= to < len(order):
            order[at], order[to] = order[to], order[at]
    return order


def _at(tx: Transaction, work: Work, ref: str, text: str) -> tuple[ListState, Chosen]:
    """Where the person is in the list: the address that the form came with, read again here."""
    if len(text) > LONGEST_STATE:
        raise refuse("web.not_understood")
    query = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=100))
    chosen = choose(work, work.entity(ref), known(tx, work, ref), query.get("view", ""))
    return ListState.of(_path(ref), query, chosen.base), chosen


async def _write(request: Request, step: Callable[[Transaction], T]) -> T:
    return await host_of(request).db.write(step)


def _ref(request: Request) -> str:
    return f"{request.path_params['app']}.{request.path_params['entity']}"


def _path(ref: str) -> str:
    return f"/apps/{ref.replace('.', '/')}"


def _to(path: str, view: str) -> RedirectResponse:
    return RedirectResponse(ListState(path, view=view).href(), 303)


_VIEWS = "/apps/{app}/{entity}/views"
ROUTES = (
    Route(_VIEWS, keep_view, SIGNED_IN, ("POST",)),
    Route(_VIEWS + "/default", set_default, SIGNED_IN, ("POST",)),
    Route(_VIEWS + "/columns", set_columns, SIGNED_IN, ("POST",)),
    Route(_VIEWS + "/{view}", change_view, SIGNED_IN, ("POST",)),
    Route(_VIEWS + "/{view}/delete", drop_view, SIGNED_IN, ("POST",)),
)
