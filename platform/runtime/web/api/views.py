"""Saved views and what each person chose for their lists: whatever the page does, a program can."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from dacheng.runtime.services import gate, list_choices, saved_views
from dacheng.runtime.services.saved_views import MAX_GROUPS, MAX_NAME, SavedView, Shape
from dacheng.runtime.storage.reader import Reader, Transaction
from dacheng.runtime.web.api.bodies import Body
from dacheng.runtime.web.api.operation import (
    NUMBER,
    TEXT,
    TRUTH,
    Json,
    Operation,
    by_name,
    list_of,
    shape,
)
from dacheng.runtime.web.api.read import answer
from dacheng.runtime.web.api.requests import entity_ref
from dacheng.runtime.web.routing import SIGNED_IN, host_of, work_of

T = TypeVar("T")
PATH: Final[Json] = {"type": "string", "maxLength": 160}
VIEW: Final[Json] = {"type": "string", "maxLength": 40}


def _paths(most: int) -> Json:
    return {"type": "array", "items": PATH, "maxItems": most}


PARTS: Final[dict[str, Json]] = {
    "list": VIEW,
    "filter": {"description": "an expression, or null"},
    "sort": _paths(gate.MAX_SORT),
    "columns": _paths(list_choices.MAX_COLUMNS),
    "group": _paths(MAX_GROUPS),
    "kind": {"enum": list(saved_views.KINDS)},
    "on": VIEW,
}
NAMED: Final[dict[str, Json]] = {"name": {"type": "string", "maxLength": MAX_NAME}, "shared": TRUTH}
KEEP: Final = Body({**NAMED, **PARTS}, ("name",))
CHANGE: Final = Body({**NAMED, **PARTS, "version": NUMBER})
DEFAULT: Final = Body({"view": VIEW}, ("view",))
DENSITY: Final = Body({"density": {"enum": list(list_choices.DENSITIES)}}, ("density",))
COLUMNS: Final = Body({"columns": _paths(list_choices.MAX_COLUMNS)}, ("columns",))
SHOWN: Final = shape(id=TEXT, mine=TRUTH, may_change=TRUTH, usable=TRUTH, version=NUMBER, **NAMED, **PARTS)
CHOSEN: Final = shape(
    items=list_of(SHOWN), default=TEXT, density=TEXT, columns=by_name(_paths(list_choices.MAX_COLUMNS))
)


async def list_views(request: Request) -> Response:
    """The saved views of an entity's lists within one's reach, and what one chose for them."""
    work, ref = work_of(request), entity_ref(request)

    def read(reader: Reader) -> dict[str, Any]:
        chosen = list_choices.read(reader, work, ref)
        return {
            "items": [each.json() for each in saved_views.views(reader, work, ref)],
            "default": chosen.default,
            "density": chosen.density,
            "columns": dict(chosen.columns),
        }

    return answer(await host_of(request).db.read(read))


async def keep_view(request: Request) -> Response:
    """Keep a view of an entity's lists for oneself, or for everybody where one's roles allow it."""
    work, ref, body = work_of(request), entity_ref(request), await KEEP.read(request)
    shared = bool(body.get("shared", False))
    made = await _write(
        request,
        lambda tx: saved_views.keep(tx, work, ref, body["name"], Shape.of(body), shared=shared),
    )
    return answer(made.json(), 201)


async def change_view(request: Request) -> Response:
    """Rename, share or reshape a view; `version` changes only just that one."""
    work, ref, view = work_of(request), entity_ref(request), request.path_params["view"]
    body = await CHANGE.read(request)

    def change(tx: Transaction) -> SavedView:
        before = saved_views.own_shape(tx, work, ref, view)
        reshaped = Shape.of({**before.json(), **{k: v for k, v in body.items() if k in PARTS}})
        return saved_views.change(
            tx,
            work,
            ref,
            view,
            name=body.get("name"),
            shared=body.get("shared"),
            shape=reshaped if body.keys() & PARTS.keys() else None,
            version=body.get("version"),
        )

    return answer((await _write(request, change)).json())


async def drop_view(request: Request) -> Response:
    """Forget a view; the records in it stay as they are."""
    work, ref, view = work_of(request), entity_ref(request), request.path_params["view"]
    await _write(request, lambda tx: saved_views.drop(tx, work, ref, view))
    return Response(status_code=204)


async def set_default(request: Request) -> Response:
    """The view that opens first for oneself; an empty one: what the app says."""
    work, ref, body = work_of(request), entity_ref(request), await DEFAULT.read(request)
    await _write(request, lambda tx: list_choices.choose_default(tx, work, ref, body["view"]))
    return Response(status_code=204)


async def set_density(request: Request) -> Response:
    """How close rows stand in one's own lists of this entity."""
    work, ref, body = work_of(request), entity_ref(request), await DENSITY.read(request)
    await _write(request, lambda tx: list_choices.choose_density(tx, work, ref, body["density"]))
    return Response(status_code=204)


async def set_columns(request: Request) -> Response:
    """One's own columns in a view (`-` stands for the list of all records), in order; none: the view's own."""
    work, ref, view = work_of(request), entity_ref(request), request.path_params["view"]
    body = await COLUMNS.read(request)
    await _write(request, lambda tx: list_choices.choose_columns(tx, work, ref, view, body["columns"]))
    return Response(status_code=204)


async def _write(request: Request, step: Callable[[Transaction], T]) -> T:
    return await host_of(request).db.write(step)


_VIEWS = "/api/v1/apps/{app}/{entity}/views"
_VIEW = _VIEWS + "/{view}"
OPERATIONS: Final = (
    Operation("GET", _VIEWS, list_views, "list_views", CHOSEN, SIGNED_IN),
    Operation("POST", _VIEWS, keep_view, "keep_view", SHOWN, SIGNED_IN, body=KEEP, status=201),
    Operation("PATCH", _VIEW, change_view, "change_view", SHOWN, SIGNED_IN, body=CHANGE),
    Operation("DELETE", _VIEW, drop_view, "drop_view", {}, SIGNED_IN, status=204),
    Operation(
        "PUT", _VIEWS + "/default", set_default, "set_default_view", {}, SIGNED_IN, body=DEFAULT, status=204
    ),
    Operation(
        "PUT", _VIEWS + "/density", set_density, "set_density", {}, SIGNED_IN, body=DENSITY, status=204
    ),
    Operation("PUT", _VIEW + "/columns", set_columns, "set_columns", {}, SIGNED_IN, body=COLUMNS, status=204),
)
