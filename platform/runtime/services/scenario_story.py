"""The engine: a scenario, a seed and a moment become the writes of a firm, in the order of their moments. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Generator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from dacheng.runtime.services.scenario_parts import (
    PRODUCT,
    Facts,
    Happening,
    Person,
    PersonRef,
    Rec,
    Scope,
)
from dacheng.runtime.services.scenario_values import Making, between, weighted, whole
from dacheng.runtime.services.work_days import DAY, Office, working_days

Step = Mapping[str, Any]
Flow = Generator[datetime, None, bool]
EVEN_WEEK = (11, 11, 11, 11, 9, 0, 0)
FRIDAY = 4
MONTH = 30.44
BEST = 0.98


def tell(
    scenario: Mapping[str, Any], facts: Facts, now: datetime, zone: ZoneInfo, *, scale: float = 1.0
) -> list[Happening]:
    """All that happens up to `now`, in order; equal arguments give an equal story.

    `scale` makes the firm smaller: populations of more than one shrink by it, each keeping one.
    """
    return Story(_plain(scenario), facts, now, zone, scale).run()


def office_of(scenario: Mapping[str, Any], zone: ZoneInfo) -> Office:
    """When the people of a scenario work."""
    hours = scenario.get("hours", {})
    opens, closes = (
        time.fromisoformat(hours.get(key, day)) for key, day in (("from", "09:00"), ("to", "18:00"))
    )
    return Office(
        zone, working_days(scenario.get("country", "")), opens, closes, rests=not scenario.get("rest", 0)
    )


class Story:
    """One telling of a scenario."""

    def __init__(
        self, scenario: Mapping[str, Any], facts: Facts, now: datetime, zone: ZoneInfo, scale: float
    ) -> None:
        self.scenario, self.facts, self.end, self.scale = scenario, facts, now, scale
        self.office = office_of(scenario, zone)
        self.words: Mapping[str, Sequence[str]] = scenario.get("words", {})
        self.people = people_of(scenario)
        self.records: dict[str, Rec] = {}
        self.now = now
        self.making = Making(self)
        self._pools: dict[tuple[str, str | None], list[Rec]] = {}
        self._told: list[Happening] = []
        self._due: list[tuple[datetime, int, Flow]] = []
        self._count = 0

    def run(self) -> list[Happening]:
        """Begin every population, and let everything take its course."""
        found = self.scenario["populations"]
        for name in sorted(found, key=lambda each: (found[each].get("order", 0), each)):
            self._begin(name, found[name])
        while self._due:
            self.now, _, flow = heapq.heappop(self._due)
            self._go_on(flow)
        return self._told

    # ---------------------------------------------------------------- what makers ask
    def pool(self, template: str, owner: str | None) -> Sequence[Rec]:
        """The records made from a template so far, of one owner or of all."""
        return self._pools.get((template, owner), ())

    def who(self, spec: str, scope: Scope) -> str:
        """The person a word stands for: `owner`, their `manager`, one of their `staff`, `team:…`, an id, a record's (`store.owner`), `product`."""
        kind, _, team = spec.partition(":")
        if kind == "team":
            members = {key: each.weight for key, each in self.people.items() if team in each.teams}
            return weighted(scope.draw, members) if members else PRODUCT
        if spec in self.people:
            return spec
        if spec.partition(".")[0] in scope.names:
            held = self.making.at(scope, spec)
            return held.key if isinstance(held, PersonRef) else PRODUCT
        found = scope.rec.owner
        if spec == "staff":
            below = {key: each.weight for key, each in self.people.items() if each.manager == found}
            return weighted(scope.draw, below) if below else found
        for step in spec.split("."):
            if step == "manager":
                found = self.people[found].manager if found in self.people else PRODUCT
        return PRODUCT if spec == "product" else found

    def _dice(self, name: str) -> Random:
        """Dice of one record's own, so that more of one thing changes nothing of another."""
        return Random(f"{self.scenario.get('seed', 0)}/{name}")  # noqa: S311 - a story, no secret

    # ---------------------------------------------------------------- beginnings
    def _begin(self, name: str, population: Step) -> None:
        draw = self._dice(name)
        count = int(population.get("count", 1))
        if count > 1:
            count = max(1, round(count * self.scale))
        for place, at in enumerate(self._moments(population, count, draw)):
            self._later(at, self._first(f"{name}/{place}", population))

    def _moments(self, population: Step, count: int, draw: Random) -> list[datetime]:
        if "days_ago" in population:
            day = self.office.on(self.office.day_of(self.end) - timedelta(days=population["days_ago"]))
            fixed = time.fromisoformat(population.get("at", "09:30"))
            return [datetime.combine(day, fixed, self.office.zone).astimezone(self.end.tzinfo)] * count
        first, last = population.get("span", (self.scenario.get("months", 12), 0))
        today = self.office.day_of(self.end)
        start = today - timedelta(days=round(first * MONTH))
        length = max(1, round((first - last) * MONTH))
        days = [start + DAY * place for place in range(length + 1)]
        growth = float(population.get("growth", 1))
        weights = [self._weight(day) * growth ** (place / length) for place, day in enumerate(days)]
        if not any(weights):
            return []
        drawn = draw.choices(days, weights, k=count)
        return sorted(self.office.moment(day, draw) for day in drawn)

    def _weight(self, day: date) -> float:
        """How much begins on a day: a made-up weekend is like a Friday, a holiday like nothing or like a feast."""
        week = self.scenario.get("week", EVEN_WEEK)
        if self.office.is_workday(day):
            return float(week[min(day.weekday(), FRIDAY)])
        rest = float(self.scenario.get("rest", 0))
        return rest * max(float(week[day.weekday()]), 1.0)

    def _first(self, key: str, population: Step) -> Flow:
        draw = self._dice(key)
        template = self.scenario["records"][population["record"]]
        nobody = Scope(Rec(key, population["record"], template["entity"], PRODUCT), {}, draw)
        merged = {
            **template,
            **{name: population[name] for name in ("by", "owner", "flow") if name in population},
        }
        merged["values"] = {**template["values"], **population.get("values", {})}
        scope = self._make(
            population["record"], merged, nobody, self.who(merged.get("by", "product"), nobody)
        )
        return (yield from self._flow(merged.get("flow", ()), scope))

    # ---------------------------------------------------------------- the course of things
    def _later(self, at: datetime, flow: Flow) -> None:
        if at <= self.end:
            self._count += 1
            heapq.heappush(self._due, (at, self._count, flow))

    def _go_on(self, flow: Flow) -> None:
        try:
            at = next(flow)
        except StopIteration:
            return
        self._later(max(at, self.now), flow)

    def _flow(self, steps: Sequence[Step], scope: Scope) -> Flow:
        """Step after step; True when one of them ended it all."""
        for step in steps:
            if step.get("aside"):
                self._later(self.now, self._step({**step, "aside": False}, scope))
            elif (yield from self._step(step, scope)):
                return True
        return False

    def _step(self, step: Step, scope: Scope) -> Flow:
        for _ in range(self._times(step, scope)):
            yield self._when(step, scope)
            if not self._happens(step, scope):
                continue
            self._do(step, scope)
            if "branch" in step and (yield from self._branch(step["branch"], scope)):
                return True
            if "each" in step:
                self._each(step, scope)
            elif "steps" in step and (yield from self._flow(step["steps"], scope)):
                return True
            if step.get("stop"):
                return True
        return False

    def _times(self, step: Step, scope: Scope) -> int:
        count = whole(scope.draw, step["times"]) if "times" in step else 1
        return max(1, round(count * self.scale)) if step.get("scaled") else count

    def _happens(self, step: Step, scope: Scope) -> bool:
        chance = float(step.get("chance", 1))
        if step.get("luck"):
            chance = min(chance * self._luck(scope), BEST)
        if chance < 1 and scope.draw.random() >= chance:
            return False
        return self._fits(step, scope)

    def _fits(self, step: Step, scope: Scope) -> bool:
        if "unless" in step and self.making.meets(scope, step["unless"]):
            return False
        return "when" not in step or self.making.meets(scope, step["when"])

    def _luck(self, scope: Scope) -> float:
        person = self.people.get(scope.rec.owner)
        return person.luck if person is not None else 1.0

    def _when(self, step: Step, scope: Scope) -> datetime:
        after = step.get("after")
        if after is None:
            return self.office.after_hours(self.now, scope.draw.uniform(15, 240) / 3600)
        if "to" in after:
            held = self.making.at(scope, after["to"])
            day = date.fromisoformat(held[:10]) if isinstance(held, str) else self.office.day_of(self.now)
            day = self.office.on(day + timedelta(days=whole(scope.draw, after.get("days", (0, 0)))))
            at = self.office.moment(day, scope.draw)
            return at if at > self.now else self.office.after_hours(self.now, scope.draw.uniform(0.3, 4))
        person = self.people.get(scope.rec.owner)
        pace = person.pace if person is not None else 1.0
        if "at" in after:
            day = self.office.day_of(self.now)
            for _ in range(whole(scope.draw, after.get("days", (0, 0)))):
                day = self.office.on(day + DAY)
            fixed = datetime.combine(day, time.fromisoformat(after["at"]), self.office.zone)
            return fixed.astimezone(self.now.tzinfo) + timedelta(seconds=round(scope.draw.uniform(0, 540), 3))
        if "days" in after:
            return self.office.after_days(self.now, between(scope.draw, after["days"]) * pace, scope.draw)
        if "hours" in after:
            return self.office.after_hours(self.now, between(scope.draw, after["hours"]) * pace)
        return self.office.after_hours(self.now, between(scope.draw, after.get("minutes", (1, 5))) / 60)

    def _branch(self, ways: Sequence[Step], scope: Scope) -> Flow:
        luck = self._luck(scope)
        weights = {
            f"{place:03}": float(way.get("weight", 1)) * (luck if way.get("luck") else 1)
            for place, way in enumerate(ways)
            if self._fits(way, scope)
        }
        if not weights or not any(weights.values()):
            return False
        return (yield from self._flow(ways[int(weighted(scope.draw, weights))]["steps"], scope))

    def _each(self, step: Step, scope: Scope) -> None:
        """Every line takes its own course, beside the others."""
        rows = self.making.at(scope, step["each"]) or []
        target = step["each"].split(".")
        owner = scope.names.get(target[0], scope.rec)
        for place, row in enumerate(rows):
            key = f"{owner.key}/{target[-1]}/{place}"
            inside = Scope(scope.rec, dict(scope.names), self._dice(key), row, key)
            self._later(self.now, self._flow(step["steps"], inside))

    # ---------------------------------------------------------------- writes
    def _do(self, step: Step, scope: Scope) -> None:
        actor = self.who(step.get("by", "owner"), scope)
        adopted = self._adopt(step, scope) if "adopt" in step else ()
        if "set" in step or "move" in step:
            self._change(step, scope, actor, adopted)
        if "make" in step:
            template = self.scenario["records"][step["make"]]
            merged = {**template, "values": {**template["values"], **step.get("values", {})}}
            actor = self.who(step.get("by", template.get("by", "owner")), scope)
            made = self._make(step["make"], merged, scope, actor)
            scope.names[step.get("as", step["make"])] = made.rec
            if merged.get("flow"):
                self._later(self.now, self._flow(merged["flow"], made))

    def _adopt(self, step: Step, scope: Scope) -> tuple[str, ...]:
        """The records that rules make of this step, in their order; whoever has one fills in the rest a little later.

        What the story does not follow is named by null.
        """
        named = step["adopt"] if isinstance(step["adopt"], list) else [step["adopt"]]
        keys = []
        for name in named:
            if name is None:
                keys.append("")
                continue
            template = self.scenario["records"][name]
            made = self._new(name, template, scope, scope.rec.owner)
            scope.names[name] = made.rec
            self._later(self.now, self._filled_in(template, made, dict(made.rec.values)))
            keys.append(made.rec.key)
        return tuple(keys)

    def _filled_in(self, template: Step, scope: Scope, given: Mapping[str, Any]) -> Flow:
        yield self.office.after_hours(self.now, scope.draw.uniform(0.05, 0.5))
        rec, actor = scope.rec, self.who(template.get("by", "owner"), scope)
        if given:
            self._told.append(Happening(self.now, actor, "update", rec.entity, rec.key, raw(given)))
        return (yield from self._flow(template.get("flow", ()), scope))

    def _make(self, name: str, template: Step, scope: Scope, actor: str) -> Scope:
        """A new record, seen from where it is made."""
        made = self._new(name, template, scope, actor)
        rec = made.rec
        given: dict[str, Any] = dict(rec.values)
        if rec.entity in self.facts.owned and rec.owner and rec.owner != actor:
            given["owner"] = PersonRef(rec.owner)
        if rec.entity in self.facts.first:
            rec.values.setdefault(*self.facts.first[rec.entity])
        self._told.append(Happening(self.now, actor, "create", rec.entity, rec.key, raw(given)))
        return made

    def _new(self, name: str, template: Step, scope: Scope, actor: str) -> Scope:
        """A record as the story knows it, with dice of its own."""
        key = f"{name}.{len(self.pool(name, None)) + 1}"
        owner = self.who(template["owner"], scope) if "owner" in template else actor or scope.rec.owner
        rec = Rec(key, name, template["entity"], owner)
        names = dict(scope.names)
        inside = Scope(rec, names, self._dice(f"{scope.rec.key}/{key}"), scope.row, scope.row_key)
        self.making.fill(inside, template["values"])
        names[name] = rec
        self.records[key] = rec
        self._pools.setdefault((name, None), []).append(rec)
        self._pools.setdefault((name, owner), []).append(rec)
        return inside

    def _change(self, step: Step, scope: Scope, actor: str, adopted: tuple[str, ...]) -> None:
        rec = scope.rec
        if "on" in step:
            there = self.making.at(scope, step["on"])
            rec = self.records[there.key]
        made = {name: self.making.value(scope, maker) for name, maker in sorted(step.get("set", {}).items())}
        rec.values.update(made)
        if isinstance(made.get("owner"), PersonRef):
            self._hand_over(rec, made["owner"].key)
            del rec.values["owner"]
        if "move" in step:
            name, state = self.facts.moves[rec.entity, step["move"]]
            rec.values[name] = state
        self._told.append(
            Happening(self.now, actor, "update", rec.entity, rec.key, raw(made), step.get("move"), adopted)
        )

    def _hand_over(self, rec: Rec, owner: str) -> None:
        held = self._pools.get((rec.template, rec.owner))
        if held is not None and rec in held:
            held.remove(rec)
        rec.owner = owner
        self._pools.setdefault((rec.template, owner), []).append(rec)


def people_of(scenario: Mapping[str, Any]) -> dict[str, Person]:
    """The people of a scenario, by id."""
    return {
        key: Person(
            key,
            body.get("manager", PRODUCT),
            float(body.get("pace", 1)),
            float(body.get("luck", 1)),
            float(body.get("weight", 1)),
            tuple(body.get("teams", ())),
        )
        for key, body in sorted(scenario.get("people", {}).items())
    }


def raw(value: Any) -> Any:
    """Values as JSON holds them: exact numbers as text."""
    if isinstance(value, Mapping):
        return {name: raw(each) for name, each in value.items()}
    if isinstance(value, list):
        return [raw(each) for each in value]
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f")
    return format(value, "f") if isinstance(value, Decimal) else value


def _plain(value: Any) -> Any:
    """A definition with its weights and spans as the numbers that dice work with."""
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return float(value) if isinstance(value, Decimal) else value
