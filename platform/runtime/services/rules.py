"""Rules, evaluated without touching anything: a trigger and a record give a verdict, its reasons and effects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dacheng.metadata.definition import Rule, RuleAction
from dacheng.metadata.kinds import ActionKind, Effect, Json
from dacheng.metadata.problem import refuse
from dacheng.plugins.context import Context
from dacheng.runtime.services.conditions import Subject, explain, value_of

MAX_DEPTH = 8


@dataclass(frozen=True, slots=True)
class Trigger:
    """What happened to a record: `created`, `updated` or `deleted`, and which fields changed."""

    kind: str
    changed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One rule against one happening: whether it fired, its condition with the values met, planned effects.

    `tree` is the condition as JSON, see `conditions.explain`; None when the rule has none.
    A rule whose trigger fits and whose condition does not hold is a near miss: `fired` is False.
    """

    rule: Rule
    fired: bool
    tree: Json
    effects: tuple[Effect, ...]


def evaluate(
    rules: Sequence[Rule],
    trigger: Trigger,
    subject: Subject,
    context: Context,
    actions: Mapping[str, ActionKind],
) -> tuple[Evaluation, ...]:
    """Every enabled rule whose trigger fits, in the order given. Pure: the same input, the same answer."""
    return tuple(
        _evaluate(rule, subject, context, actions)
        for rule in rules
        if rule.enabled and triggered(rule, trigger, subject)
    )


def triggered(rule: Rule, trigger: Trigger, subject: Subject) -> bool:
    """Whether what happened is something the rule listens to."""
    wanted = rule.triggers
    if wanted.get(trigger.kind):
        return True
    if trigger.kind == "deleted":
        return False
    if trigger.changed.intersection(wanted.get("changed", ())):
        return True
    workflow = subject.workflow
    entered = wanted.get("entered", ())
    if not entered or workflow is None or workflow.field not in trigger.changed:
        return False
    return subject.values.get(workflow.field) in entered


def _evaluate(
    rule: Rule, subject: Subject, context: Context, actions: Mapping[str, ActionKind]
) -> Evaluation:
    if rule.condition is None:
        return Evaluation(rule, True, None, _effects(rule, subject, context, actions))
    tree = explain(rule.condition, subject, context)
    if tree["value"] is not True:
        return Evaluation(rule, False, tree, ())
    return Evaluation(rule, True, tree, _effects(rule, subject, context, actions))


def _effects(
    rule: Rule, subject: Subject, context: Context, actions: Mapping[str, ActionKind]
) -> tuple[Effect, ...]:
    planned: list[Effect] = []
    for action in rule.actions:
        kind = actions.get(action.kind)
        if kind is None:
            raise refuse("rule.unknown_action", rule=rule.id, action=action.kind)
        computed = {key: value_of(each, subject, context) for key, each in action.expressions.items()}
        planned.extend(_with_sources(each, action) for each in kind.plan(action.params, computed))
    return tuple(planned)


def _with_sources(effect: Effect, action: RuleAction) -> Effect:
    """The same; what is told says for each of its values which fields it was worked out from."""
    if effect.kind != "notify":
        return effect
    paths = {
        name.removeprefix("params."): sorted(".".join(path) for path in each.dependencies)
        for name, each in action.expressions.items()
        if name != "users"
    }
    every = sorted({path for found in paths.values() for path in found})
    looked_at = {name: paths.get(name, every) for name in effect.params.get("params", ())}
    return replace(effect, params={**effect.params, "reads": looked_at})
