"""A state changes only by a permitted step: right state, right role, guard met, fields filled in."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dacheng.metadata.definition import Transition, Workflow
from dacheng.metadata.problem import Problem, problem, refuse
from dacheng.plugins.context import Context, User
from dacheng.runtime.services.conditions import Subject, holds
from dacheng.runtime.services.records_at_hand import AtHand
from dacheng.runtime.services.work import Work

REQUIRED: Final = "workflow.required"
GUARD: Final = "workflow.guard_refused"


@dataclass(frozen=True, slots=True)
class Step:
    """One transition as offered on a record: whether it can be taken now, and if not, why."""

    transition: Transition
    problems: tuple[Problem, ...]

    @property
    def possible(self) -> bool:
        """Whether the step can be taken as the record is now."""
        return not self.problems


def transition_of(workflow: Workflow | None, transition_id: str) -> Transition:
    """The named transition; raises `workflow.unknown_transition`."""
    for each in workflow.transitions if workflow is not None else ():
        if each.id == transition_id:
            return each
    raise refuse("workflow.unknown_transition", "/transition")


def check_start(
    workflow: Workflow, transition: Transition, before: Mapping[str, Any], context: Context
) -> list[Problem]:
    """What stands against taking this step from where the record is: its state, and the person's roles."""
    if before.get(workflow.field) not in transition.sources:
        return [problem("workflow.wrong_state", "/transition")]
    if not _role_allows(workflow, transition, context):
        return [problem("workflow.role_missing", "/transition")]
    return []


def check_arrival(transition: Transition, subject: Subject, context: Context) -> list[Problem]:
    """What stands against arriving with these values: required fields first, then the guard."""
    missing = [
        problem(REQUIRED, f"/{name}")
        for name in transition.required
        if subject.values.get(name) in (None, "", ())
    ]
    if missing:
        return missing
    if transition.guard is not None and not holds(transition.guard, subject, context):
        return [_refused(transition)]
    return []


def told(transition: Transition, problems: Sequence[Problem], readable: Container[str]) -> list[Problem]:
    """The problems as one actor may know them: a field that is hidden is missed as a guard would miss it."""
    kept = [each for each in problems if each.code != REQUIRED or each.pointer.strip("/") in readable]
    return kept or [_refused(transition)]


def guard_slot(workflow: Workflow, transition_id: str) -> str:
    """The label slot of what a step's guard asks for."""
    return f"guard:{workflow.id}.{transition_id}"


def _refused(transition: Transition) -> Problem:
    return problem(GUARD, "/transition", step=transition.id)


def steps(workflow: Workflow, subject: Subject, context: Context) -> tuple[Step, ...]:
    """The steps that lead from the record's present state and that the person's roles allow, in order."""
    found = []
    for each in sorted(workflow.transitions, key=lambda t: (t.order, t.id)):
        if not check_start(workflow, each, subject.values, context):
            arrived = subject.arriving({workflow.field: each.target})
            found.append(Step(each, tuple(check_arrival(each, arrived, context))))
    return tuple(found)


def offered(at_hand: AtHand, work: Work, ref: str, record_id: str) -> tuple[Step, ...]:
    """The steps a record's page offers its reader; none where they may not change the record."""
    flow = work.model.catalogue.workflows.get(ref)
    if flow is None or record_id not in at_hand.visible(work, ref, [record_id]):
        return ()
    values = at_hand.lookup(ref, record_id) or {}
    subject = at_hand.subject(work, ref, record_id, values, values)
    if not at_hand.allows(work, ref, "update", subject):
        return ()
    return steps(flow, subject, work.context)


def _role_allows(workflow: Workflow, transition: Transition, context: Context) -> bool:
    """Role gates bind people; the product and its rules are held by their own permissions."""
    if not transition.roles or not isinstance(context.actor, User):
        return True
    held = context.actor.roles
    wanted = {name if "." in name else f"{workflow.app}.{name}" for name in transition.roles}
    return bool(held & wanted) or any(
        context.catalogue.roles[ref].admin for ref in held if ref in context.catalogue.roles
    )
