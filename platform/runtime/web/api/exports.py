"""Records as a file, by program: the list's filter, order and words, every record that meets them, streamed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from dacheng.metadata.problem import refuse
from dacheng.runtime.services import export_records
from dacheng.runtime.services.export_json import export_json
from dacheng.runtime.services.export_records import Export
from dacheng.runtime.services.export_workbook import export_workbook
from dacheng.runtime.services.site import Site
from dacheng.runtime.services.work import Work
from dacheng.runtime.web.api.operation import BYTES, CSV, JSON, TEXT, Json, Operation, list_of
from dacheng.runtime.web.api.requests import entity_ref, json_parameter, names, parameters
from dacheng.runtime.web.download import XLSX, csv_response, file_response
from dacheng.runtime.web.routing import SIGNED_IN, Handler, host_of, in_thread, work_of

Write = Callable[[Site, Work, Export], Iterator[bytes]]
NAMES: Final = ("fields", "filter", "sort", "q", "headings")
HEADINGS: Final = ("labels", "ids")
_PARAMETERS: Final = (*((name, TEXT) for name in NAMES[:-1]), (NAMES[-1], {"enum": list(HEADINGS)}))


async def export_csv(request: Request) -> Response:
    """Every record that meets `filter` and `q`, in the order of `sort`, as CSV; `fields` are its columns (all that may
    be read), `headings` their words (`labels`) or `ids`. A file that breaks off is not whole: rights are asked all along."""
    wanted = _wanted(request)
    lines = await in_thread(export_records.export, host_of(request), work_of(request), wanted)
    return csv_response(lines, f"{wanted.entity}.csv")


async def export_xlsx(request: Request) -> Response:
    """The same as a workbook, numbers and days typed."""
    return await _written(request, export_workbook, "xlsx", XLSX)


async def export_as_json(request: Request) -> Response:
    """The same as a JSON array of records by the ids of their fields."""
    return await _written(request, export_json, "json", JSON)


async def _written(request: Request, write: Write, suffix: str, media_type: str) -> Response:
    wanted = _wanted(request)
    content = await in_thread(write, host_of(request), work_of(request), wanted)
    return file_response(content, f"{wanted.entity}.{suffix}", media_type)


def _wanted(request: Request) -> Export:
    params = parameters(request, frozenset(NAMES))
    return Export(
        entity_ref(request),
        names(params, "fields"),
        json_parameter(params, "filter"),
        headings=_headings(params.get("headings", HEADINGS[0])),
        sort=names(params, "sort"),
        search=params.get("q", ""),
    )


def _headings(text: str) -> str:
    if text not in HEADINGS:
        raise refuse("web.bad_parameter", name="headings")
    return text


_EXPORT: Final = "/api/v1/apps/{app}/{entity}/export."


def _operation(suffix: str, handler: Handler, answer: Json, gives: str) -> Operation:
    return Operation(
        "GET",
        _EXPORT + suffix,
        handler,
        f"export_{suffix}",
        answer,
        SIGNED_IN,
        query=_PARAMETERS,
        gives=gives,
        per_minute=30,
    )


OPERATIONS: Final = (
    _operation("csv", export_csv, TEXT, CSV),
    _operation("xlsx", export_xlsx, BYTES, XLSX),
    _operation("json", export_as_json, list_of({"type": "object"}), JSON),
)
