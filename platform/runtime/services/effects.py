"""What rules want is planned like any other save, as the app's automation actor, in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dacheng.metadata.definition import Field, Rule
from dacheng.metadata.kinds import Effect, Json
from dacheng.metadata.problem import Refused, refuse
from dacheng.plugins.context import Automation, Context
from dacheng.runtime.services import assignment, links, notices
from dacheng.runtime.services.plan_write import plan_record
from dacheng.runtime.services.rules import MAX_DEPTH, Evaluation, evaluate
from dacheng.runtime.services.save_plan import Happened, Message, Plan, Trace, Write, because_of_rule
from dacheng.runtime.services.work import Work

Fired = set[tuple[str, str]]  # (rule, record)


def run_rules(plan: Plan, work: Work) -> None:
    """Evaluate the rules on everything that happens in this plan, and plan their effects, until nothing is left.

    A rule fires once per record in one save; rules that set each other off more than `MAX_DEPTH` levels
    deep refuse it.
    """
    _until_still(plan, work, set())


def run_timed(plan: Plan, happened: Happened, rule: Rule) -> None:
    """Evaluate one rule that time fires on a record, and plan its effects and what they set off."""
    fired: Fired = set()
    _consider(plan, happened, rule, fired)
    _until_still(plan, happened.work, fired)


def _until_still(plan: Plan, work: Work, fired: Fired) -> None:
    while plan.happened:
        happened = plan.happened.pop(0)
        for rule in work.model.catalogue.rules.get(happened.ref, ()):
            if (f"{rule.app}.{rule.id}", happened.id) not in fired:
                _consider(plan, happened, rule, fired)


def _consider(plan: Plan, happened: Happened, rule: Rule, fired: Fired) -> None:
    """One rule, on the record as the rules before it left it."""
    now = plan.at_hand.values.get((happened.ref, happened.id))
    subject = happened.subject if now is None else happened.subject.holding(now)
    frame = happened.work
    for each in evaluate([rule], happened.trigger, subject, frame.context, frame.kinds.actions):
        _carry_out(plan, happened, each, fired)


def _carry_out(plan: Plan, happened: Happened, evaluation: Evaluation, fired: Fired) -> None:
    rule = evaluation.rule
    ref = f"{rule.app}.{rule.id}"
    if not evaluation.fired:
        plan.traces.append(_trace(happened, evaluation, "near", []))
        return
    fired.add((ref, happened.id))
    cause = because_of_rule(happened.work, ref)
    if len(cause.chain) > MAX_DEPTH:
        raise refuse("rule.too_deep", rule=_name(happened.work, evaluation), limit=MAX_DEPTH)
    actor = happened.work.as_automation(rule.app, cause)
    results: list[Json] = []
    outcome = "applied"
    for index, effect in enumerate(evaluation.effects):
        mark = plan.mark()
        try:
            _apply(
                plan,
                actor,
                happened,
                effect,
                f"{ref}:{happened.id}:{happened.subject.values.get('version')}:{index}",
            )
            results.append({**_shown(effect), "result": "applied"})
        except Refused as refused:
            plan.back_to(mark)
            if rule.on_refused != "continue":
                raise _refusal(happened.work, evaluation, refused) from refused
            outcome = "refused"
            results.append({**_shown(effect), "result": "refused", "code": refused.problems[0].code})
    plan.traces.append(_trace(happened, evaluation, outcome, results))


def _refusal(work: Work, evaluation: Evaluation, refused: Refused) -> Refused:
    """The save is refused in the rule's name; why exactly is for administrators, it may name what others can't see."""
    locale = work.context.locale
    reason = refused.problems[0].message_in(locale) if work.policy.admin else ""
    if refused.problems[0].code in ("rule.too_deep", "rule.effect_refused"):
        return refused
    code = "rule.effect_refused_because" if reason else "rule.effect_refused"
    return refuse(code, rule=_name(work, evaluation), reason=reason)


def _name(work: Work, evaluation: Evaluation) -> str:
    rule = evaluation.rule
    return work.model.labels.text(work.context.locale, rule.app, f"rule:{rule.id}") or rule.id


def _apply(plan: Plan, work: Work, happened: Happened, effect: Effect, key: str) -> None:
    params = effect.params
    match effect.kind:
        case "set_field":
            write = _update(work, happened.ref, happened.id, {params["field"]: params["value"]})
            plan_record(plan, work, write)
        case "take_step":
            step = replace(
                _update(work, happened.ref, happened.id, params["values"]), transition=params["step"]
            )
            plan_record(plan, work, step)
        case "assign":
            person = assignment.choose(plan, work, happened.ref, params)
            plan_record(plan, work, _update(work, happened.ref, happened.id, {params["field"]: person}))
        case "update_record":
            plan_record(plan, work, _update(work, params["entity"], params["id"], params["values"]))
        case "create_record":
            values = _raw(work, params["entity"], params["values"])
            plan_record(plan, work, Write("create", params["entity"], values=values))
        case "notify":
            source = {"entity": happened.ref, "record": happened.id, "app": app_of(work), "key": key}
            plan.messages.append(Message(notices.JOB, {**_plain(params), **source}, key))
        case "outbox":
            plan.messages.append(Message(params["kind"], _plain(params["payload"]), key))
        case _:
            raise refuse("rule.unknown_action", rule=happened.ref, action=effect.kind)


def app_of(work: Work) -> str:
    """The app whose automation acts; empty for anybody else."""
    actor = work.context.actor
    return actor.app if isinstance(actor, Automation) else ""


def _update(work: Work, ref: str, record_id: str, values: Mapping[str, Any]) -> Write:
    return Write("update", ref, record_id, _raw(work, ref, values))


def _raw(work: Work, ref: str, values: Mapping[str, Any]) -> dict[str, Json]:
    entity = work.model.catalogue.entities.get(ref)
    fields: Mapping[str, Field] = entity.fields if entity is not None else {}
    return {
        name: links.raw(fields[name], value) if name in fields else value for name, value in values.items()
    }


def _plain(value: Any) -> Any:
    """A value as JSON holds it: exact numbers and moments as text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value if value is None or isinstance(value, bool | int | str) else links.plain(value)


def _shown(effect: Effect) -> dict[str, Json]:
    return {"kind": effect.kind, "params": _plain(effect.params)}


def _trace(happened: Happened, evaluation: Evaluation, outcome: str, effects: list[Json]) -> Trace:
    rule, context = evaluation.rule, happened.work.context
    body: dict[str, Json] = {
        "trigger": happened.trigger.kind,
        "changed": sorted(happened.trigger.changed),
        "condition": evaluation.tree,
        "effects": effects,
        "chain": list(context.cause.chain),
        "by": _person(context),
    }
    if happened.waited is not None:
        body["waited"] = happened.waited
    return Trace(happened.ref, happened.id, f"{rule.app}.{rule.id}", outcome, body)


def _person(context: Context) -> str:
    return context.cause.person or context.actor.id
