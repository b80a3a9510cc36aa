"""The conditions of a form, enforced where the record is saved: hidden is never required, readonly holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dacheng.metadata.definition import Form, FormField
from dacheng.metadata.problem import Problem, problem
from dacheng.plugins.context import Context
from dacheng.runtime.services.conditions import Subject, holds

MAX_PASSES = 4


@dataclass(frozen=True, slots=True)
class FormState:
    """What a form says about one record: hidden fields, fields required, fields that may not change."""

    hidden: frozenset[str]
    required: frozenset[str]
    readonly: frozenset[str]


NOTHING = FormState(frozenset(), frozenset(), frozenset())


def conditional(form: Form | None) -> tuple[FormField, ...]:
    """The fields of a form that carry any condition."""
    if form is None:
        return ()
    return tuple(
        each
        for section in form.sections
        for each in section.fields
        if each.visible is not None or each.required is not None or each.readonly is not None
    )


def state(fields: tuple[FormField, ...], subject: Subject, context: Context) -> FormState:
    """Which fields are hidden, required and readonly for this record, now and for this person."""
    if not fields:
        return NOTHING
    hidden = {f.field for f in fields if f.visible is not None and not holds(f.visible, subject, context)}
    shown = [each for each in fields if each.field not in hidden]
    required = {f.field for f in shown if f.required is not None and holds(f.required, subject, context)}
    readonly = {f.field for f in shown if f.readonly is not None and holds(f.readonly, subject, context)}
    return FormState(frozenset(hidden), frozenset(required), frozenset(readonly))


def settle(
    fields: tuple[FormField, ...], subject: Subject, context: Context
) -> tuple[FormState, Mapping[str, None]]:
    """The form's state once fields hidden under `clear` are emptied, and which those are.

    Emptying one field can hide another, so this repeats a few times; a form that never settles stays as
    its last pass left it.
    """
    cleared: dict[str, None] = {}
    now = state(fields, subject, context)
    for _ in range(MAX_PASSES):
        more = {
            f.field: None
            for f in fields
            if f.when_hidden == "clear" and f.field in now.hidden and not _empty(subject.values.get(f.field))
        }
        if not more:
            break
        cleared |= more
        subject = subject.with_values(more)
        now = state(fields, subject, context)
    return now, cleared


def check_readonly(now: FormState, changed: Mapping[str, Any], pointer: str = "") -> list[Problem]:
    """Problems for fields that were sent with another value although the form holds them."""
    return [problem("record.readonly", f"{pointer}/{name}") for name in changed if name in now.readonly]


def _empty(value: object) -> bool:
    return value is None or value == () or value == ""
