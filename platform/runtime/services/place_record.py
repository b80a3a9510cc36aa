"""A record put somewhere else on a board or in a calendar: one field's new value, or the step that leads there."""

from __future__ import annotations

from datetime import UTC, date, datetime

from dacheng.metadata.definition import Transition, Workflow
from dacheng.metadata.expression import INSTANT
from dacheng.metadata.kinds import Json
from dacheng.metadata.problem import refuse
from dacheng.runtime.services import read_records, saved_views, workflow
from dacheng.runtime.services.read_records import RecordView
from dacheng.runtime.services.save_plan import Write
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.reader import Reader


def plan_place(
    reader: Reader, work: Work, ref: str, record_id: str, field: str, value: str, version: int | None
) -> Write:
    """The save that puts a record at `value` of `field`, to be given to `write_record`.

    A workflow's field moves by the step that leads from the record's state to the one wanted; an instant
    keeps its time of day when `value` is a day alone. Refuses where no step leads there.
    """
    policy = work.entity(ref)
    target = policy.readable.get(field)
    if target is None:
        raise refuse("query.unknown_field", "/field", name=field)
    stands = saved_views.stands_on("board", target) or saved_views.stands_on("calendar", target)
    if (
        not stands or len(target.codec.columns) > 1
    ):  # a check-in is more than its moment, and stays where it was
        raise refuse("view.needs_field", "/field", name=field)
    record = read_records.get(reader, work, ref, record_id)
    flow = work.model.catalogue.workflows.get(ref)
    if flow is not None and flow.field == field:
        step = step_to(flow, str(record.values.get(field) or flow.initial), value, work)
        return Write("update", ref, record_id, {}, version, transition=step.id)
    wanted: Json = value or None
    if value and target.codec.type == INSTANT:
        wanted = _moment(record, field, value, work)
    return Write("update", ref, record_id, {field: wanted}, version)


def step_to(flow: Workflow, now: str, wanted: str, work: Work) -> Transition:
    """The step that leads from one state to another, one that the person's roles allow before others."""
    leading = [step for step in flow.transitions if now in step.sources and step.target == wanted]
    if not leading:
        raise refuse("workflow.no_step", "/value")
    allowed = [
        step for step in leading if not workflow.check_start(flow, step, {flow.field: now}, work.context)
    ]
    return min(allowed or leading, key=lambda step: (step.order, step.id))


def _moment(record: RecordView, field: str, value: str, work: Work) -> str:
    """The instant in UTC: a day alone keeps the time of day that the record has."""
    try:
        day = date.fromisoformat(value) if len(value) == 10 else None
    except ValueError:
        day = None
    held = record.values.get(field)
    if day is None:
        return value
    clock = held.astimezone(work.context.zone).time() if isinstance(held, datetime) else datetime.min.time()
    local = datetime.combine(day, clock, work.context.zone)
    return local.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
