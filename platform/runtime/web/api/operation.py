"""Operations of the API declared once: the route, its body, its answer, its words in the description."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from dacheng.runtime.web.api.bodies import NO_BODY, Body
from dacheng.runtime.web.api.requests import parameters
from dacheng.runtime.web.download import XLSX
from dacheng.runtime.web.routing import BUILDER, SIGNED_IN, Handler, Permission, Route
from dacheng.runtime.web.words import Words

Json = dict[str, Any]
TEXT: Final[Json] = {"type": "string"}
NUMBER: Final[Json] = {"type": "integer"}
TRUTH: Final[Json] = {"type": "boolean"}
MOMENT: Final[Json] = {"type": ["string", "null"], "format": "date-time"}
ERROR: Final[Json] = {"$ref": "#/components/responses/Problem"}
JSON: Final = "application/json"
CSV: Final = "text/csv"
BYTES: Final = {"type": "string", "format": "binary"}
MULTIPART: Final = "multipart/form-data"
_PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one address. `name` is its id and, behind `api.do_`, the key of its sentence.

    `answer` is the schema of what status `status` carries (empty: nothing); `file` takes CSV or XLSX instead of JSON,
    `parts` a multipart form of these parts.
    """

    method: str
    path: str
    handler: Handler
    name: str
    answer: Mapping[str, Any]
    permission: Permission = BUILDER
    body: Body = NO_BODY
    status: int = 200
    query: tuple[tuple[str, Json], ...] = ()
    gives: str = JSON
    file: bool = False
    parts: Mapping[str, Json] = field(default_factory=lambda: MappingProxyType({}))
    per_minute: int = 0

    @property
    def route(self) -> Route:
        """Its entry in the table of routes: parameters and bodies that are not declared never reach the handler."""
        names = frozenset(name for name, _ in self.query)
        takes_body = self.file or bool(self.parts) or self.body is not NO_BODY or self.method == "GET"

        async def strict(request: Request) -> Response:
            parameters(request, names)
            if not takes_body:
                await NO_BODY.read(request)
            return await self.handler(request)

        strict.__doc__ = self.handler.__doc__
        return Route(
            self.path,
            strict,
            self.permission,
            (self.method,),
            upload=self.file or bool(self.parts),
            per_minute=self.per_minute,
        )

    def described(self, say: Words) -> Json:
        """Its OpenAPI object."""
        summary = say(f"api.do_{self.name}")
        done: Json = {"description": summary}
        if self.answer:
            done["content"] = {self.gives: {"schema": dict(self.answer)}}
        found: Json = {
            "tags": [say(f"api.about_{self.path.split('/')[3]}")],
            "operationId": self.name,
            "summary": summary,
            "responses": {str(self.status): done, "default": ERROR},
        }
        parameters = [_parameter("path", name, TEXT) for name in _PLACE.findall(self.path)]
        parameters += [_parameter("query", name, schema) for name, schema in self.query]
        if parameters:
            found["parameters"] = parameters
        if self.file:
            found["requestBody"] = {
                "required": True,
                "content": {CSV: {"schema": TEXT}, XLSX: {"schema": BYTES}},
            }
        elif self.parts:
            needed = [name for name, part in self.parts.items() if part.get("format") == "binary"]
            form = {"type": "object", "properties": dict(self.parts), "required": needed}
            found["requestBody"] = {"required": True, "content": {MULTIPART: {"schema": form}}}
        elif self.body is not NO_BODY:
            content = {JSON: {"schema": self.body.schema}}
            found["requestBody"] = {"required": not self.body.optional, "content": content}
        return found


def describe_operations(operations: Iterable[Operation], say: Words, *, builder: bool) -> Json:
    """Paths of the operations that this person may call."""
    paths: Json = {}
    for each in operations:
        if builder or each.permission == SIGNED_IN:
            paths.setdefault(each.path, {})[each.method.lower()] = each.described(say)
    return paths


def items(of: Json) -> Json:
    """The schema of an answer that lists: `{"items": […]}`."""
    return {
        "type": "object",
        "properties": {"items": {"type": "array", "items": of}},
        "required": ["items"],
    }


def shape(**properties: Json) -> Json:
    """The schema of an object of an answer."""
    return {"type": "object", "properties": properties, "required": [*properties]}


def list_of(schema: Json) -> Json:
    """The schema of a list."""
    return {"type": "array", "items": schema}


def by_name(schema: Json) -> Json:
    """The schema of an object whose names are data."""
    return {"type": "object", "additionalProperties": schema}


def _parameter(where: str, name: str, schema: Json) -> Json:
    needed = where == "path" or bool(schema.get("x-required"))
    kept = {key: value for key, value in schema.items() if key != "x-required"}
    return {"name": name, "in": where, "required": needed, "schema": kept}
