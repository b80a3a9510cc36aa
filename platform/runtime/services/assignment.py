"""Who is to get a record: the next in turn, or who has the least open work; nobody who is on leave today."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dacheng.metadata.problem import refuse
from dacheng.runtime.services.save_plan import Plan
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage import working_calendar, workloads

OPEN = "open"


def choose(plan: Plan, work: Work, ref: str, wanted: Mapping[str, Any]) -> str:
    """The person for a record; refuses with `rule.nobody_to_assign`. What the plan gives out already counts too.

    In turn means: whose newest record is the oldest. It needs no counter, and people who come are next at once.
    """
    reader, model, field = plan.at_hand.reader, work.model, str(wanted["field"])
    people = workloads.holders(reader, model, str(wanted["role"]), wanted.get("department"))
    away = working_calendar.away(reader, model, people, work.context.today)
    people = [each for each in people if each not in away]
    if not people:
        raise refuse("rule.nobody_to_assign")
    planned = list(_planned(plan, ref, field))
    if wanted["by"] == "load":
        flow = model.catalogue.workflows.get(ref)
        states = [state.id for state in flow.states if state.kind == OPEN] if flow is not None else []
        held = workloads.loads(reader, model, ref, field, people, states)
        given = [person for person, _ in planned]
        return min(people, key=lambda each: (held.get(each, 0) + given.count(each), each))
    newest = workloads.latest(reader, model, ref, field, people)
    for person, record in planned:
        newest[person] = max(newest.get(person, ""), record)
    return min(people, key=lambda each: (newest.get(each, ""), each))


def _planned(plan: Plan, ref: str, field: str) -> Iterator[tuple[str, str]]:
    """(person, record) of everything this plan gives out before it is stored."""
    for step in plan.steps:
        for change in step.changes:
            person = change.values.get(field)
            if change.entity.ref == ref and isinstance(person, str):
                yield person, change.id
