"""Workflows, rules, roles and what automation may do, from their JSON to what the runtime reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from dacheng.metadata.compile.context import Compiling, plain
from dacheng.metadata.compile.items import ordered
from dacheng.metadata.definition import (
    FieldGrant,
    Grant,
    Match,
    MatchKey,
    Role,
    Rule,
    RuleAction,
    State,
    Transition,
    Workflow,
)
from dacheng.metadata.expression import NUMBER, Expression, Type
from dacheng.metadata.guide import Guide, GuideStep
from dacheng.metadata.problem import problem
from dacheng.metadata.timing import UNITS, Timing

Item = Mapping[str, Any]


def compile_workflow(work: Compiling, item: Item) -> Workflow:
    """A workflow; a role in a gate becomes a full reference."""
    file, entity = work.file("workflow", item["id"]), work.full(item["entity"])
    states = [
        State(key, body.get("order", 0), body.get("kind", "open"), tuple(body.get("key_fields", ())))
        for key, body in ordered(item["states"])
    ]
    transitions = [
        Transition(
            id=key,
            order=body.get("order", 0),
            sources=tuple(body["from"]),
            target=body["to"],
            roles=tuple(work.full(role) for role in body.get("roles", ())),
            guard=work.optional(body, "guard", entity, file, f"/transitions/{key}", before=True),
            required=tuple(body.get("required", ())),
        )
        for key, body in ordered(item["transitions"])
    ]
    return Workflow(
        item["id"], work.app, entity, item["field"], item["initial"], tuple(states), tuple(transitions)
    )


def compile_match(work: Compiling, item: Item) -> Match:
    """A match with its keys in order; arbiters become full references."""
    keys = [MatchKey(key, body["field"], body["compare"]) for key, body in ordered(item["keys"])]
    return Match(
        id=item["id"],
        app=work.app,
        entity=work.full(item["entity"]),
        keys=tuple(keys),
        discloses=tuple(item.get("discloses", ())),
        refuses=item.get("on_match") == "refuse",
        protection_days=int(item.get("protection_days", 0)),
        arbiters=tuple(work.full(role) for role in item.get("arbiters", ())),
    )


def compile_rule(work: Compiling, item: Item) -> Rule:
    """A rule with its condition and the expressions of its actions."""
    file, entity = work.file("rule", item["id"]), work.full(item["entity"])
    actions = [_action(work, entity, key, body, file) for key, body in ordered(item["then"])]
    return Rule(
        id=item["id"],
        app=work.app,
        entity=entity,
        order=item.get("order", 0),
        triggers=MappingProxyType(dict(item["on"])),
        condition=work.optional(item, "when", entity, file, "", before=True),
        actions=tuple(actions),
        enabled=bool(item.get("enabled", True)),
        on_refused=item.get("on_refused", "abort"),
        timing=_timing(work, entity, item["on"], file),
    )


def _timing(work: Compiling, entity: str, triggers: Item, file: str) -> Timing | None:
    """When time fires the rule; None for a rule that only saves fire."""
    if "schedule" in triggers:
        return Timing(cron=triggers["schedule"]["cron"])
    body = triggers.get("absence")
    if body is None:
        return None
    unit = next(each for each in UNITS if each in body)
    since = work.expression(body["since"], entity, file, "/on/absence/since", wanted=None)
    if since is not None and plain(since.type).name not in ("date", "instant"):
        given = plain(since.type).name
        work.problems.append(
            problem("definition.expression_type", "/on/absence/since", file, wanted="instant", given=given)
        )
    span = work.expression(body[unit], entity, file, f"/on/absence/{unit}", wanted=NUMBER)
    person = body.get("person", "owner" if "owner" in work.fields(entity) else "")
    return Timing(since=since, unit=unit, span=span, person=person)


def _action(work: Compiling, entity: str, key: str, body: Item, file: str) -> RuleAction:
    kind = work.kinds.actions[body["action"]]
    expressions: dict[str, Expression] = {}
    holding = set()
    for name, raw, wanted in _expressions_of(work, entity, kind.expressions, body):
        holding.add(name.split(".", 1)[0])
        where = f"/then/{key}/{name.replace('.', '/')}"
        found = work.expression(raw, entity, file, where, wanted=wanted, before=True)
        if found is not None:
            expressions[name] = found
    params = {name: value for name, value in body.items() if name not in holding | {"action", "order"}}
    if "entity" in params:
        params["entity"] = work.full(params["entity"])
    if "role" in params:
        params["role"] = work.full(params["role"])
    return RuleAction(
        key, kind.id, body.get("order", 0), MappingProxyType(params), MappingProxyType(expressions)
    )


def _expressions_of(
    work: Compiling, entity: str, keys: tuple[str, ...], body: Item
) -> Iterator[tuple[str, Any, Type | None]]:
    """(name, JSON, wanted type) of an action's expressions; `values.*` stands for every entry of `values`."""
    target = work.full(body["entity"]) if "entity" in body else entity
    for key in keys:
        name = key.removesuffix(".*")
        if name not in body:
            continue
        if name == key:
            field = work.fields(entity).get(body["field"]) if body["action"] == "set_field" else None
            yield name, body[name], None if field is None else field.codec.type
            continue
        for entry, raw in body[name].items():
            field = work.fields(target).get(entry) if name == "values" else None
            yield f"{name}.{entry}", raw, None if field is None else field.codec.type


def compile_guide(work: Compiling, item: Item) -> Guide:
    """A guide with its steps by day; entities become full references, dashboards stay ids of the app."""
    steps = [_guide_step(work, key, body) for key, body in ordered(item["steps"])]
    return Guide(item["id"], work.app, item["days"], tuple(sorted(steps, key=lambda one: one.day)))


def _guide_step(work: Compiling, key: str, body: Item) -> GuideStep:
    (condition, wanted), (kind, leads) = next(iter(body["done"].items())), next(iter(body["link"].items()))
    target, count = "", int(wanted) if isinstance(wanted, int) else 1
    if condition == "records":
        target, count = work.full(wanted["entity"]), int(wanted.get("count", 1))
    elif condition == "dashboard":
        target = wanted
    there = work.full(leads) if kind == "entity" else leads
    return GuideStep(key, body["day"], condition, target, count, (kind, there))


def compile_role(work: Compiling, item: Item) -> Role:
    """A role with its grants by full entity reference."""
    file = work.file("role", item["id"])
    grants = {}
    for name, body in sorted(item.get("entities", {}).items()):
        ref = work.full(name)
        where = f"/entities/{name}"
        actions = {
            key: _right(work, ref, body, key, file, where) for key in ("create", "read", "update", "delete")
        }
        fields = {
            key: FieldGrant(
                bool(one.get("read", True)),
                bool(one.get("write", one.get("read", True))),
                bool(one.get("declassified", False)),
            )
            for key, one in sorted(body.get("fields", {}).items())
        }
        grants[ref] = Grant(
            entity=ref,
            create=actions["create"],
            read=actions["read"],
            update=actions["update"],
            delete=actions["delete"],
            export=bool(body.get("export", False)),
            share_views=bool(body.get("share_views", False)),
            fields=MappingProxyType(fields),
        )
    return Role(item["id"], work.app, MappingProxyType(grants), bool(item.get("admin", False)))


def _right(work: Compiling, ref: str, body: Item, key: str, file: str, where: str) -> bool | Expression:
    raw = body.get(key, False)
    if isinstance(raw, bool):
        return raw
    return work.expression(raw, ref, file, f"{where}/{key}") or False


def compile_automation(work: Compiling) -> Mapping[str, Grant]:
    """What the package asks for on behalf of its rules, by entity reference."""
    grants = {}
    for name, actions in sorted(work.package.manifest.get("permissions", {}).items()):
        ref = work.full(name)
        grants[ref] = Grant(
            ref,
            create="create" in actions,
            read="read" in actions,
            update="update" in actions,
            delete="delete" in actions,
        )
    return MappingProxyType(grants)
