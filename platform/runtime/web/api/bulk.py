"""Many records changed or deleted by one call: counted first where asked, each refused one named, undone as one."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from dacheng.metadata.problem import refuse
from dacheng.runtime.services import bulk_edit
from dacheng.runtime.services.bulk_edit import Change, Result
from dacheng.runtime.services.gate import Query
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.web.api.bodies import LARGE, Body
from dacheng.runtime.web.api.operation import NUMBER, TEXT, TRUTH, Json, Operation, list_of, shape
from dacheng.runtime.web.api.read import answer
from dacheng.runtime.web.api.requests import entity_ref
from dacheng.runtime.web.errors import problem_items
from dacheng.runtime.web.render import locale_of
from dacheng.runtime.web.routing import SIGNED_IN, host_of, in_thread, work_of

ACTIONS: Final = {"set": "update", "delete": "delete"}
ID: Final[Json] = {"type": "string", "maxLength": 36}
BULK: Final = Body(
    {
        "ids": {"type": "array", "items": ID, "maxItems": bulk_edit.MOST},
        "filter": {"description": "instead of ids: an expression, null for all records"},
        "q": {"type": "string", "maxLength": 200},
        "expected": NUMBER,
        "action": {"enum": list(ACTIONS)},
        "values": {"type": "object"},
        "preview": TRUTH,
    },
    ("action",),
    largest=LARGE,
)
ROW: Final = shape(id=TEXT, title=TEXT, problems=list_of({"type": "object"}))
RESULT: Final = shape(count=NUMBER, done=NUMBER, refused=list_of(ROW), undo=TEXT)


async def change_many(request: Request) -> Response:
    """Set fields of many records, or put them into the recycle bin: those of `ids`, or all that meet `filter`
    and `q` (`expected` of them). `preview` only counts; `undo` of the answer takes everything back."""
    work, ref, body = work_of(request), entity_ref(request), await BULK.read(request)
    work.entity(ref)
    if not body.keys() & {"ids", "filter", "q"}:
        raise refuse("web.form_incomplete", "/ids")
    if body["action"] == "set" and not body.get("values"):
        raise refuse("web.form_incomplete", "/values")
    change = Change(ACTIONS[body["action"]], body.get("values", {}))
    db = host_of(request).db

    def ids(reader: Reader) -> list[str]:
        if "ids" in body:
            return list(body["ids"])
        found = bulk_edit.selected(
            reader, work, Query(ref, filter=body.get("filter"), search=body.get("q", ""))
        )
        if body.get("expected", len(found)) != len(found):
            raise refuse("bulk.count_moved", count=len(found), expected=body["expected"])
        return found

    if body.get("preview"):
        found = await db.read(lambda reader: bulk_edit.preview(reader, work, ref, ids(reader), change))
    else:
        wanted = await db.read(ids)
        found = await in_thread(bulk_edit.run, db, work, ref, wanted, change)
    return answer(_shown(found, locale_of(request)))


async def undo_many(request: Request) -> Response:
    """Take a change of many records back; those changed since are kept as they are."""
    work, ref, cause = work_of(request), entity_ref(request), str(request.path_params["cause"])
    work.entity(ref)
    done = await in_thread(bulk_edit.take_back, host_of(request).db, work, ref, cause)
    return answer({"reversed": done.reversed, "kept": done.kept, "failed": done.failed})


def _shown(found: Result, locale: str) -> dict[str, Any]:
    return {
        "count": found.count,
        "done": found.done,
        "refused": [
            {"id": row.id, "title": row.title, "problems": problem_items(row.problems, locale)}
            for row in found.refused
        ],
        "undo": found.cause,
    }


_BULK = "/api/v1/apps/{app}/{entity}/bulk"
OPERATIONS: Final = (
    Operation("POST", _BULK, change_many, "change_many", RESULT, SIGNED_IN, body=BULK, per_minute=60),
    Operation(
        "POST",
        _BULK + "/{cause}/undo",
        undo_many,
        "undo_many",
        shape(reversed=NUMBER, kept=NUMBER, failed=NUMBER),
        SIGNED_IN,
        per_minute=60,
    ),
)
