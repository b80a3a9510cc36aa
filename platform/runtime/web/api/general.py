"""The API's addresses that belong to no entity: who one is, what the API offers."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from dacheng.runtime.web import openapi
from dacheng.runtime.web.api.read import answer
from dacheng.runtime.web.api.requests import parameters
from dacheng.runtime.web.routing import user_of, work_of


async def me(request: Request) -> Response:
    """Who is asking, with the apps and entities open to them."""
    parameters(request, frozenset())
    work, user = work_of(request), user_of(request)
    locale, labels = work.context.locale, work.model.labels
    entities = [
        {
            "entity": ref,
            "label": labels.entity(locale, policy.entity),
            "may": [a for a in policy.rows if policy.may(a)],
        }
        for ref, policy in sorted(work.policy.entities.items())
        if policy.entity.parent is None
    ]
    return answer(
        {
            "id": user.id,
            "name": user.name,
            "roles": sorted(user.roles),
            "department": user.department,
            "locale": locale,
            "entities": entities,
        }
    )


async def description(request: Request) -> Response:
    """The OpenAPI document for this person."""
    parameters(request, frozenset())
    return answer(openapi.describe(work_of(request)))
