"""Records in groups, by program: keys, counts and subtotals of one level."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from dacheng.runtime.services import gate, group_records
from dacheng.runtime.services.gate import Query
from dacheng.runtime.services.group_records import RecordGroup
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.web.api.operation import NUMBER, TEXT, TRUTH, Json, Operation, by_name, list_of, shape
from dacheng.runtime.web.api.read import answer
from dacheng.runtime.web.api.requests import entity_ref, json_parameter, names, parameters
from dacheng.runtime.web.routing import SIGNED_IN, host_of, work_of

NAMES: Final = ("by", "filter", "q", "sums")
GROUP: Final[Json] = shape(
    key={"type": ["string", "integer", "null"]},
    title={"type": ["string", "null"]},
    count=NUMBER,
    sums=by_name(by_name(TEXT)),
)


async def list_groups(request: Request) -> Response:
    """The groups of an entity's records by a path (days and instants by month), each with its count and what
    the paths of `sums` add up to, by currency."""
    work, ref = work_of(request), entity_ref(request)
    work.entity(ref)
    params = parameters(request, frozenset(NAMES))
    sums = names(params, "sums")
    asked = Query(ref, filter=json_parameter(params, "filter"), search=params.get("q", ""))

    def read(reader: Reader) -> tuple[list[RecordGroup], bool]:
        return group_records.groups(reader, work, asked, params.get("by", ""), sums)

    found, more = await host_of(request).db.read(read)
    return answer({"items": [_shown(work, ref, each) for each in found], "more": more})


def _shown(work: Work, ref: str, group: RecordGroup) -> dict[str, Any]:
    sums = {}
    for name, totals in group.sums.items():
        field = gate.known(work, ref, name, "/sums")[-1]
        scale = field.codec.columns[0].scale
        sums[name] = {currency: f"{Decimal(total).scaleb(-scale):f}" for currency, total in totals.items()}
    return {"key": group.key, "title": group.title, "count": group.count, "sums": sums}


OPERATIONS: Final = (
    Operation(
        "GET",
        "/api/v1/apps/{app}/{entity}/groups",
        list_groups,
        "list_groups",
        shape(items=list_of(GROUP), more=TRUTH),
        SIGNED_IN,
        query=tuple((name, {**TEXT, "x-required": True} if name == "by" else TEXT) for name in NAMES),
    ),
)
