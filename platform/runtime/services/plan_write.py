"""Everything a save will do, worked out before the write lock: values, lines, permission, workflow, rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from dacheng.metadata.definition import Transition, Workflow
from dacheng.metadata.formulas import compute
from dacheng.metadata.problem import Problem, Refused, problem, refuse
from dacheng.plugins.api import RecordWrite
from dacheng.plugins.context import Automation, ShareLink, User
from dacheng.runtime.services import (
    cascades,
    checkins,
    duplicates,
    files,
    form_defaults,
    form_rules,
    link_candidates,
    links,
    notices,
    parse_values,
    standing,
    workflow,
)
from dacheng.runtime.services.conditions import Subject, holds, stored_formulas
from dacheng.runtime.services.parse_values import Parsed
from dacheng.runtime.services.plan_lines import plan_lines
from dacheng.runtime.services.rules import Trigger
from dacheng.runtime.services.save_plan import EMPTY, Happened, Plan, Step, Write
from dacheng.runtime.services.work import Work
from dacheng.runtime.services.write_shape import WriteShape, shape_of
from dacheng.runtime.storage.record_change import RecordChange

ACTIONS = {
    "create": "create",
    "update": "update",
    "delete": "delete",
    "restore": "delete",
    "purge": "delete",
}  # and the right they need
NOTHING = (None, "")
NO_LINES: Mapping[str, Any] = MappingProxyType({})
USER, USERS_DEPARTMENT = "core.user", "department"
HISTORIC = frozenset({"created_at", "updated_at", "created_by", "updated_by", "owner", "department"})


def plan_record(plan: Plan, work: Work, write: Write) -> str:
    """Add one record's save to the plan and answer its id; raises `Refused` with every problem found."""
    shape = shape_of(work, write.entity, write.form)
    if shape.policy.entity.parent is not None:
        raise refuse("query.unknown_entity")
    if write.action not in ACTIONS or not shape.policy.may(ACTIONS[write.action]):
        raise refuse("access.not_permitted")
    if write.action == "create":
        alone = (shape.plain if write.rules else shape.bare) and not work.hooks.watches_writes
        create = _create_plain if alone else _create
        return create(plan, work, shape, write)
    if write.id is None:
        raise refuse("record.missing")
    if write.action == "update":
        return _update(plan, work, shape, write)
    return _move(plan, work, shape, write)


# ---------------------------------------------------------------- create
def _create(plan: Plan, work: Work, shape: WriteShape, write: Write) -> str:
    entity = shape.policy.entity
    record_id = work.context.new_id()
    parsed = _parse(work, shape, write)
    values = parsed.values
    if shape.lines and not write.historic:
        parse_values.start_lines(work.policy, shape.policy, parsed)
    _check_in(plan, work, shape, write, parsed, EMPTY)
    _owner_on_create(work, shape, values)
    given = {**shape.blank, "id": record_id, "version": 1, **values}
    given["created_at"] = given["updated_at"] = given.get("created_at") or work.context.now
    given["created_by"] = given["updated_by"] = work.context.actor.id
    subject = plan.at_hand.subject(work, entity.ref, record_id, given)
    line_changes = plan_lines(plan.at_hand, work, shape, record_id, parsed, creating=True)
    given.update(_figures(shape, plan, subject))
    given.update(_defaults(plan, work, shape, subject, parsed))
    if shape.workflow is not None:
        given.update(_initial_state(shape.workflow, values, write, parsed.problems))
    _owners_department(plan, work, values, None, write)
    given.update(values)
    given.update(compute(stored_formulas(entity), entity.fields, given))
    subject = _check(plan, work, shape, subject, parsed, EMPTY, write)
    if not holds(shape.policy.rows["create"], subject, work.context):
        raise refuse("access.not_permitted_after")
    touched = {**values, **(parsed.lines if line_changes else {})}
    standing.demand_own_to_give(plan.at_hand, work, entity.ref, record_id, None, touched)
    _guard(plan, work, write, entity.ref, record_id, given, values)
    change = RecordChange("create", entity, record_id, values)
    _add(plan, work, [change, *line_changes], subject, None, Trigger("created", frozenset(values)))
    return record_id


def _create_plain(plan: Plan, work: Work, shape: WriteShape, write: Write) -> str:
    """`_create` where nothing depends on the record as a whole: values, required fields and links are all there is."""
    entity = shape.policy.entity
    record_id = work.context.new_id()
    parsed = _parse(work, shape, write)
    values, problems = parsed.values, parsed.problems
    _owner_on_create(work, shape, values)
    _owners_department(plan, work, values, None, write)
    wrong = {each.pointer for each in problems}
    missing = [f"/{name}" for name in shape.required if values.get(name) in NOTHING]
    problems.extend(problem("record.required", each) for each in missing if each not in wrong)
    problems.extend(links.check(plan.at_hand, work, shape.links, values, EMPTY))
    problems.extend(files.check(plan.at_hand.reader, work, shape.files, values, EMPTY))
    if problems:
        raise Refused(problems)
    given = {**shape.blank, "id": record_id, "version": 1, **values}
    given["created_at"] = given["updated_at"] = given.get("created_at") or work.context.now
    given["created_by"] = given["updated_by"] = work.context.actor.id
    given.update(compute(stored_formulas(entity), entity.fields, given))
    plan.steps.append(Step((RecordChange("create", entity, record_id, values),), plan.stamp(work)))
    plan.at_hand.plan(entity.ref, record_id, given)
    if "owner" in values:
        notices.tell_owner(plan, work, entity.ref, record_id, values["owner"], None, 1)
    return record_id


def writable_fields(
    work: Work, shape: WriteShape, *, historic: bool, imported: bool = False
) -> frozenset[str]:
    """The fields a save by this actor may fill; an import brings numbers along, imported history system fields too."""
    allowed = shape.policy.writable | shape.policy.assigned if imported else shape.policy.writable
    if historic and work.policy.admin:
        return allowed | (HISTORIC & shape.policy.entity.fields.keys())
    return allowed


def _guard(
    plan: Plan,
    work: Work,
    write: Write,
    ref: str,
    record_id: str,
    values: Mapping[str, Any],
    changed: Iterable[str],
) -> None:
    """Refuse what a match says is there already; history that is taken in as it was is not asked."""
    if write.historic or not write.rules:
        return
    kept, problems = duplicates.guards(plan.at_hand.reader, work, ref, record_id, values, changed)
    if problems:
        raise Refused(problems)
    plan.guards.extend(kept)


def _parse(work: Work, shape: WriteShape, write: Write) -> Parsed:
    writable = writable_fields(work, shape, historic=write.historic, imported=write.typed)
    return parse_values.parse(work.policy, shape.policy, write.values, writable=writable, typed=write.typed)


def _check_in(
    plan: Plan, work: Work, shape: WriteShape, write: Write, parsed: Parsed, before: Mapping[str, Any]
) -> None:
    """Stamp what was checked in now; history, and what the record or its twin held already, keep their moments."""
    if shape.checkins and not write.historic and work.context.cause.kind not in checkins.AGAIN:
        parsed.problems.extend(
            checkins.stamp(plan.at_hand, work, shape.checkins, parsed.values, before, imported=write.typed)
        )


def _owner_on_create(work: Work, shape: WriteShape, values: dict[str, Any]) -> None:
    actor = work.context.actor
    if not shape.policy.entity.owned or values.get("owner") is not None:
        return
    if isinstance(actor, User):
        values["owner"] = actor.id
    elif isinstance(actor, ShareLink) and actor.owner is not None:
        values["owner"] = actor.owner


def _defaults(plan: Plan, work: Work, shape: WriteShape, subject: Subject, parsed: Parsed) -> dict[str, Any]:
    """Defaults, also put among the values, for fields not sent at all; an empty value that was sent stays empty."""
    values = parsed.values
    sent = {each.pointer.split("/")[1] for each in parsed.problems if each.pointer.startswith("/")}
    given = values.keys() | sent
    if all(name in given for name, _ in shape.defaults):
        return {}
    seen, readable = plan.at_hand.shown(work, subject).with_values({}), shape.policy.readable
    filled = form_defaults.settle(shape.defaults, seen, work.context, given, readable)
    values.update(filled)
    return filled


def _initial_state(
    flow: Workflow, values: dict[str, Any], write: Write, problems: list[Problem]
) -> dict[str, Any]:
    """Every record begins in the initial state; only imported history may bring its own."""
    sent = values.get(flow.field)
    if sent is None or not write.historic:
        if (
            sent not in (None, flow.initial)
            and isinstance(write.values, Mapping)
            and flow.field in write.values
        ):
            problems.append(problem("workflow.not_by_hand", f"/{flow.field}"))
        values[flow.field] = flow.initial
    return {flow.field: values[flow.field]}


def _owners_department(
    plan: Plan, work: Work, values: dict[str, Any], before: Mapping[str, Any] | None, write: Write
) -> None:
    """The department at record time: the owner's, whenever the owner is set anew."""
    if "owner" not in values or (write.historic and "department" in values):
        return
    owner = values["owner"]
    if before is not None and owner == before.get("owner"):
        return
    actor = work.context.actor
    if isinstance(actor, User) and owner == actor.id:
        values["department"] = actor.department
        return
    person = plan.at_hand.lookup(USER, owner) if owner is not None else None
    values["department"] = person.get(USERS_DEPARTMENT) if person is not None else None


# ---------------------------------------------------------------- update
def _update(plan: Plan, work: Work, shape: WriteShape, write: Write) -> str:
    entity, record_id = shape.policy.entity, str(write.id)
    before = visible_before(plan, work, shape, record_id)
    subject = plan.at_hand.subject(work, entity.ref, record_id, before, before)
    if not holds(shape.policy.rows["update"], subject, work.context):
        raise refuse("access.not_permitted")
    parsed = _parse(work, shape, write)
    values = parsed.values
    links.keep_unseen(plan.at_hand, work, shape.links, values, before)
    _check_in(plan, work, shape, write, parsed, before)
    changed = {name: value for name, value in values.items() if value != before.get(name)}
    if write.expected_version not in (None, before["version"]):
        theirs, yours = (_without_unseen(plan, work, shape, each) for each in (before, changed))
        _conflict(shape, theirs, yours)
    values.clear()
    values.update(changed)
    if "owner" in values and not _may_give_away(work, shape, subject):
        parsed.problems.append(problem("collaborator.not_owner", "/owner"))
    kept = sorted(shape.policy.assigned & changed.keys())
    parsed.problems.extend(problem("record.number_kept", f"/{name}") for name in kept)
    step = _take_step(work, shape, write, before, values, parsed.problems)
    _owners_department(plan, work, values, before, write)
    line_changes = plan_lines(plan.at_hand, work, shape, record_id, parsed, creating=False)
    subject = subject.with_values(values)
    if line_changes:
        subject = subject.with_values(_figures(shape, plan, subject))
    moved_lines = _moved(shape, parsed, line_changes)
    subject = _check(plan, work, shape, subject, parsed, before, write, moved_lines)
    if step is not None:
        problems = workflow.check_arrival(step, subject, work.context)
        if problems:
            raise Refused(workflow.told(step, problems, shape.policy.readable))
    if not holds(shape.policy.rows["update"], subject, work.context):
        raise refuse("access.not_permitted_after")
    touched = {**values, **(parsed.lines if line_changes else {})}
    standing.demand_own_to_give(plan.at_hand, work, entity.ref, record_id, before, touched)
    if not values and not line_changes:
        return record_id
    _guard(plan, work, write, entity.ref, record_id, {**before, **values}, values)
    change = RecordChange("update", entity, record_id, values, before["version"], touch=bool(line_changes))
    moved = frozenset(values) | parsed.lines.keys()
    _add(plan, work, [change, *line_changes], subject, before, Trigger("updated", moved))
    return record_id


def _moved(shape: WriteShape, parsed: Parsed, changes: Sequence[RecordChange]) -> dict[str, Any]:
    """The lines, by field, that were sent with something else than what is there."""
    fields, touched = shape.policy.entity.fields, {change.entity.ref for change in changes}
    return {name: rows for name, rows in parsed.lines.items() if fields[name].to in touched}


def _may_give_away(work: Work, shape: WriteShape, subject: Subject) -> bool:
    """Who merely works on a record changes it, but not whose it is."""
    by_role = shape.policy.by_role
    return by_role is None or holds(by_role["update"], subject, work.context)


def visible_before(plan: Plan, work: Work, shape: WriteShape, record_id: str) -> dict[str, Any]:
    """The record as it is, when it exists and may be seen; otherwise `record.missing`."""
    ref = shape.policy.entity.ref
    if record_id not in plan.at_hand.visible(work, ref, [record_id]):
        raise refuse("record.missing")
    return plan.at_hand.lookup(ref, record_id) or {}


def _without_unseen(
    plan: Plan, work: Work, shape: WriteShape, before: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The record as the actor is shown it: links to what they may not see are empty."""
    shown = {
        name: links.seen(plan.at_hand, work, each, held)
        for name, each in shape.links.items()
        if (held := before.get(name)) is not None
    }
    return {**before, **shown}


def _conflict(shape: WriteShape, before: Mapping[str, Any], changed: Mapping[str, Any]) -> None:
    fields = shape.policy.entity.fields
    found = [
        problem(
            "record.conflict",
            f"/{name}",
            name=name,
            theirs=fields[name].codec.text(before.get(name)),
            yours=fields[name].codec.text(value),
        )
        for name, value in changed.items()
    ]
    raise Refused(found or [problem("record.version_moved")])


def _take_step(
    work: Work,
    shape: WriteShape,
    write: Write,
    before: Mapping[str, Any],
    values: dict[str, Any],
    problems: list[Problem],
) -> Transition | None:
    flow = shape.workflow
    if write.transition is None:
        if flow is not None and flow.field in values and not write.historic:
            problems.append(problem("workflow.not_by_hand", f"/{flow.field}"))
        return None
    known = flow is not None and flow.field in shape.policy.readable  # steps of a hidden state are not known
    step = workflow.transition_of(flow if known else None, write.transition)
    assert flow is not None
    problems.extend(workflow.check_start(flow, step, before, work.context))
    values[flow.field] = step.target
    return step


# ---------------------------------------------------------------- checks on the record to be
def _check(
    plan: Plan,
    work: Work,
    shape: WriteShape,
    subject: Subject,
    parsed: Parsed,
    before: Mapping[str, Any],
    write: Write,
    moved_lines: Mapping[str, Any] = NO_LINES,
) -> Subject:
    """Form conditions, required fields and links of the record as it would be; every problem at once.

    Form conditions bind who fills in forms, not an app's own rules and not imported history.
    """
    hidden: frozenset[str] = frozenset()
    asked: tuple[str, ...] = shape.required
    if shape.conditional and not write.historic and not isinstance(work.context.actor, Automation):
        seen = plan.at_hand.shown(work, subject)
        state, cleared = form_rules.settle(shape.conditional, seen, work.context)
        dropped = {n: None for n in cleared if n in shape.policy.writable and n not in shape.lines}
        parsed.values.update({n: None for n in dropped if before.get(n) is not None or n in parsed.values})
        subject = subject.with_values(dropped)
        by_step = {shape.workflow.field} if shape.workflow is not None else set()
        sent = {
            n: v
            for n, v in parsed.values.items()
            if n not in dropped and n not in by_step and v != before.get(n)
        }
        if before:
            parsed.problems.extend(form_rules.check_readonly(state, {**sent, **moved_lines}))
        hidden = state.hidden
        asked = (*asked, *(n for n in state.required if n in shape.policy.writable and n not in asked))
    wrong = {each.pointer for each in parsed.problems}
    for name in asked:
        if subject.values.get(name) not in NOTHING:
            continue
        if name not in hidden and f"/{name}" not in wrong and _empty(plan, subject, name):
            parsed.problems.append(problem("record.required", f"/{name}"))
    parsed.problems.extend(links.check(plan.at_hand, work, shape.links, parsed.values, before))
    parsed.problems.extend(files.check(plan.at_hand.reader, work, shape.files, parsed.values, before))
    if not write.historic:
        parsed.problems.extend(cascades.check(work, shape.cascades, parsed.values, before))
        parsed.problems.extend(
            link_candidates.check(plan.at_hand, work, shape.narrowed, parsed.values, before)
        )
    if parsed.problems:
        raise Refused(parsed.problems)
    return subject


def _empty(plan: Plan, subject: Subject, name: str) -> bool:
    if subject.entity.fields[name].is_lines:
        return not subject.lines[name]
    return subject.values.get(name) in NOTHING


def _figures(shape: WriteShape, plan: Plan, subject: Subject) -> dict[str, Any]:
    """Roll-ups over the lines as planned, for conditions; the stored figures are kept by the storage."""
    from_lines = {}
    for rollup in shape.rollups:
        child = plan.at_hand.model.catalogue.entities[rollup.child]
        if child.parent == subject.entity.ref and child.parent_field == rollup.via:
            rows = plan.at_hand.children(child, subject.id)
            found = [row.get(rollup.of or "") for row in rows]
            from_lines[rollup.field] = links.figure(rollup.aggregate, found, shape.blank[rollup.field])
    return from_lines


# ---------------------------------------------------------------- delete, restore
def _move(plan: Plan, work: Work, shape: WriteShape, write: Write) -> str:
    """Into the recycle bin, or out of it; both are the right to delete, on a row that may be seen.

    Out of it for good is for administrators: nothing brings a purged record back.
    """
    entity, record_id = shape.policy.entity, str(write.id)
    if write.action == "purge" and not work.policy.admin:
        raise refuse("access.not_permitted")
    if write.action in ("restore", "purge"):
        gone = plan.at_hand.deleted(entity.ref, record_id)
        if gone is None:
            visible_before(plan, work, shape, record_id)
            raise refuse("record.not_deleted")
        values = gone
        subject = plan.at_hand.subject(work, entity.ref, record_id, values)
        if not holds(shape.policy.rows["read"], subject, work.context):
            raise refuse("record.missing")
    else:
        values = visible_before(plan, work, shape, record_id)
        subject = plan.at_hand.subject(work, entity.ref, record_id, values, values)
    if not holds(shape.policy.rows["delete"], subject, work.context):
        raise refuse("access.not_permitted")
    standing.demand_over(plan.at_hand.reader, work, entity.ref, values, write.action)
    if write.expected_version not in (None, values["version"]):
        raise refuse("record.version_moved")
    change = RecordChange(write.action, entity, record_id, {}, values["version"])
    if write.action == "purge":
        plan.steps.append(Step((change,), plan.stamp(work)))
        return record_id
    before = values if write.action == "delete" else None
    kind = "deleted" if write.action == "delete" else "restored"
    _add(plan, work, [change], subject, before, Trigger(kind))
    return record_id


def _add(
    plan: Plan,
    work: Work,
    changes: list[RecordChange],
    subject: Subject,
    before: Mapping[str, Any] | None,
    trigger: Trigger,
) -> None:
    """Enter the changes, and let everything planned later see the record as it will be."""
    first = changes[0]
    ref = first.entity.ref
    plan.steps.append(Step(tuple(changes), plan.stamp(work)))
    gone = first.action == "delete"
    version = 1 if first.action == "create" else int(subject.values["version"]) + 1
    after = {**subject.values, "version": version}
    plan.at_hand.plan(ref, first.id, None if gone else after)
    if "owner" in first.values:
        held = before.get("owner") if before is not None else None
        notices.tell_owner(plan, work, ref, first.id, first.values["owner"], held, version)
    if work.hooks.watches_writes:
        plan.writes.append(RecordWrite(first.action, ref, first.id, before, None if gone else after))
    if ref in work.model.catalogue.rules:
        plan.happened.append(Happened(work, ref, first.id, trigger, subject.holding(after)))
