"""Where a record stands in its workflow: the path, what the stage needs, the steps that lead on and why not."""

from __future__ import annotations

from dataclasses import dataclass

from dacheng.metadata.definition import State, Workflow
from dacheng.metadata.problem import Problem
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.read_records import RecordView
from dacheng.runtime.services.work import Work
from dacheng.runtime.services.workflow import Step
from dacheng.runtime.web.fields.base import Setting
from dacheng.runtime.web.page import Link

CLOSED = ("won", "lost", "done")


@dataclass(frozen=True, slots=True)
class StateShown:
    """One state on the path; `mark` is its class: done, now, now won, now lost or nothing."""

    label: str
    mark: str
    now: bool


@dataclass(frozen=True, slots=True)
class Need:
    """A key field of the present state, and whether it holds anything."""

    label: str
    filled: bool


@dataclass(frozen=True, slots=True)
class StepShown:
    """A button that takes a step; with `reasons` it is disabled and says why."""

    id: str
    label: str
    action: str
    key: str
    main: bool
    reasons: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Path:
    """The whole bar."""

    label: str
    said: str
    states: tuple[StateShown, ...]
    needs: tuple[Need, ...]
    steps: tuple[StepShown, ...]


def stage_path(
    work: Work,
    workflow: Workflow,
    record: RecordView,
    steps: tuple[Step, ...],
    setting: Setting,
    address: str,
) -> Path | None:
    """The bar of one record; None where the person may not see the workflow's field."""
    field = record.policy.readable.get(workflow.field)
    if field is None:
        return None
    now = str(record.values.get(workflow.field) or workflow.initial)
    states = on_path(workflow, now)
    at = next((index for index, state in enumerate(states) if state.id == now), 0)

    def name(state: State) -> str:
        return setting.labels.option(setting.locale, field, state.id)

    shown = tuple(
        StateShown(name(state), _mark(state, index, at), index == at) for index, state in enumerate(states)
    )
    present = states[at]
    needs = tuple(
        Need(setting.labels.field(setting.locale, record.policy.readable[key]), _is_filled(record, key))
        for key in present.key_fields
        if key in record.policy.readable
    )
    return Path(
        label=setting.labels.field(setting.locale, field),
        said=setting.say("record.stage_said", state=name(present), at=at + 1, of=len(states)),
        states=shown,
        needs=needs,
        steps=_steps(work, workflow, record, steps, setting, address),
    )


def on_path(workflow: Workflow, now: str) -> tuple[State, ...]:
    """The states drawn: the open ones in order, then the end reached, or the good end still ahead."""
    ordered = sorted(workflow.states, key=lambda state: (state.order, state.id))
    going = [state for state in ordered if state.kind not in CLOSED]
    ends = [state for state in ordered if state.kind in CLOSED]
    reached = [state for state in ends if state.id == now]
    ahead = [state for state in ends if state.kind in ("won", "done")] or ends
    return (*going, *(reached or ahead[:1]))


def _mark(state: State, index: int, at: int) -> str:
    if index < at:
        return "done"
    if index > at:
        return ""
    return {"won": "now won", "done": "now won", "lost": "now lost"}.get(state.kind, "now")


def _is_filled(record: RecordView, name: str) -> bool:
    if name in record.lines:
        return bool(record.lines[name])
    return name in record.unseen or record.values.get(name) not in (None, "")


def _steps(
    work: Work,
    workflow: Workflow,
    record: RecordView,
    steps: tuple[Step, ...],
    setting: Setting,
    address: str,
) -> tuple[StepShown, ...]:
    kinds = {state.id: state.kind for state in workflow.states}
    main = next((s.transition.id for s in steps if kinds.get(s.transition.target) != "lost"), "")
    return tuple(
        StepShown(
            id=step.transition.id,
            label=setting.labels.text(
                setting.locale, workflow.app, f"transition:{workflow.id}.{step.transition.id}"
            ),
            action=f"{address}/transitions/{step.transition.id}",
            key=work.context.new_id(),
            main=step.transition.id == main,
            reasons=tuple(_reason(one, record.policy, setting, address) for one in step.problems),
        )
        for step in steps
    )


def _reason(one: Problem, policy: EntityPolicy, setting: Setting, address: str) -> Link:
    name = one.pointer.removeprefix("/")
    if one.code == "workflow.required" and name in policy.readable:
        label = setting.labels.field(setting.locale, policy.readable[name])
        return Link(setting.say("record.fill_first", field=label), f"{address}/edit#f-{name}")
    return Link(one.message_in(setting.locale), "")
