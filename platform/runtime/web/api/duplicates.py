"""Finding a record that is there already, and making two into one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from dacheng.metadata.problem import Refused
from dacheng.runtime.services import duplicates, merge_records, parse_values
from dacheng.runtime.services.duplicates import Duplicate
from dacheng.runtime.services.merge_records import Merge
from dacheng.runtime.web.api.bodies import Body
from dacheng.runtime.web.api.operation import NUMBER, TEXT, Json, Operation, by_name, items, list_of, shape
from dacheng.runtime.web.api.read import answer
from dacheng.runtime.web.api.requests import entity_ref, record_id
from dacheng.runtime.web.routing import SIGNED_IN, host_of, in_thread, work_of

ENTITY: Final = "/api/v1/apps/{app}/{entity}"
ID: Final[Json] = {"type": "string", "maxLength": 40}
LOOK: Final = Body({"values": {"type": "object"}, "but": ID}, ("values",))
MERGE: Final = Body(
    {"drop": ID, "take": {"type": "array", "items": {"type": "string", "maxLength": 60}, "maxItems": 500}},
    ("drop",),
)
FOUND: Final = shape(
    fields=list_of(TEXT),
    id={"type": ["string", "null"]},
    title={"type": ["string", "null"]},
    disclosed=by_name(TEXT),
    protected_until={"type": ["string", "null"], "format": "date"},
)


async def look(request: Request) -> Response:
    """Records that are the same as one with these values, also those one may not see, as far as they are told."""
    work, ref = work_of(request), entity_ref(request)
    policy = work.entity(ref)
    body = await LOOK.read(request)
    parsed = parse_values.parse(work.policy, policy, body["values"], pointer="/values")
    if parsed.problems:
        raise Refused(parsed.problems)
    found = await host_of(request).db.read(
        lambda reader: duplicates.find(reader, work, ref, parsed.values, body.get("but", ""))
    )
    return answer({"items": [shown(each) for each in found]})


def shown(one: Duplicate) -> Mapping[str, Any]:
    """A duplicate as JSON: no id and no title of one that may not be seen."""
    return {
        "fields": list(one.fields),
        "id": one.id or None,
        "title": one.title or None,
        "disclosed": {each.field.id: each.text for each in one.disclosed},
        "protected_until": None if one.protected_until is None else one.protected_until.isoformat(),
    }


async def merge(request: Request) -> Response:
    """Make the record and `drop` one: `take` are the fields whose value comes from `drop`; links move here."""
    work, ref = work_of(request), entity_ref(request)
    work.entity(ref)
    body, identity = await MERGE.read(request), record_id(request)
    asked = Merge(ref, identity, body["drop"], frozenset(body.get("take", ())))
    done = await in_thread(merge_records.merge, host_of(request).db, work, asked)
    return answer({"id": done.id, "moved": done.moved})


async def undo(request: Request) -> Response:
    """Take a merge back, as far as nobody changed since what it changed."""
    work = work_of(request)
    done = await in_thread(merge_records.undo, host_of(request).db, work, str(request.path_params["merge"]))
    return answer({"moved": done.moved, "kept": done.kept})


OPERATIONS: Final = (
    Operation(
        "POST", ENTITY + "/duplicates", look, "find_duplicates", items(FOUND), SIGNED_IN, LOOK, per_minute=600
    ),
    Operation(
        "POST", ENTITY + "/{id}/merge", merge, "merge_records", shape(id=TEXT, moved=NUMBER), SIGNED_IN, MERGE
    ),
    Operation(
        "POST",
        ENTITY + "/merges/{merge}/undo",
        undo,
        "undo_merge",
        shape(moved=NUMBER, kept=NUMBER),
        SIGNED_IN,
    ),
)
