"""Lines inside their record: the list that was sent is the list that will be; what is left out goes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dacheng.metadata.definition import Entity
from dacheng.metadata.formulas import compute
from dacheng.metadata.problem import Refused, problem
from dacheng.runtime.services import cascades, files, form_defaults, link_candidates, links
from dacheng.runtime.services.conditions import Subject, stored_formulas
from dacheng.runtime.services.parse_values import LineValues, Parsed
from dacheng.runtime.services.records_at_hand import AtHand
from dacheng.runtime.services.work import Work
from dacheng.runtime.services.write_shape import WriteShape, shape_of
from dacheng.runtime.storage.record_change import RecordChange


def plan_lines(
    at_hand: AtHand, work: Work, shape: WriteShape, parent_id: str, parsed: Parsed, *, creating: bool
) -> list[RecordChange]:
    """The changes of all lines sent; problems go to `parsed` with pointers to the line and field."""
    changes: list[RecordChange] = []
    for name, sent in parsed.lines.items():
        child = shape_of(work, shape.lines[name].to or "")
        entity = child.policy.entity
        existing = {} if creating else {row["id"]: row for row in at_hand.children(entity, parent_id)}
        planned: list[dict[str, Any]] = []
        for position, line in enumerate(sent):
            before = _before(line, existing, planned, parsed)
            values = _values(at_hand, work, child, line, before, parsed)
            change = _change(work, entity, parent_id, position, line, values, before)
            version = 1 if before is None else before["version"] + bool(change.values)
            row = {**(before or {}), **values, "id": change.id, "version": version}
            planned.append({**row, **compute(stored_formulas(entity), entity.fields, row)})
            if change.action == "create" or change.values:
                changes.append(change)
        kept = {row["id"] for row in planned}
        changes.extend(
            RecordChange("delete", entity, gone, {}, existing[gone]["version"])
            for gone in existing
            if gone not in kept
        )
        at_hand.plan_lines(entity.ref, parent_id, planned)
    return changes


def _before(
    line: LineValues,
    existing: Mapping[str, dict[str, Any]],
    planned: list[dict[str, Any]],
    parsed: Parsed,
) -> dict[str, Any] | None:
    if line.id is None:
        return None
    twice = any(row["id"] == line.id for row in planned)
    if line.id not in existing or twice:
        parsed.problems.append(problem("record.line_missing", f"{line.pointer}/id"))
        return None
    return existing[line.id]


def _values(
    at_hand: AtHand,
    work: Work,
    child: WriteShape,
    line: LineValues,
    before: Mapping[str, Any] | None,
    parsed: Parsed,
) -> dict[str, Any]:
    """A line's changed values with defaults, checked: required fields and links."""
    values = {n: v for n, v in line.values.items() if before is None or v != before.get(n)}
    if before is not None:
        links.keep_unseen(at_hand, work, child.links, values, before)
    if before is None:
        subject = at_hand.shown(work, at_hand.subject(work, child.policy.entity.ref, "", values))
        values |= _defaults(work, child, subject, line, parsed)
    held = before or {}
    wrong = {each.pointer for each in parsed.problems}
    for name in child.required:
        empty = values.get(name, held.get(name)) in (None, "")
        if empty and f"{line.pointer}/{name}" not in wrong:
            parsed.problems.append(problem("record.required", f"{line.pointer}/{name}"))
    parsed.problems.extend(links.check(at_hand, work, child.links, values, held, line.pointer))
    parsed.problems.extend(files.check(at_hand.reader, work, child.files, values, held, line.pointer))
    parsed.problems.extend(cascades.check(work, child.cascades, values, held, line.pointer))
    parsed.problems.extend(link_candidates.check(at_hand, work, child.narrowed, values, held, line.pointer))
    return values


def _defaults(
    work: Work, child: WriteShape, subject: Subject, line: LineValues, parsed: Parsed
) -> dict[str, Any]:
    """The defaults of a new line's fields that were not sent; one that looks at another's follows it."""
    readable = child.policy.readable
    try:
        return form_defaults.settle(child.defaults, subject, work.context, line.values, readable)
    except Refused as refused:
        parsed.problems.extend(each.at(f"{line.pointer}{each.pointer}") for each in refused.problems)
        return {}


def _change(
    work: Work,
    entity: Entity,
    parent_id: str,
    position: int,
    line: LineValues,
    values: dict[str, Any],
    before: Mapping[str, Any] | None,
) -> RecordChange:
    if before is None:
        new_id = work.context.new_id()
        given = {**values, entity.parent_field or "": parent_id, "position": position}
        return RecordChange("create", entity, new_id, given)
    given = dict(values) if before.get("position") == position else {**values, "position": position}
    return RecordChange("update", entity, before["id"], given, before["version"])
