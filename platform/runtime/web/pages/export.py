"""The records of a list as a CSV file: the same conditions, words and order, as far as one may export."""

from __future__ import annotations

import orjson
from starlette.requests import Request
from starlette.responses import Response

from dacheng.metadata.expression import to_json
from dacheng.metadata.kinds import Json
from dacheng.runtime.services import export_records
from dacheng.runtime.services.export_records import Export
from dacheng.runtime.services.work import Work
from dacheng.runtime.web.download import csv_response
from dacheng.runtime.web.render import locale_of
from dacheng.runtime.web.routing import SIGNED_IN, Route, host_of, in_thread, work_of
from dacheng.runtime.web.view import filters
from dacheng.runtime.web.view.list_state import ListState
from dacheng.runtime.web.view.setting import list_views, setting_of


async def export(request: Request) -> Response:
    """The file; without the right to export nothing is read."""
    work = work_of(request)
    ref = f"{request.path_params['app']}.{request.path_params['entity']}"
    policy = work.entity(ref)
    state = ListState.of(request.url.path, request.query_params)
    wanted = Export(
        ref,
        filter=filters.joined([*_of_view(work, ref, state.view), *_conditions(work, ref, state)]),
        sort=tuple(part for part in state.sort.split(",") if part),
        search=state.q,
    )
    lines = await in_thread(export_records.export, host_of(request), work, wanted)
    name = work.model.labels.entity(locale_of(request), policy.entity, "plural")
    return csv_response(lines, f"{name}.csv")


def _of_view(work: Work, ref: str, view_id: str) -> list[Json]:
    """The condition of the saved view itself."""
    views = list_views(work, ref)
    view = next((each for each in views if each.id == view_id), None) or work.model.catalogue.lists.get(ref)
    return [] if view is None or view.filter is None else [orjson.loads(to_json(view.filter.node))]


def _conditions(work: Work, ref: str, state: ListState) -> list[Json]:
    policy, setting = work.entity(ref), setting_of(work)
    parts = filters.conditions(state.filter)
    for name, text in state.equals:
        field = policy.readable.get(name)
        part = filters.condition(field, "==", name, {name: text}, setting) if field is not None else None
        parts.append(part if part is not None else {"==": [{"var": name}, text]})
    return parts


ROUTES = (Route("/apps/{app}/{entity}/export.csv", export, SIGNED_IN, per_minute=30),)
