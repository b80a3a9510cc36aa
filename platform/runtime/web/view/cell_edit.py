"""Which cells of a list are changed in place: by whoever may write the field, with a control that fits over it."""

from __future__ import annotations

from collections.abc import Sequence

from dacheng.metadata.definition import Field
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.work import Work
from dacheng.runtime.web.fields import view_of


def edited(work: Work, entity: EntityPolicy, path: Sequence[str]) -> str:
    """The field that a column's cells change: its own, or the link whose title they show; empty for none."""
    field = entity.readable.get(path[0])
    if field is None or len(path) > 2 or not in_place(work, entity, field):
        return ""
    if len(path) == 2:
        target = work.policy.entity(field.to or "")
        return field.id if target is not None and target.entity.title == path[1] else ""
    return field.id


def in_place(work: Work, entity: EntityPolicy, field: Field) -> bool:
    """Whether a field is changed in a cell; a workflow's moves by steps, and large controls need a form."""
    flow, view = work.model.catalogue.workflows.get(entity.entity.ref), view_of(field)
    return (
        entity.entity.parent is None
        and entity.may("update")
        and field.id in entity.writable
        and bool(field.codec.columns)
        and not field.spec.get("x-hidden")
        and not (view.roomy or view.uploads or view.devices)
        and (flow is None or flow.field != field.id)
    )
