"""The records of a list as a file: the same view, conditions, words, order and, if asked, columns; as far as one may export."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from starlette.requests import Request
from starlette.responses import Response

from dacheng.runtime.services import export_records
from dacheng.runtime.services.export_json import export_json
from dacheng.runtime.services.export_records import Export
from dacheng.runtime.services.export_workbook import export_workbook
from dacheng.runtime.services.site import Site
from dacheng.runtime.services.work import Work
from dacheng.runtime.web.download import XLSX, csv_response, file_response
from dacheng.runtime.web.render import locale_of
from dacheng.runtime.web.routing import SIGNED_IN, Handler, Route, host_of, in_thread, work_of
from dacheng.runtime.web.view.chosen import choose, known
from dacheng.runtime.web.view.list_query import query_of
from dacheng.runtime.web.view.list_state import EXPORT_OF, ListState
from dacheng.runtime.web.view.setting import setting_of
from dacheng.runtime.web.view.table import resolve

Writer = Callable[[Site, Work, Export], Iterator[bytes]]


async def export(request: Request) -> Response:
    """The file as CSV; without the right to export nothing is read."""
    wanted = await wanted_of(request, request.query_params)
    lines = await in_thread(export_records.export, host_of(request), work_of(request), wanted)
    return csv_response(lines, f"{file_name(request, wanted)}.csv")


def _export_as(writer: Writer, media_type: str, suffix: str, about: str) -> Handler:
    async def handler(request: Request) -> Response:
        wanted = await wanted_of(request, request.query_params)
        content = await in_thread(writer, host_of(request), work_of(request), wanted)
        return file_response(content, f"{file_name(request, wanted)}.{suffix}", media_type)

    handler.__doc__ = about
    return handler


async def wanted_of(request: Request, query: Mapping[str, str]) -> Export:
    """What a list's query asks for: its records, with its columns or with every field."""
    work = work_of(request)
    ref = f"{request.path_params['app']}.{request.path_params['entity']}"
    policy, setting, part = work.entity(ref), setting_of(work), query.get(EXPORT_OF)
    if part == "every":
        return Export(ref)
    found = await host_of(request).db.read(lambda reader: known(reader, work, ref), bounded=True)
    chosen = choose(work, policy, found, query.get("view", ""))
    state = ListState.of(request.url.path, query, chosen.base)
    shown: tuple[str, ...] = ()
    if part == "shown":
        shown = tuple(
            ".".join(column.path)
            for column in chosen.view.columns
            if resolve(work.policy, policy, column.path) is not None
        )
    asked = query_of(work, policy, chosen.view, shown, state, setting)
    return Export(ref, shown, asked.filter, sort=asked.sort, search=asked.search, extra=asked.extra)


def file_name(request: Request, wanted: Export) -> str:
    """What the file is called, without its ending."""
    work = work_of(request)
    return work.model.labels.entity(locale_of(request), work.entity(wanted.entity).entity, "plural")


_LIST = "/apps/{app}/{entity}"
ROUTES = (
    Route(_LIST + "/export.csv", export, SIGNED_IN, per_minute=30),
    Route(
        _LIST + "/export.xlsx",
        _export_as(export_workbook, XLSX, "xlsx", "The file as a workbook."),
        SIGNED_IN,
        per_minute=30,
    ),
    Route(
        _LIST + "/export.json",
        _export_as(export_json, "application/json", "json", "The file as JSON."),
        SIGNED_IN,
        per_minute=30,
    ),
)
