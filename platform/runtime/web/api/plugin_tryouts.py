"""Pure computations of plugins below `/api/v1/try/`: the request is held to its schema, then the plugin runs."""

from __future__ import annotations

from collections.abc import Iterable

import jsonschema_rs
from starlette.requests import Request
from starlette.responses import Response

from dacheng.metadata.problem import refuse
from dacheng.plugins.api import Tryout
from dacheng.plugins.manager import Plugins
from dacheng.runtime.services.links import plain
from dacheng.runtime.web.api.read import answer
from dacheng.runtime.web.api.requests import json_body
from dacheng.runtime.web.routing import SIGNED_IN, Handler, Route, in_thread, work_of


def tryout_routes(plugins: Plugins) -> Iterable[Route]:
    """A route for each try-out of each plugin."""
    for tryouts in plugins.registered("register_tryouts").values():
        for tryout in tryouts:
            yield Route(f"/api/v1/try/{tryout.id}", _handler(tryout), SIGNED_IN, ("POST",))


def _handler(tryout: Tryout) -> Handler:
    schema = jsonschema_rs.validator_for(dict(tryout.request_schema))

    async def run(request: Request) -> Response:
        body = await json_body(request)
        demand_fits(schema, body)
        return answer(await in_thread(tryout.run, work_of(request).context, body))

    return run


def demand_fits(schema: jsonschema_rs.Validator, body: object) -> None:
    """Refuse a body that does not meet its schema, saying where and why."""
    wrong = next(iter(schema.iter_errors(_numbers(body))), None)
    if wrong is not None:
        pointer = "".join(f"/{step}" for step in wrong.instance_path)
        raise refuse("web.body_schema", pointer, reason=wrong.message)


def _numbers(value: object) -> object:
    """The body with exact numbers as a schema checker takes them."""
    if isinstance(value, dict):
        return {key: _numbers(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_numbers(each) for each in value]
    return value if isinstance(value, str | int | None) else float(str(plain(value)))
