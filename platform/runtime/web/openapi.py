"""OpenAPI 3.1 for one actor: what they may not read is not there, and descriptions speak in the app's terms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from dacheng.metadata.definition import Entity, Field, Workflow
from dacheng.plugins.api import PluginRoute, Tryout
from dacheng.runtime.services import measure
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.work import Work
from dacheng.runtime.web.api.administration import OPERATIONS
from dacheng.runtime.web.api.operation import describe_operations
from dacheng.runtime.web.view.prepared import Prepared
from dacheng.runtime.web.words import Words, words

Json = dict[str, Any]
VERSION: Final = "3.1.0"
ERROR: Final = {"$ref": "#/components/responses/Problem"}
_documents: Prepared[Json] = Prepared(32)


def describe(work: Work) -> Json:
    """The description for this actor, from a cache by catalogue, words, policy and locale."""
    key = (
        work.hooks.names,
        work.model.catalogue.hash,
        work.model.labels.hash,
        work.policy.hash,
        work.context.locale,
    )
    return _documents.get(key, lambda: _document(work))


def _document(work: Work) -> Json:
    say = words(work.context.locale)
    paths: Json = {}
    schemas: Json = dict(_FIXED_SCHEMAS)
    for ref in sorted(work.policy.entities):
        policy = work.policy.entities[ref]
        if policy.entity.parent is None:
            schemas.update(_entity_schemas(work, policy))
            paths.update(_entity_paths(work, policy, say))
    paths.update(_measure_paths(work, say))
    paths.update(_general_paths(say))
    paths.update(describe_operations(OPERATIONS, say, builder=work.policy.admin))
    paths.update(_plugin_paths(work))
    return {
        "openapi": VERSION,
        "info": {"title": say("api.title"), "version": "1", "description": say("api.about")},
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}, {"session": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {"Problem": _problem_response(say)},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "dacheng_session"},
            },
        },
    }


# ---------------------------------------------------------------- entities
def _entity_schemas(work: Work, policy: EntityPolicy) -> Json:
    name = _component(policy.entity)
    readable = {each.id: _field_schema(work, each) for each in policy.readable.values()}
    writable = {
        each.id: _field_schema(work, each) for each in policy.readable.values() if each.id in policy.writable
    }
    required = [name for name in writable if policy.entity.fields[name].required]
    plural = work.model.labels.entity(work.context.locale, policy.entity, "plural")
    made: Json = {
        name: {
            "type": "object",
            "title": work.model.labels.entity(work.context.locale, policy.entity),
            "properties": readable,
        },
        f"{name}.page": {
            "type": "object",
            "title": plural,
            "properties": {
                "items": {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}},
                "next": {"type": ["string", "null"]},
                "count": {"type": "integer"},
            },
            "required": ["items", "next"],
        },
    }
    if policy.may("create") or policy.may("update"):
        base = {"type": "object", "properties": writable, "additionalProperties": False}
        made[f"{name}.new"] = {**base, "required": required} if required else base
        made[f"{name}.change"] = base
    return made


def _field_schema(work: Work, field: Field) -> Json:
    locale, labels = work.context.locale, work.model.labels
    schema: Json = {"title": labels.field(locale, field), **_loose(field.codec.value_schema)}
    if field.is_lines:
        schema = {"title": schema["title"], "type": "array", "items": _lines_schema(work, field)}
    if field.options:
        living = [option.id for option in field.options]
        if not field.is_listed:
            schema["enum"] = [*living, None]
        named = "; ".join(f"{option}: {labels.option(locale, field, option)}" for option in living)
        schema["description"] = named
    if field.system or field.derived or field.assigned:
        schema["readOnly"] = True
    helping = labels.help(locale, field)
    if helping:
        schema["description"] = helping
    return schema


def _lines_schema(work: Work, field: Field) -> Json:
    policy = work.policy.entity(field.to or "")
    if policy is None:
        return {"type": "object"}
    shown = {each.id: _field_schema(work, each) for each in policy.readable.values() if not each.is_lines}
    return {
        "type": "object",
        "title": work.model.labels.entity(work.context.locale, policy.entity),
        "properties": shown,
    }


def _loose(schema: Mapping[str, Any]) -> Json:
    """The value's schema with missing values let in, as answers give them."""
    kind = schema.get("type")
    if isinstance(kind, str):
        return {**schema, "type": [kind, "null"]}
    return dict(schema)


def _entity_paths(work: Work, policy: EntityPolicy, say: Words) -> Json:
    entity = policy.entity
    name = _component(entity)
    labels, locale = work.model.labels, work.context.locale
    one, many = labels.entity(locale, entity), labels.entity(locale, entity, "plural")
    base = f"/api/v1/apps/{entity.app}/{entity.id}"
    listing: Json = {
        "get": _operation(
            many, f"list.{name}", say("api.list", entities=many), _LIST_PARAMETERS, f"{name}.page"
        )
    }
    record: Json = {
        "get": _operation(many, f"get.{name}", say("api.get", entity=one), [], name),
        "parameters": [_ID],
    }
    if policy.may("create"):
        listing["post"] = _operation(
            many, f"create.{name}", say("api.create", entity=one), [_RETRY], "Written", f"{name}.new", "201"
        )
    if policy.may("update"):
        record["patch"] = _operation(
            many,
            f"change.{name}",
            say("api.change", entity=one),
            [_IF_MATCH, _RETRY],
            "Written",
            f"{name}.change",
        )
    if policy.may("delete"):
        record["delete"] = _operation(
            many, f"delete.{name}", say("api.delete", entity=one), [_IF_MATCH], "", "", "204"
        )
    paths: Json = {base: listing, base + "/{id}": record}
    history = _operation(many, f"history.{name}", say("api.history", entity=one), [], "History")
    paths[base + "/{id}/history"] = {"get": history, "parameters": [_ID]}
    if policy.may("delete"):
        restore = _operation(many, f"restore.{name}", say("api.restore", entity=one), [], "Written")
        paths[base + "/{id}/restore"] = {"post": restore, "parameters": [_ID]}
    pick = _operation(many, f"pick.{name}", say("api.pick", entities=many), _PICKED_BY, "PickList")
    paths[base + "/pick-list"] = {"get": pick}
    workflow = work.model.catalogue.workflows.get(entity.ref)
    if workflow is not None and workflow.field in policy.readable and policy.may("update"):
        paths[base + "/{id}/transitions/{transition}"] = _transition_path(work, workflow, name, many, say)
    return paths


def _transition_path(work: Work, workflow: Workflow, name: str, tag: str, say: Words) -> Json:
    labels, locale = work.model.labels, work.context.locale
    ids = [each.id for each in workflow.transitions]
    named = "; ".join(
        f"{each}: {labels.text(locale, workflow.app, f'transition:{workflow.id}.{each}')}" for each in ids
    )
    operation = _operation(
        tag, f"move.{name}", say("api.move"), [_IF_MATCH, _RETRY], "Written", f"{name}.change"
    )
    where = {
        "name": "transition",
        "in": "path",
        "required": True,
        "schema": {"enum": ids},
        "description": named,
    }
    return {"post": operation, "parameters": [_ID, where]}


def _component(entity: Entity) -> str:
    return entity.ref


# ---------------------------------------------------------------- the rest
def _measure_paths(work: Work, say: Words) -> Json:
    paths: Json = {}
    for ref, found in sorted(work.model.catalogue.measures.items()):
        if not measure.readable(work, ref):
            continue
        title = work.model.labels.text(work.context.locale, found.app, f"measure:{found.id}")
        groups = sorted(measure.dimensions(work, ref))
        cuts = [_query(name, enum=groups) for name in ("dimension", "split")] if groups else []
        parameters = [*cuts, *_MEASURE_PARAMETERS]
        operation = _operation(say("api.measures"), f"measure.{ref}", title, parameters, "Measured")
        paths[f"/api/v1/measures/{found.app}/{found.id}"] = {"get": operation}
    return paths


def _general_paths(say: Words) -> Json:
    tag = say("api.general")
    search = _operation(tag, "search", say("api.search"), [{**_SEARCH_TEXT, "required": True}], "Found")
    expression = _operation(tag, "try.expression", say("api.try_expression"), [], "Value", "TryExpression")
    me = _operation(tag, "me", say("api.me"), [], "Me")
    return {
        "/api/v1/me": {"get": me},
        "/api/v1/search": {"get": search},
        "/api/v1/try/expression": {"post": expression},
    }


def _plugin_paths(work: Work) -> Json:
    paths: Json = {}
    for plugin, routes in work.hooks.registered("register_routes").items():
        for route in routes:
            if route.permission != "builder" or work.policy.admin:
                place = paths.setdefault(f"/api/v1/x/{plugin}{route.path}", {})
                place[route.method.lower()] = _plugin_operation(plugin, route)
    for plugin, tryouts in work.hooks.registered("register_tryouts").items():
        for tryout in tryouts:
            paths[f"/api/v1/try/{tryout.id}"] = {"post": _tryout_operation(plugin, tryout)}
    return paths


def _plugin_operation(plugin: str, route: PluginRoute) -> Json:
    body = dict(route.request_schema) if route.method != "GET" else {}
    identity = f"x.{plugin}.{route.method.lower()}{route.path.replace('/', '.')}"
    operation = _raw_operation(plugin, identity, route.summary, dict(route.response_schema), body)
    places = [part[1:-1] for part in route.path.split("/") if part.startswith("{")]
    operation["parameters"] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in places
    ] + [_query(name, type="string") for name in route.parameters]
    return operation


def _tryout_operation(plugin: str, tryout: Tryout) -> Json:
    return _raw_operation(
        plugin, f"try.{tryout.id}", tryout.id, dict(tryout.response_schema), dict(tryout.request_schema)
    )


def _raw_operation(tag: str, identity: str, summary: str, answer: Json, body: Json) -> Json:
    operation: Json = {
        "tags": [tag],
        "operationId": identity,
        "summary": summary,
        "responses": {"200": {"description": "OK", "content": _content(answer)}, "default": ERROR},
    }
    if body:
        operation["requestBody"] = {"required": True, "content": _content(body)}
    return operation


def _operation(
    tag: str,
    identity: str,
    summary: str,
    parameters: list[Json],
    answer: str,
    body: str = "",
    status: str = "200",
) -> Json:
    done: Json = {"description": summary}
    if answer:
        done["content"] = _content({"$ref": f"#/components/schemas/{answer}"})
    operation: Json = {
        "tags": [tag],
        "operationId": identity,
        "summary": summary,
        "responses": {status: done, "default": ERROR},
    }
    if parameters:
        operation["parameters"] = parameters
    if body:
        operation["requestBody"] = {
            "required": True,
            "content": _content({"$ref": f"#/components/schemas/{body}"}),
        }
    return operation


def _content(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}


def _problem_response(say: Words) -> Json:
    return {
        "description": say("api.problem"),
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


def _query(name: str, **schema: Any) -> Json:
    return {"name": name, "in": "query", "schema": schema}


_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
_IF_MATCH = {"name": "If-Match", "in": "header", "required": True, "schema": {"type": "string"}}
_RETRY = {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "maxLength": 200}}
_FILTER = _query("filter", type="string", contentMediaType="application/json")
_SEARCH_TEXT = _query("q", type="string", maxLength=100)
_PICKED_BY = [_SEARCH_TEXT, _query("for", type="string"), _query("with", type="string")]
_MEASURE_PARAMETERS = [
    _FILTER,
    _query("compare", enum=["previous", "last_year"]),
    _query("owner", type="string", format="uuid"),
    _query("department", type="string", format="uuid"),
    _query("from", type="string", format="date"),
    _query("to", type="string", format="date"),
    _query("limit", type="integer", minimum=1, maximum=1000),
]
_LIST_PARAMETERS = [
    _FILTER,
    _query("sort", type="string"),
    _query("fields", type="string"),
    _query("limit", type="integer", minimum=1, maximum=500),
    _query("cursor", type="string"),
    _query("count", type="boolean"),
    _query("deleted", type="boolean"),
    _SEARCH_TEXT,
]


def _object(required: list[str], **properties: Any) -> Json:
    return {"type": "object", "properties": properties, "required": required}


_TEXT = {"type": "string"}
_FIXED_SCHEMAS: Final[Json] = {
    "Problem": _object(
        ["type", "title", "status", "detail", "problems"],
        type=_TEXT,
        title=_TEXT,
        status={"type": "integer"},
        detail=_TEXT,
        instance=_TEXT,
        problems={
            "type": "array",
            "items": _object(
                ["code", "pointer", "message", "hint"], code=_TEXT, pointer=_TEXT, message=_TEXT, hint=_TEXT
            ),
        },
    ),
    "Written": _object(["id", "version"], id=_TEXT, version={"type": "integer"}, warnings={"type": "array"}),
    "History": _object(
        ["items"],
        items={"type": "array", "items": {"type": "object"}},
        next={"type": ["integer", "null"]},
    ),
    "PickList": _object(
        ["items"], items={"type": "array", "items": _object(["id", "title"], id=_TEXT, title=_TEXT)}
    ),
    "Found": _object(["items"], items={"type": "array", "items": {"type": "object"}}),
    "Measured": _object(
        ["groups"],
        groups={"type": "array", "items": {"type": "object"}},
        unit=_TEXT,
        currency=_TEXT,
        target={"type": ["string", "null"]},
    ),
    "Me": _object(["id", "name", "roles"], id=_TEXT, name=_TEXT, roles={"type": "array", "items": _TEXT}),
    "Value": _object(["value"], value={}),
    "TryExpression": _object(
        ["expression"], expression={}, record={"type": "object"}, types={"type": "object"}, now=_TEXT
    ),
}
