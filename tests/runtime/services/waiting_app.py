"""An app whose rules wait: clients to be visited, and what is looked at every working morning."""

from __future__ import annotations

from typing import Any

from dacheng.metadata.definition import Package
from tests.contracts.field_kinds.house import labelled, manifest

APP = "trips"
CLIENT, VISIT, TASK = f"{APP}.client", f"{APP}.visit", f"{APP}.task"
STATES = {"active": {"order": 1}, "lost": {"order": 2}}


def _entity(name: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": name, "type": "object", "x-title": "name", "x-owned": True,
        "properties": {"name": {"x-kind": "text", "x-order": 1, "x-required": True}, **properties},
    }  # fmt: skip


def _count(field: str) -> dict[str, Any]:
    value = {"+": [{"var": field}, 1]}
    return {"add": {"action": "set_field", "field": field, "order": 1, "value": value}}


ACTIVE = {"==": [{"var": "state"}, "active"]}
NEGLECTED = {
    "id": "neglected",
    "entity": "client",
    "on": {"absence": {"since": {"var": "last_visit"}, "working_days": {"var": "patience"}}},
    "when": ACTIVE,
    "then": _count("alarms"),
}
MORNING = {
    "id": "morning",
    "entity": "client",
    "on": {"schedule": {"cron": "0 9 * * 1-5"}},
    "when": ACTIVE,
    "then": _count("mornings"),
}


def package(*rules: dict[str, Any], version: str = "1.0.0", **permissions: list[str]) -> Package:
    """The app with these rules."""
    whole = {"x-kind": "integer", "x-default": 0}
    client = {
        "state": {"x-kind": "choice", "x-options": STATES, "x-default": "active", "x-order": 2},
        "patience": {"x-kind": "integer", "x-default": 3, "x-order": 3},
        "alarms": {**whole, "x-order": 4},
        "mornings": {**whole, "x-order": 5},
        "last_visit": {
            "x-kind": "rollup", "x-from": "visit.client", "x-aggregate": "max", "x-field": "happened_at",
            "x-filter": {"==": [{"var": "kind"}, "visit"]}, "x-order": 6,
        },
    }  # fmt: skip
    visit = {
        "client": {"x-kind": "link", "x-to": "client", "x-order": 2, "x-index": True},
        "kind": {
            "x-kind": "choice", "x-options": {"visit": {"order": 1}, "call": {"order": 2}},
            "x-default": "visit", "x-order": 3,
        },
        "happened_at": {"x-kind": "datetime", "x-order": 4},
    }  # fmt: skip
    progress = {"open": {"order": 1}, "done": {"order": 2}}
    task = {
        "state": {"x-kind": "choice", "x-options": progress, "x-default": "open", "x-order": 2},
        "why": {"x-kind": "text", "x-order": 3},
    }
    flow = {
        "id": "task_flow", "entity": "task", "field": "state", "initial": "open",
        "states": {"open": {"kind": "open", "order": 1}, "done": {"kind": "done", "order": 2}},
        "transitions": {"finish": {"from": ["open"], "to": "done", "order": 1, "required": ["why"], "roles": ["chief"]}},
    }  # fmt: skip
    given = manifest(APP, "client", "visit", "task")
    given["version"] = version
    given["permissions"] = {
        "client": ["read", "update"],
        "task": ["read", "update"],
        "core.user": ["read"],
        **permissions,
    }
    files: dict[str, Any] = {
        "app.json": given,
        "entities/client.json": _entity("client", client),
        "entities/visit.json": _entity("visit", visit),
        "entities/task.json": _entity("task", task),
        "workflows/task_flow.json": flow,
        "roles/seller.json": {"id": "seller", "entities": {"task": {"read": True, "update": True}}},
        "roles/chief.json": {"id": "chief", "entities": {"task": {"read": True, "update": True}}},
    }
    return labelled(files | {f"rules/{each['id']}.json": each for each in rules})
