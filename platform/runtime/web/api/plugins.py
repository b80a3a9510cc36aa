"""What plugins add to the API: routes below `/api/v1/x/{plugin}`, pure computations below `/api/v1/try/`.

Requests and answers are held to the declared schemas; a plugin that fails is named, and nothing else fails with it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

import jsonschema_rs
import orjson
from starlette.requests import Request
from starlette.responses import Response

from dacheng.metadata.problem import Refused, pointer_to, refuse
from dacheng.plugins.api import PluginRequest, PluginRoute, Tryout
from dacheng.plugins.manager import PluginFailed, Plugins
from dacheng.runtime.services.links import plain
from dacheng.runtime.services.plugin_access import PluginAccess
from dacheng.runtime.web.api.requests import json_body, parameters
from dacheng.runtime.web.routing import NAMED, SIGNED_IN, Handler, Route, host_of, in_thread, work_of

log = logging.getLogger("dacheng.plugins")
NO_PARAMETERS: frozenset[str] = frozenset()


def plugin_routes(plugins: Plugins) -> Iterable[Route]:
    """A route for each declared route and try-out; a wrong declaration raises `PluginFailed` with the plugin's name."""
    for plugin, routes in plugins.registered("register_routes").items():
        for route in routes:
            _demand_declared(plugin, route)
            path = f"/api/v1/x/{plugin}{route.path}"
            yield Route(path, _handler(plugin, route), route.permission, (route.method,))
    for plugin, tryouts in plugins.registered("register_tryouts").items():
        for tryout in tryouts:
            yield Route(f"/api/v1/try/{tryout.id}", _tryout(plugin, tryout), SIGNED_IN, ("POST",))


def _demand_declared(plugin: str, route: PluginRoute) -> None:
    where = f"Plugin “{plugin}”, route {route.method} {route.path}"
    if route.permission not in NAMED:
        raise PluginFailed(f"{where}: it declares no permission ({', '.join(sorted(NAMED))})")
    if not route.path.startswith("/"):
        raise PluginFailed(f"{where}: its path does not begin with /")
    if route.method == "GET" and (route.writes or route.request_schema):
        raise PluginFailed(f"{where}: a GET neither writes nor takes a body")


# ---------------------------------------------------------------- routes
def _handler(plugin: str, route: PluginRoute) -> Handler:
    asked, answered = _schema(plugin, route.request_schema), _schema(plugin, route.response_schema)
    names = frozenset(route.parameters)

    async def run(request: Request) -> Response:
        _demand_enabled(request, plugin)
        query = parameters(request, names)
        body = await _body(request, route)
        demand_fits(asked, body)
        access = PluginAccess.of(host_of(request), work_of(request), plugin, writes=route.writes)
        given = PluginRequest(access, dict(request.path_params), query, body)
        return await _answered(plugin, route.path, answered, lambda: route.handler(given))

    return run


async def _body(request: Request, route: PluginRoute) -> Any:
    if route.method == "GET" or not (route.request_schema or await request.body()):
        return None
    return await json_body(request)


# ---------------------------------------------------------------- try-outs
def _tryout(plugin: str, tryout: Tryout) -> Handler:
    asked, answered = _schema(plugin, tryout.request_schema), _schema(plugin, tryout.response_schema)

    async def run(request: Request) -> Response:
        _demand_enabled(request, plugin)
        parameters(request, NO_PARAMETERS)
        body = await json_body(request)
        demand_fits(asked, body)
        context = work_of(request).context
        return await _answered(plugin, tryout.id, answered, lambda: tryout.run(context, body))

    return run


# ---------------------------------------------------------------- both
def _demand_enabled(request: Request, plugin: str) -> None:
    if plugin not in work_of(request).hooks.names:
        raise refuse("web.not_found")


async def _answered(
    plugin: str, place: str, schema: jsonschema_rs.Validator, run: Callable[[], Any]
) -> Response:
    """What the plugin's code answers; its refusals stand, anything else that goes wrong is its failure, by name."""
    try:
        found = await in_thread(run)
        text = orjson.dumps(found, default=_plain)
        wrong = next(iter(schema.iter_errors(orjson.loads(text))), None)
        if wrong is None:
            return Response(text, media_type="application/json")
        log.error("plugin %s answered %s against its schema: %s", plugin, place, wrong.message)
    except Refused:
        raise
    except Exception:
        log.exception("plugin %s failed in %s", plugin, place)
    raise refuse("plugin.failed", plugin=plugin)


def _schema(plugin: str, given: Mapping[str, Any]) -> jsonschema_rs.Validator:
    try:
        return jsonschema_rs.validator_for(dict(given))
    except (ValueError, jsonschema_rs.ValidationError) as error:
        raise PluginFailed(f"Plugin “{plugin}” declares a schema that is none: {error}") from error


def demand_fits(schema: jsonschema_rs.Validator, body: object) -> None:
    """Refuse a body that does not meet its schema, saying where and why."""
    wrong = next(iter(schema.iter_errors(_numbers(body))), None)
    if wrong is not None:
        pointer = pointer_to(*wrong.instance_path)
        raise refuse("web.body_schema", pointer, reason=wrong.message)


def _numbers(value: object) -> object:
    """The body with exact numbers as a schema checker takes them."""
    if isinstance(value, dict):
        return {key: _numbers(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_numbers(each) for each in value]
    return float(value) if isinstance(value, Decimal) else value


def _plain(value: object) -> object:
    """What JSON has no form for: exact numbers and moments as text, other sequences as lists."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, tuple | set | frozenset):
        return list(value)
    return plain(value)
