"""Rules on workflows and rules: states, transitions, triggers and actions name what exists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dacheng.metadata.checks.world import Target, World
from dacheng.metadata.kinds import Kinds
from dacheng.metadata.problem import Problem, problem
from dacheng.metadata.timing import is_cron

PEOPLE = ("user", "link")


def workflows_fit_their_field(world: World, kinds: Kinds) -> Iterator[Problem]:
    """States are exactly the options of a choice field; one workflow an entity."""
    seen: set[str] = set()
    for _, item, file in world.items("workflow"):
        fields = world.fields(item["entity"])
        if fields is None:
            continue
        field = fields.get(item["field"])
        if field is None or field.kind.id != "choice":
            yield problem("definition.not_a_choice", "/field", file, field=item["field"])
            continue
        for state in item["states"]:
            if state not in field.options:
                yield problem(
                    "definition.no_option", f"/states/{state}", file, option=state, field=item["field"]
                )
        for option in sorted(field.options - set(item["states"])):
            yield problem("definition.no_state", "/states", file, option=option)
        if world.full(item["entity"]) in seen:
            yield problem("definition.second_workflow", "/entity", file, entity=item["entity"])
        seen.add(world.full(item["entity"]))


def transitions_join_states(world: World, kinds: Kinds) -> Iterator[Problem]:
    """Initial state and both ends of each transition are states; every state can be reached."""
    for _, item, file in world.items("workflow"):
        states = item["states"]
        if item["initial"] not in states:
            yield problem("definition.unknown_state", "/initial", file, state=item["initial"])
        for key, body in item["transitions"].items():
            for index, source in enumerate(body["from"]):
                if source not in states:
                    yield problem(
                        "definition.unknown_state", f"/transitions/{key}/from/{index}", file, state=source
                    )
            if body["to"] not in states:
                yield problem("definition.unknown_state", f"/transitions/{key}/to", file, state=body["to"])
        for state in sorted(set(states) - _reached(item)):
            yield problem("definition.unreachable_state", f"/states/{state}", file, state=state)


def _reached(item: Mapping[str, Any]) -> set[str]:
    reached, pending = set(), [item["initial"]]
    while pending:
        state = pending.pop()
        if state not in reached:
            reached.add(state)
            pending.extend(body["to"] for body in item["transitions"].values() if state in body["from"])
    return reached


def workflow_fields_and_roles_exist(world: World, kinds: Kinds) -> Iterator[Problem]:
    """Key fields and required fields are fields of the entity; gates name roles."""
    for _, item, file in world.items("workflow"):
        fields = world.fields(item["entity"]) or {}
        for state, body in item["states"].items():
            yield from _each_field(body.get("key_fields", ()), fields, f"/states/{state}/key_fields", file)
        for key, body in item["transitions"].items():
            yield from _each_field(body.get("required", ()), fields, f"/transitions/{key}/required", file)
            for index, role in enumerate(body.get("roles", ())):
                if not world.role(role):
                    yield problem("definition.no_role", f"/transitions/{key}/roles/{index}", file, role=role)


def _each_field(names: Any, fields: Mapping[str, Target], where: str, file: str) -> Iterator[Problem]:
    for index, name in enumerate(names):
        if name not in fields:
            yield problem("definition.no_field", f"{where}/{index}", file, field=name)


def rule_triggers_exist(world: World, kinds: Kinds) -> Iterator[Problem]:
    """Changed fields are fields; entered states are states of the entity's workflow; something can fire it."""
    states = {world.full(item["entity"]): frozenset(item["states"]) for _, item, _ in world.items("workflow")}
    for _, item, file in world.items("rule"):
        fields = world.fields(item["entity"]) or {}
        yield from _each_field(item["on"].get("changed", ()), fields, "/on/changed", file)
        known = states.get(world.full(item["entity"]), frozenset())
        for index, state in enumerate(item["on"].get("entered", ())):
            if state not in known:
                yield problem("definition.unknown_state", f"/on/entered/{index}", file, state=state)
        yield from _times(item["on"], fields, file)
        if not any(item["on"].values()):
            yield problem("definition.never_fires", "/on", file)


def _times(triggers: Mapping[str, Any], fields: Mapping[str, Target], file: str) -> Iterator[Problem]:
    """What time fires stands alone, on a cron expression that is met or with a person of the record."""
    timed = [each for each in ("schedule", "absence") if each in triggers]
    if timed and len(triggers) > 1:
        yield problem("definition.timed_alone", f"/on/{timed[0]}", file)
    cron = triggers.get("schedule", {}).get("cron")
    if cron is not None and not is_cron(cron):
        yield problem("definition.bad_cron", "/on/schedule/cron", file, cron=cron)
    person = triggers.get("absence", {}).get("person")
    if person is not None and (person not in fields or fields[person].kind.id not in PEOPLE):
        yield problem("definition.no_field", "/on/absence/person", file, field=person)


def rule_actions_can_be_done(world: World, kinds: Kinds) -> Iterator[Problem]:
    """`set_field` sets a field that can be written; `create_record` and `update_record` fill fields of an entity."""
    for _, item, file in world.items("rule"):
        for key, body in item["then"].items():
            where = f"/then/{key}"
            if body["action"] == "set_field":
                fields = world.fields(item["entity"]) or {}
                yield from _writable(body["field"], fields, f"{where}/field", file, kinds)
            elif body["action"] == "take_step":
                yield from _step(world, item["entity"], body["step"], f"{where}/step", file)
            elif body["action"] == "assign":
                yield from _assignment(world, item["entity"], body, where, file)
            elif body["action"] in ("create_record", "update_record"):
                target = world.fields(body["entity"])
                if target is None:
                    yield problem("definition.no_entity", f"{where}/entity", file, entity=body["entity"])
                    continue
                for field in body["values"]:
                    yield from _writable(field, target, f"{where}/values/{field}", file, kinds)


def _step(world: World, entity: str, step: str, where: str, file: str) -> Iterator[Problem]:
    """A step taken by a rule is one of its entity's workflow."""
    flows = [
        item for _, item, _ in world.items("workflow") if world.full(item["entity"]) == world.full(entity)
    ]
    if not any(step in each["transitions"] for each in flows):
        yield problem("definition.no_step", where, file, step=step)


def _assignment(
    world: World, entity: str, body: Mapping[str, Any], where: str, file: str
) -> Iterator[Problem]:
    """Whom a rule may choose among holds a role; whoever is chosen goes into a field for a person."""
    name, fields = body.get("field", "owner"), world.fields(entity) or {}
    if name not in fields or fields[name].kind.id not in PEOPLE:
        yield problem("definition.no_field", f"{where}/field", file, field=name)
    if not world.role(body["role"]):
        yield problem("definition.no_role", f"{where}/role", file, role=body["role"])


def _writable(
    name: str, fields: Mapping[str, Target], where: str, file: str, kinds: Kinds
) -> Iterator[Problem]:
    target = fields.get(name)
    if target is None:
        yield problem("definition.no_field", where, file, field=name)
    elif (
        target.is_lines
        or target.kind.derived
        or target.kind.assigned
        or name in ("id", "version", "created_at")
    ):
        yield problem("definition.not_writable", where, file, field=name)


RULES = (
    workflows_fit_their_field,
    transitions_join_states,
    workflow_fields_and_roles_exist,
    rule_triggers_exist,
    rule_actions_can_be_done,
)
