"""Who holds a role and may be given work, and how much of it everybody has."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from dacheng.runtime.storage.model import Model
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.storage.system_tables import credential, role

USER = "core.user"
SUSPENDED = "suspended"


def holders(reader: Reader, model: Model, name: str, department: str | None) -> list[str]:
    """The people with a role who are not suspended, of one department where it is given, in a fixed order."""
    person = model.tables.of(USER)
    shut_out = sa.exists().where(credential.c.user == person.c.id, credential.c.state == SUSPENDED)
    found = (
        sa.select(person.c.id)
        .join(role, role.c.user == person.c.id)
        .where(role.c.role == name, person.c.deleted_at.is_(None), person.c.status != SUSPENDED, ~shut_out)
    )
    if department is not None:
        found = found.where(person.c.department == department)
    return [row[0] for row in reader.rows(found.order_by(person.c.id))]


def latest(reader: Reader, model: Model, ref: str, field: str, people: Sequence[str]) -> dict[str, str]:
    """The id of each person's newest record; ids grow with time."""
    table = model.tables.of(ref)
    found = sa.select(table.c[field], sa.func.max(table.c.id)).where(
        table.c[field].in_(list(people)), table.c.deleted_at.is_(None)
    )
    return {row[0]: row[1] for row in reader.rows(found.group_by(table.c[field]))}


def loads(
    reader: Reader, model: Model, ref: str, field: str, people: Sequence[str], states: Sequence[str]
) -> dict[str, int]:
    """How many records each person has, in these states where the entity has a workflow."""
    table = model.tables.of(ref)
    found = sa.select(table.c[field], sa.func.count()).where(
        table.c[field].in_(list(people)), table.c.deleted_at.is_(None)
    )
    flow = model.catalogue.workflows.get(ref)
    if flow is not None:
        found = found.where(table.c[flow.field].in_(list(states)))
    return {row[0]: int(row[1]) for row in reader.rows(found.group_by(table.c[field]))}
