"""JSON bodies held to closed schemas: what is unknown, lacking or of another shape is refused where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import jsonschema_rs
from starlette.requests import Request

from dacheng.metadata.problem import Problem, Refused, problem, refuse
from dacheng.runtime.web.api.requests import json_object

Json = dict[str, Any]
SMALL: Final = 65_536  # bytes: names, texts, roles
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
LARGE: Final = 1_048_576  # bytes: a mapping with thousands of replaced values


class Body:
    """The body of one operation: an object with these properties and no others, at most `largest` bytes."""

    def __init__(
        self, properties: Mapping[str, Json], required: tuple[str, ...] = (), *, largest: int = SMALL
    ) -> None:
        self.schema: Json = closed(properties, required)
        self.optional = not required
        self._largest = largest
        self._validator = jsonschema_rs.validator_for(self.schema)

    async def read(self, request: Request) -> Json:
        """The body when it fits; raises `Refused` with every problem. No body at all is an empty object."""
        sent = await request.body()
        if len(sent) > self._largest:
            raise refuse("web.too_large", limit=self._largest)
        body = await json_object(request) if sent or not self.optional else {}
        found = [problem("value.bad_character", at) for at in _unreadable(body)]
        found += [_problem(each) for each in self._validator.iter_errors(body)] if not found else []
        if found:
            raise Refused(found)
        return body


def closed(properties: Mapping[str, Json], required: tuple[str, ...] = ()) -> Json:
    """The JSON schema of an object with these properties alone."""
    schema: Json = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    return schema | ({"required": list(required)} if required else {})


def _unreadable(value: object, at: str = "") -> Iterator[str]:
    """Where texts hold what no text may: control characters other than line ends and tabs, half characters."""
    if isinstance(value, str) and _CONTROL.search(value):
        yield at
    entries: Iterable[tuple[Any, object]] = ()
    if isinstance(value, dict):
        entries = value.items()
    elif isinstance(value, list):
        entries = enumerate(value)
    for name, each in entries:
        if isinstance(name, str) and _CONTROL.search(name):
            yield at
        else:
            yield from _unreadable(each, f"{at}/{name}")


def _problem(error: jsonschema_rs.ValidationError) -> Problem:
    at = "".join(f"/{step}" for step in error.instance_path)
    kind: Any = error.kind
    if kind.name == "additionalProperties":
        name = str(next(iter(kind.unexpected), ""))
        return problem("web.body_unknown_key", f"{at}/{name}", name=name)
    if kind.name == "required":
        return problem("web.form_incomplete", f"{at}/{kind.property}")
    if kind.name == "minLength":
        return problem("web.form_incomplete", at)
    if kind.name == "maxLength":
        return problem("value.too_long", at, limit=kind.limit, length=len(str(error.instance)))
    return problem("web.body_schema", at, reason=f"{kind.name}: {_wanted(error)}")


def _wanted(error: jsonschema_rs.ValidationError) -> str:
    """What the schema asks for at this place, without repeating what was sent."""
    kind: Any = error.kind
    asked = {name: value for name, value in kind.as_dict().items() if name not in ("name", "value")}
    return ", ".join(str(value) for value in asked.values()) or error.kind.name


NO_BODY: Final = Body({})
