"""Claims to records that somebody else registered first: asking, looking, deciding."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from dacheng.metadata.expression.moments import format_instant
from dacheng.metadata.problem import Refused
from dacheng.runtime.services import claims, parse_values
from dacheng.runtime.services.claims import Claim
from dacheng.runtime.web.api.bodies import Body
from dacheng.runtime.web.api.operation import TEXT, Operation, items, shape
from dacheng.runtime.web.api.read import answer
from dacheng.runtime.web.api.requests import entity_ref
from dacheng.runtime.web.routing import SIGNED_IN, host_of, work_of

REASON: Final = {"type": "string", "maxLength": claims.LONGEST}
ASK: Final = Body({"values": {"type": "object"}, "reason": REASON}, ("values", "reason"))
DECIDE: Final = Body({"accept": {"type": "boolean"}, "answer": REASON}, ("accept",))
CLAIM: Final = shape(
    id=TEXT, entity=TEXT, record={"type": ["string", "null"]}, title={"type": ["string", "null"]},
    owner=TEXT, claimant=TEXT, said=TEXT, reason=TEXT, at={"type": "string", "format": "date-time"},
    accepted={"type": ["boolean", "null"]}, answer=TEXT, decided_by=TEXT,
)  # fmt: skip


async def ask(request: Request) -> Response:
    """Ask the arbiters to decide about what protects a record with these values against you."""
    work, ref = work_of(request), entity_ref(request)
    policy, body = work.entity(ref), await ASK.read(request)
    parsed = parse_values.parse(work.policy, policy, body["values"], pointer="/values")
    if parsed.problems:
        raise Refused(parsed.problems)
    made = await host_of(request).db.write(
        lambda tx: claims.claim(tx, work, ref, parsed.values, body["reason"])
    )
    return answer({"id": made}, 201)


async def waiting(request: Request) -> Response:
    """What waits for your decision as an arbiter, the longest waiting first."""
    work = work_of(request)
    found = await host_of(request).db.read(lambda reader: claims.to_decide(reader, work))
    return answer({"items": [_shown(each) for each in found]})


async def own(request: Request) -> Response:
    """What you claimed, the latest first."""
    work = work_of(request)
    found = await host_of(request).db.read(lambda reader: claims.own(reader, work))
    return answer({"items": [_shown(each) for each in found]})


async def decide(request: Request) -> Response:
    """Accept a claim, which makes the record the claimant's, or refuse it with a reason."""
    work, body = work_of(request), await DECIDE.read(request)
    ident = str(request.path_params["id"])
    await claims.decide(host_of(request).db, work, ident, body.get("answer", ""), accept=body["accept"])
    return answer({"id": ident, "accepted": body["accept"]})


def _shown(one: Claim) -> dict[str, Any]:
    return {
        "id": one.id, "entity": one.entity, "record": one.record or None, "title": one.title or None,
        "owner": one.owner, "claimant": one.claimant, "said": one.said, "reason": one.reason,
        "at": format_instant(one.at), "accepted": one.accepted, "answer": one.answer,
        "decided_by": one.decider,
    }  # fmt: skip


OPERATIONS: Final = (
    Operation(
        "POST", "/api/v1/apps/{app}/{entity}/claims", ask, "ask_arbiter", shape(id=TEXT), SIGNED_IN, ASK,
        per_minute=30,
    ),
    Operation("GET", "/api/v1/claims", waiting, "list_claims", items(CLAIM), SIGNED_IN),
    Operation("GET", "/api/v1/me/claims", own, "list_own_claims", items(CLAIM), SIGNED_IN),
    Operation(
        "POST", "/api/v1/claims/{id}/decide", decide, "decide_claim",
        shape(id=TEXT, accepted={"type": "boolean"}), SIGNED_IN, DECIDE,
        per_minute=120,
    ),
)  # fmt: skip
