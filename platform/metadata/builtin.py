"""What the product itself contributes to `Kinds`: definition kinds, field kinds, widgets and rule actions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from dacheng.metadata.field_kinds import BUILTIN
from dacheng.metadata.kinds import (
    ActionKind,
    DefinitionKind,
    Effect,
    KindsPart,
)
from dacheng.metadata.periods import RELATIVE
from dacheng.metadata.slots import SLOTS
from dacheng.metadata.widgets import WIDGETS

_ID = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,39}$"}
_FOLDERS = {
    "entity": "entities",
    "form": "forms",
    "list": "lists",
    "measure": "measures",
    "dashboard": "dashboards",
    "workflow": "workflows",
    "rule": "rules",
    "role": "roles",
    "match": "matches",
    "data": "data",
    "scenario": "scenarios",
    "guide": "guides",
}
# What a layer may not touch (locked), may only be changed by the package (owner); the rest is mergeable.
_MERGE: Mapping[str, Mapping[str, str]] = {
    "entity": {
        "id": "locked",
        "type": "locked",
        "x-parent": "locked",
        "x-owned": "locked",
        "properties.*.x-kind": "locked",
        "properties.*.x-to": "locked",
        "properties.*.x-entity": "locked",
        "properties.*.x-scale": "locked",
        "properties.*.x-of": "owner",
        "properties.*.x-from": "owner",
        "properties.*.x-filter": "owner",
        "properties.*.x-aggregate": "owner",
        "properties.*.x-field": "owner",
    },
    "form": {"id": "locked", "entity": "locked"},
    "list": {"id": "locked", "entity": "locked"},
    "measure": {"id": "locked", "entity": "locked", "aggregate": "owner", "field": "owner"},
    "dashboard": {"id": "locked"},
    "workflow": {"id": "locked", "entity": "locked", "field": "locked", "initial": "owner"},
    "rule": {"id": "locked", "entity": "locked"},
    "role": {"id": "locked", "admin": "locked"},
    "match": {"id": "locked", "entity": "locked"},
    "data": {"**": "owner"},
    "scenario": {"**": "owner"},
    "guide": {"id": "locked"},
}
_EDITORS: Mapping[str, Mapping[str, Any]] = {kind: {"icon": "file", "page": kind} for kind in _FOLDERS}


@cache
def schema(name: str) -> Mapping[str, Any]:
    """A schema that ships with the product, by the name of its file."""
    text = resources.files(__package__).joinpath("schemas", f"{name}.json").read_text(encoding="utf-8")
    return MappingProxyType(json.loads(text))


def part() -> KindsPart:
    """The product's own part; `Kinds.of([part(), …])` joins it with those of plugins."""
    definitions = tuple(
        DefinitionKind(
            kind, folder, schema(kind), _MERGE.get(kind, {}), SLOTS.get(kind, lambda item: ()), _EDITORS[kind]
        )
        for kind, folder in _FOLDERS.items()
    )
    return KindsPart("builtin", definitions, BUILTIN, WIDGETS, _ACTIONS, RELATIVE)


def _set_field(params: Mapping[str, Any], values: Mapping[str, Any]) -> Sequence[Effect]:
    return [Effect("set_field", {"field": params["field"], "value": values.get("value")})]


def _create_record(params: Mapping[str, Any], values: Mapping[str, Any]) -> Sequence[Effect]:
    fields = {key.removeprefix("values."): value for key, value in values.items()}
    return [Effect("create_record", {"entity": params["entity"], "values": fields})]


def _update_record(params: Mapping[str, Any], values: Mapping[str, Any]) -> Sequence[Effect]:
    """A link that leads nowhere updates nothing."""
    ident = values.get("record")
    fields = {key.removeprefix("values."): value for key, value in values.items() if key != "record"}
    target = {"entity": params["entity"], "id": ident, "values": fields}
    return [Effect("update_record", target)] if ident else []


def _take_step(params: Mapping[str, Any], values: Mapping[str, Any]) -> Sequence[Effect]:
    fields = {key.removeprefix("values."): value for key, value in values.items()}
    return [Effect("take_step", {"step": params["step"], "values": fields})]


def _assign(params: Mapping[str, Any], values: Mapping[str, Any]) -> Sequence[Effect]:
    """`department` where it is asked for and missing leaves nobody out."""
    wanted = {"field": params.get("field", "owner"), "role": params["role"], "by": params.get("by", "rotate")}
    return [Effect("assign", {**wanted, "department": values.get("department")})]


def _notify(params: Mapping[str, Any], values: Mapping[str, Any]) -> Sequence[Effect]:
    users = values.get("users")
    ids = [user for user in (users if isinstance(users, list | tuple) else [users]) if user]
    words = {key.removeprefix("params."): value for key, value in values.items() if key.startswith("params.")}
    return (
        [Effect("notify", {"users": ids, "slot": f"message:{params['message']}", "params": words})]
        if ids
        else []
    )


def _action_schema(properties: Mapping[str, Any], required: Sequence[str]) -> Mapping[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


_TABLE = {"type": "object", "propertyNames": {"pattern": "^[a-z][a-z0-9_]{0,39}$"}, "maxProperties": 50}
_REF = {"type": "string", "pattern": r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?$", "maxLength": 60}
_ACTIONS = (
    ActionKind(
        "set_field", _action_schema({"field": _ID, "value": {}}, ["field", "value"]), _set_field, ("value",)
    ),
    ActionKind(
        "create_record",
        _action_schema({"entity": _REF, "values": _TABLE}, ["entity", "values"]),
        _create_record,
        ("values.*",),
    ),
    ActionKind(
        "update_record",
        _action_schema({"entity": _REF, "record": {}, "values": _TABLE}, ["entity", "record", "values"]),
        _update_record,
        ("record", "values.*"),
    ),
    ActionKind(
        "take_step",
        _action_schema({"step": _ID, "values": _TABLE}, ["step"]),
        _take_step,
        ("values.*",),
    ),
    ActionKind(
        "assign",
        _action_schema(
            {"field": _ID, "role": _REF, "by": {"enum": ["rotate", "load"]}, "department": {}}, ["role"]
        ),
        _assign,
        ("department",),
    ),
    ActionKind(
        "notify",
        _action_schema({"users": {}, "message": _ID, "params": _TABLE}, ["users", "message"]),
        _notify,
        ("users", "params.*"),
    ),
)
