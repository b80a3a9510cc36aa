"""Handovers: what a person owns, giving it to others as a job, taking that back."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from dacheng.runtime.services import handover
from dacheng.runtime.services.handover import Handover
from dacheng.runtime.web.api.bodies import Body
from dacheng.runtime.web.api.jobs import JOB, begin
from dacheng.runtime.web.api.operation import NUMBER, TEXT, TRUTH, Operation, items, shape
from dacheng.runtime.web.api.read import answer
from dacheng.runtime.web.jobs import Progress
from dacheng.runtime.web.render import locale_of
from dacheng.runtime.web.routing import SIGNED_IN, host_of, work_of
from dacheng.runtime.web.words import words

HANDOVER: Final = Body(
    {
        "from": TEXT,
        "to": {"type": "array", "items": TEXT, "minItems": 1, "maxItems": handover.MOST_RECEIVERS},
        "entities": {"type": "array", "items": TEXT, "maxItems": 200},
        "keep_finished": TRUTH,
        "named": TRUTH,
        "suspend": TRUTH,
    },
    ("from", "to"),
)
HOLDING: Final = shape(entity=TEXT, count=NUMBER, finished=NUMBER, named=NUMBER)


async def show_holdings(request: Request) -> Response:
    """What a person owns, entity by entity, for who is over them; `finished` is won, lost or done, `named` how many
    records name them in other fields."""
    work, leaver = work_of(request), str(request.path_params["id"])
    found = await host_of(request).db.read(lambda reader: handover.holdings(reader, work, leaver))
    return answer(
        {
            "items": [
                {
                    "entity": each.entity,
                    "count": each.count,
                    "finished": each.finished,
                    "named": each.named,
                }
                for each in found
            ]
        }
    )


async def start_handover(request: Request) -> Response:
    """Give a person's records to others, evenly, as a job; finished work stays unless `keep_finished` is false.
    With `named` the heirs are also named where the person is, in other fields and lists of people."""
    body = await HANDOVER.read(request)
    host, work = host_of(request), work_of(request)
    asked = Handover(
        body["from"],
        tuple(dict.fromkeys(body["to"])),
        tuple(body.get("entities", ())),
        body.get("keep_finished", True),
        body.get("named", False),
    )
    await host.db.read(lambda reader: handover.demand_sound(reader, work, asked))

    def work_off(progress: Progress) -> dict[str, Any]:
        done = handover.carry_out(host, work, asked, progress, suspend=body.get("suspend", False))
        return {"id": done.id, "moved": done.moved, "refused": done.refused}

    return begin(request, words(locale_of(request))("handover.doing"), "/", work_off)


async def undo_handover(request: Request) -> Response:
    """Give back what a handover moved, as a job; what was given on since stays."""
    host, work, ident = host_of(request), work_of(request), str(request.path_params["id"])
    await host.db.read(partial(handover.demand_own, work=work, ident=ident))

    def work_off(progress: Progress) -> dict[str, Any]:
        done = handover.undo(host.db, work, ident, progress)
        return {"id": ident, "moved": done.moved, "kept": done.kept, "refused": done.refused}

    return begin(request, words(locale_of(request))("handover.undoing"), "/", work_off)


_ALL: Final = "/api/v1/handovers"
OPERATIONS: Final = (
    Operation("GET", _ALL + "/of/{id}", show_holdings, "show_holdings", items(HOLDING), SIGNED_IN),
    Operation("POST", _ALL, start_handover, "start_handover", JOB, SIGNED_IN, body=HANDOVER, status=202),
    Operation("POST", _ALL + "/{id}/undo", undo_handover, "undo_handover", JOB, SIGNED_IN, status=202),
)
