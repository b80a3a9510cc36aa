"""Rules on scenarios: people hang together, every record, field, option, step and word that is spoken of exists."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dacheng.metadata.checks.world import Item, Target, World
from dacheng.metadata.kinds import Kinds
from dacheng.metadata.problem import Problem, problem

MAKERS = frozenset(
    ["pick", "several", "text", "digits", "number", "money", "day", "moment", "of", "link", "links", "person",
     "department", "sum", "times", "plus", "chance", "by", "lines", "here"]
)  # fmt: skip
WORD = re.compile(r"\{([a-z][a-z0-9_]*)\}")
SPOKEN = frozenset(["owner", "manager", "staff", "product"])


@dataclass(frozen=True, slots=True)
class _Tale:
    """One scenario being read."""

    world: World
    item: Item
    file: str

    def fields(self, entity: str) -> Mapping[str, Target]:
        return self.world.fields(entity) or {}

    def entity(self, template: str) -> str:
        return self.world.full(str(self.item["records"].get(template, {}).get("entity", "")))

    def missing(self, where: str, name: object) -> Problem:
        return problem("definition.no_target", where, self.file, target=name)


def scenarios_hang_together(world: World, kinds: Kinds) -> Iterator[Problem]:
    """Nothing a scenario names is missing, and each record it makes fills what its entity requires."""
    for _, item, file in world.items("scenario"):
        tale = _Tale(world, item, file)
        yield from _people(tale)
        for name, body in item["records"].items():
            where = f"/records/{name}"
            if not world.has_entity(body["entity"]):
                yield problem("definition.no_entity", f"{where}/entity", file, entity=body["entity"])
                continue
            yield from _record(tale, body, body["entity"], where)
            yield from _required(tale, name, body, where)
        for name, body in item["populations"].items():
            where = f"/populations/{name}"
            if body["record"] not in item["records"]:
                yield tale.missing(f"{where}/record", body["record"])
            else:
                yield from _record(tale, body, tale.entity(body["record"]), where)


def _people(tale: _Tale) -> Iterator[Problem]:
    departments, people = tale.item.get("departments", {}), tale.item.get("people", {})
    for name, body in departments.items():
        if "under" in body and body["under"] not in departments:
            yield tale.missing(f"/departments/{name}/under", body["under"])
    for name, body in people.items():
        if body["department"] not in departments:
            yield tale.missing(f"/people/{name}/department", body["department"])
        if "manager" in body and body["manager"] not in people:
            yield tale.missing(f"/people/{name}/manager", body["manager"])
        for index, role in enumerate(body.get("roles", ())):
            found = tale.world.item("role", role)
            if found is None or found.get("admin"):
                yield problem("definition.no_role", f"/people/{name}/roles/{index}", tale.file, role=role)


def _record(tale: _Tale, body: Item, entity: str, where: str) -> Iterator[Problem]:
    yield from _who(tale, body, where)
    yield from _values(tale, body.get("values", {}), entity, f"{where}/values")
    yield from _steps(tale, body.get("flow", ()), entity, f"{where}/flow")


def _required(tale: _Tale, name: str, body: Item, where: str) -> Iterator[Problem]:
    """A template fills what is required, itself or in every population of it."""
    filled = set(body["values"])
    uses = [p for p in tale.item["populations"].values() if p["record"] == name]
    if uses and not _is_made(tale.item, name):
        filled |= set.intersection(*(set(p.get("values", {})) for p in uses))
    if _is_adopted(tale.item, name):
        return
    app, _, entity = tale.world.full(body["entity"]).partition(".")
    if app != tale.world.app:
        return
    states = {item["field"] for _, item, _ in tale.world.items("workflow") if item["entity"] == entity}
    for key, spec in tale.world.entities[entity]["properties"].items():
        given = key in filled or "x-default" in spec or key in states
        if spec.get("x-required") and not given and not tale.fields(entity)[key].kind.assigned:
            yield problem("definition.missing_key", f"{where}/values", tale.file, key=key)


def _is_made(item: Item, name: str) -> bool:
    return any(step.get("make") == name for step in _all_steps(item)) or _is_adopted(item, name)


def _is_adopted(item: Item, name: str) -> bool:
    named = (step["adopt"] for step in _all_steps(item) if "adopt" in step)
    return any(name in (each if isinstance(each, list) else [each]) for each in named)


def _all_steps(item: Item) -> Iterator[Item]:
    """Every step of a scenario, however deep."""
    waiting = [
        step
        for part in ("records", "populations")
        for body in item[part].values()
        for step in body.get("flow", ())
    ]
    while waiting:
        step = waiting.pop()
        yield step
        waiting += step.get("steps", ())
        waiting += [inner for way in step.get("branch", ()) for inner in way["steps"]]


# ---------------------------------------------------------------- values
def _values(tale: _Tale, values: Item, entity: str, where: str) -> Iterator[Problem]:
    fields = tale.fields(entity)
    for name, maker in values.items():
        target = fields.get(name)
        if target is None or target.kind.derived or (target.kind.assigned and not target.is_lines):
            yield problem("definition.no_field", f"{where}/{name}", tale.file, field=name)
        else:
            yield from _maker(tale, maker, target, f"{where}/{name}")


def _maker(tale: _Tale, maker: Any, target: Target | None, where: str) -> Iterator[Problem]:
    """One maker; `target` is the field whose value it gives, where that is known."""
    if not isinstance(maker, Mapping):
        yield from _options(tale, maker if isinstance(maker, list) else [maker], target, where)
        return
    named = MAKERS & maker.keys()
    if len(named) != 1:
        yield problem("definition.one_maker", where, tale.file, known=", ".join(sorted(MAKERS)))
        return
    for key in ("pick", "several"):
        yield from _options(tale, maker.get(key, ()), target, f"{where}/{key}")
    yield from _spoken(tale, maker, target, where)
    yield from _inner(tale, maker, target, where)


def _spoken(tale: _Tale, maker: Item, target: Target | None, where: str) -> Iterator[Problem]:
    """Words, templates, people and departments a maker speaks of."""
    for word in WORD.findall(maker.get("text", "")):
        if word not in tale.item.get("words", {}) and word not in _names(tale):
            yield tale.missing(f"{where}/text", word)
    for key in ("link", "links"):
        if key in maker:
            yield from _led(tale, maker[key], target, f"{where}/{key}")
    yield from _who(tale, {"by": maker["person"]} if "person" in maker else {}, where)
    if "department" in maker and maker["department"] not in tale.item.get("departments", {}):
        yield tale.missing(f"{where}/department", maker["department"])


def _inner(tale: _Tale, maker: Item, target: Target | None, where: str) -> Iterator[Problem]:
    """The makers inside a maker."""
    for key in ("then", "else"):
        if key in maker:
            yield from _maker(tale, maker[key], target, f"{where}/{key}")
    for case, each in maker.get("cases", {}).items():
        yield from _maker(tale, each, target, f"{where}/cases/{case}")
    for key in ("times", "plus"):
        for index, each in enumerate(maker.get(key, ())):
            yield from _maker(tale, each, None, f"{where}/{key}/{index}")
    if "lines" in maker and target is not None:
        yield from _lines(tale, maker, target, where)


def _lines(tale: _Tale, maker: Item, target: Target, where: str) -> Iterator[Problem]:
    if not target.is_lines:
        yield problem("definition.no_field", where, tale.file, field="lines")
        return
    yield from _values(tale, maker.get("values", {}), target.to or "", f"{where}/values")
    how = maker["lines"] if isinstance(maker["lines"], Mapping) else {"rows": ()}
    for key in ("shares", "of", "into") if "rows" not in how else ():
        if key not in how:
            yield problem("definition.missing_key", f"{where}/lines", tale.file, key=key)
    for index, row in enumerate(how.get("rows", ())):
        yield from _values(tale, row, target.to or "", f"{where}/lines/rows/{index}")


def _options(tale: _Tale, offered: Any, target: Target | None, where: str) -> Iterator[Problem]:
    if target is None or not target.options:
        return
    for option in offered:
        if option is not None and option not in target.options:
            yield problem("definition.no_option", where, tale.file, option=option, field=target.kind.id)


def _led(tale: _Tale, template: str, target: Target | None, where: str) -> Iterator[Problem]:
    if template not in tale.item["records"]:
        yield tale.missing(where, template)
    elif target is not None and target.to is not None and tale.entity(template) != target.to:
        yield problem("definition.no_entity", where, tale.file, entity=target.to)


def _names(tale: _Tale) -> set[str]:
    """What a place in a text may stand for beside words: a field of any record, `no`, `line`, a record's name."""
    found = {"no", "line", "owner", *tale.item["records"]}
    for body in tale.item["records"].values():
        found |= set(tale.fields(body["entity"]))
    return found


def _who(tale: _Tale, body: Item, where: str) -> Iterator[Problem]:
    people = tale.item.get("people", {})
    teams = {team for each in people.values() for team in each.get("teams", ())}
    for key in ("by", "owner"):
        spec = body.get(key)
        if spec is None:
            continue
        kind, _, team = spec.partition(":")
        place, _, held = spec.partition(".")
        known = team in teams if kind == "team" and team else spec in people or set(spec.split(".")) <= SPOKEN
        known = known or (place in tale.item["records"] and held == "owner")
        if not known:
            yield tale.missing(f"{where}/{key}", spec)


# ---------------------------------------------------------------- steps
def _steps(tale: _Tale, steps: Any, entity: str, where: str) -> Iterator[Problem]:
    for index, step in enumerate(steps):
        here = f"{where}/{index}"
        yield from _who(tale, step, here)
        yield from _deed(tale, step, entity, here)
        yield from _steps(tale, step.get("steps", ()), entity, f"{here}/steps")
        for place, way in enumerate(step.get("branch", ())):
            yield from _steps(tale, way["steps"], entity, f"{here}/branch/{place}/steps")


def _deed(tale: _Tale, step: Item, entity: str, where: str) -> Iterator[Problem]:
    """What a step changes, moves and makes."""
    acted = entity
    if "on" in step:
        template = step["on"].split(".")[0]
        acted = tale.entity(template) if template in tale.item["records"] and "." not in step["on"] else ""
    if acted:
        yield from _values(tale, step.get("set", {}), acted, f"{where}/set")
        moves = {
            name
            for _, item, _ in tale.world.items("workflow")
            if tale.world.full(item["entity"]) == tale.world.full(acted)
            for name in item["transitions"]
        }
        if "move" in step and step["move"] not in moves:
            yield tale.missing(f"{where}/move", step["move"])
    adopted = step.get("adopt", ())
    for name in [step.get("make"), *([adopted] if isinstance(adopted, str) else adopted)]:
        if name is not None and name not in tale.item["records"]:
            yield tale.missing(f"{where}/{'make' if name == step.get('make') else 'adopt'}", name)
    if step.get("make") in tale.item["records"]:
        yield from _values(tale, step.get("values", {}), tale.entity(step["make"]), f"{where}/values")


def records_are_made(world: World, kinds: Kinds) -> Iterator[Problem]:
    """A template that no population begins and no step makes is never used."""
    for _, item, file in world.items("scenario"):
        begun = {each["record"] for each in item["populations"].values()}
        for name in item["records"]:
            if name not in begun and not _is_made(item, name):
                yield problem("lint.unused", f"/records/{name}", file, item=name)


RULES = (scenarios_hang_together,)
INERT = (records_are_made,)
