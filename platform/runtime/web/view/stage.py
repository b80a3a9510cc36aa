"""Where a record stands in its workflow: the path, what the stage needs, the steps that lead on and why not."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from types import MappingProxyType

from markupsafe import Markup

from dacheng.metadata.definition import Field, State, Workflow
from dacheng.metadata.problem import Problem
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.read_records import RecordView
from dacheng.runtime.services.work import Work
from dacheng.runtime.services.workflow import Step
from dacheng.runtime.web.fields import view_of
from dacheng.runtime.web.fields.base import NO_CHOICES, Choices, FieldView, Marks, Setting
from dacheng.runtime.web.fields.choice import is_segmented
from dacheng.runtime.web.markup import NOTHING, drawn
from dacheng.runtime.web.page import Link
from dacheng.runtime.web.view.reason import message_of

REQUIRED = "workflow.required"
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
    """A button that takes a step; with `reasons` it is disabled and says why.

    `fields` are inputs of what the step still needs, asked for before it is taken; `open` shows them at once;
    with `uploads` one of them sends files.
    """

    id: str
    label: str
    action: str
    key: str
    main: bool
    reasons: tuple[Link, ...]
    fields: Markup = NOTHING
    open: bool = False
    uploads: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A step that was tried and what was typed for it; the records its links may lead to, by entity."""

    step: str = ""
    texts: Mapping[str, str] = dataclasses.field(default_factory=lambda: MappingProxyType({}))
    choices: Mapping[str, Choices] = dataclasses.field(default_factory=lambda: NO_CHOICES)


@dataclass(frozen=True, slots=True)
class Path:
    """The whole bar; `views` are those of the fields that its steps ask for, each with its scripts and devices."""

    label: str
    said: str
    states: tuple[StateShown, ...]
    needs: tuple[Need, ...]
    steps: tuple[StepShown, ...]
    views: tuple[FieldView, ...] = ()

    @property
    def scripts(self) -> tuple[str, ...]:
        """The modules its controls need, each once; none where nothing is asked for."""
        needed = (script for view in self.views for script in view.scripts)
        return (*dict.fromkeys(needed), "steps.js") if self.views else ()

    @property
    def devices(self) -> frozenset[str]:
        """The devices its controls use."""
        return frozenset(device for view in self.views for device in view.devices)


def stage_path(
    work: Work,
    workflow: Workflow,
    record: RecordView,
    steps: tuple[Step, ...],
    setting: Setting,
    address: str,
    asked: Asked,
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
        steps=_steps(work, workflow, record, steps, setting, address, asked),
        views=tuple({one.kind: view_of(one) for step in steps for one in _asks(step, record)}.values()),
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
    asked: Asked,
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
            reasons=tuple(
                _reason(work, one, record.policy, setting, address)
                for one in step.problems
                if _missing(one, record.policy) is None
            ),
            fields=drawn(
                [_input(field, step.transition.id, setting, asked) for field in _asks(step, record)]
            ),
            open=asked.step == step.transition.id,
            uploads=any(view_of(field).uploads for field in _asks(step, record)),
        )
        for step in steps
    )


def missing_fields(workflow: Workflow, transition: str, policy: EntityPolicy) -> tuple[Field, ...]:
    """The fields a step may ask for: those it requires and the person may set."""
    names = next((one.required for one in workflow.transitions if one.id == transition), ())
    return tuple(policy.entity.fields[name] for name in names if _may_ask(name, policy))


def _may_ask(name: str, policy: EntityPolicy) -> bool:
    return name in policy.writable and not policy.entity.fields[name].is_lines


def _missing(one: Problem, policy: EntityPolicy) -> Field | None:
    """The field that a problem says is empty, when it can be asked for here."""
    name = one.pointer.removeprefix("/")
    return policy.entity.fields[name] if one.code == REQUIRED and _may_ask(name, policy) else None


def _asks(step: Step, record: RecordView) -> list[Field]:
    return [field for one in step.problems if (field := _missing(one, record.policy)) is not None]


def _input(field: Field, step: str, setting: Setting, asked: Asked) -> str:
    ident = f"step-{step}-{field.id}"
    view = view_of(field)
    control, legend = view.control(field, setting, field.id, ident), view.grouped or is_segmented(field)
    label = escape(setting.labels.field(setting.locale, field))
    texts = asked.texts if asked.step == step else {}
    star = '<span class="required" aria-hidden="true">*</span>'
    opening = f'<span class="label" id="{ident}-label">' if legend else f'<label for="{ident}">'
    closing = "</span>" if legend else "</label>"
    marks = Marks(required=True, choices=asked.choices)
    return f'<div class="field" data-field="{field.id}">{opening}{label}{star}{closing}{control(texts, marks)}</div>'


def _reason(work: Work, one: Problem, policy: EntityPolicy, setting: Setting, address: str) -> Link:
    name = one.pointer.removeprefix("/")
    if one.code == "workflow.required" and name in policy.readable:
        label = setting.labels.field(setting.locale, policy.readable[name])
        return Link(setting.say("record.fill_first", field=label), f"{address}/edit#f-{name}")
    return Link(message_of(work, policy.entity.ref, one), "")
