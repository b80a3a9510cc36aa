"""The standard schema derived from an entity, and the validator that holds whole records to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from dacheng.metadata.problem import Problem, problem

if TYPE_CHECKING:
    from dacheng.metadata.definition import Entity, Field

RecordValidator = Callable[[dict[str, Any]], tuple[Problem, ...]]


def derive_schema(fields: Mapping[str, Field]) -> Mapping[str, Any]:
    """JSON Schema 2020-12 of a record's writable fields; missing values may be null unless required."""
    properties: dict[str, Any] = {}
    for field in fields.values():
        if field.derived or field.assigned or (field.system and field.id != "owner"):
            continue
        schema = dict(field.codec.value_schema)
        properties[field.id] = schema if field.required else nullable(schema)
    required = [field.id for field in fields.values() if field.required and field.id in properties]
    return MappingProxyType(
        {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        }
    )


def nullable(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The same schema that also takes null."""
    if "anyOf" in schema:
        return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}
    wider = {**schema, "type": [schema["type"], "null"]}
    if "enum" in schema:
        wider["enum"] = [*schema["enum"], None]
    return wider


def record_validator(entity: Entity, partial: bool = False) -> RecordValidator:
    """A function from a record (JSON values) to its problems; `partial` lets required fields be absent.

    Runs in linear time in the linear engine alone; build it once per entity and keep it.
    """
    schema = dict(entity.schema)
    if partial:
        schema["required"] = []
    linear = jsonschema_rs.RegexOptions(size_limit=1_000_000)
    validator = jsonschema_rs.Draft202012Validator(schema, pattern_options=linear)
    known = frozenset(schema["properties"])

    def validate(record: dict[str, Any]) -> tuple[Problem, ...]:
        try:
            if validator.is_valid(record):
                return ()
            return tuple(
                one for error in validator.iter_errors(record) for one in _problems(error, record, known)
            )
        except (ValueError, TypeError, OverflowError) as error:
            return (problem("value.wrong_type", detail=error),)

    return validate


def _problems(
    error: jsonschema_rs.ValidationError, record: dict[str, Any], known: frozenset[str]
) -> list[Problem]:
    path = list(error.instance_path)
    where = "".join(f"/{step}" for step in path)
    rule = error.schema_path[-1] if error.schema_path else ""
    if rule == "required" and not path:
        required = error.schema_path and [
            key for key in known if key not in record and f'"{key}"' in error.message
        ]
        return [problem("value.required", f"/{key}") for key in required or ()]
    if rule == "additionalProperties" and not path:
        return [problem("value.unknown_field", f"/{key}", field=key) for key in record if key not in known]
    if rule == "maxLength":
        value = _at(record, path)
        limit = error.message.rsplit(" ", 2)[-2]
        return [
            problem(
                "value.too_long", where, limit=limit, length=len(value) if isinstance(value, str) else "?"
            )
        ]
    codes = {"minLength": "value.pattern", "pattern": "value.pattern"}
    if rule == "enum":
        return [problem("value.no_such_option", where, value=_at(record, path))]
    return [problem(codes.get(str(rule), "value.wrong_type"), where, detail=error.message)]


def _at(record: Any, path: list[Any]) -> Any:
    for step in path:
        record = record[step]
    return record
