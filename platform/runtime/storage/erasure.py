"""Records erased without a trace: rows, search entries, links to them, log, traces, notices; for sample data alone.

What people delete goes to the recycle bin and stays in the log (`records`); this is for what never happened.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import orjson
import sqlalchemy as sa

from dacheng.runtime.storage import (
    deletion,
    formulas,
    joins,
    match_keys,
    numbering,
    references,
    rollups,
    search,
)
from dacheng.runtime.storage.model import Model
from dacheng.runtime.storage.reader import Reader, Transaction
from dacheng.runtime.storage.sample_records import AT_ONCE, in_parts
from dacheng.runtime.storage.system_tables import (
    WAITING,
    attachment,
    change_log,
    collaborator,
    comment,
    counter,
    credential,
    notification,
    outbox,
    reset_token,
    role,
    session,
    token,
    trace,
)
from dacheng.runtime.storage.tables import EntityTable
from dacheng.runtime.storage.timers import timer

SAID = (comment, attachment, collaborator)
OF_PEOPLE = (credential, session, token, reset_token, role)
NOTIFY = "notify"
Link = tuple[str, str]  # who holds it, what it leads to


def lines_of(reader: Reader, model: Model, ref: str, ids: Sequence[str]) -> Iterator[Link]:
    """(line, record) of every living line of one of these."""
    yield from _held(reader, model, _to_lines(model, ref), ids)


def links_among(reader: Reader, model: Model, ref: str, ids: Sequence[str]) -> Iterator[Link]:
    """(holder, target) of every living record that links to one of these."""
    yield from _held(reader, model, _by_link(model, ref), ids)
    for other, name in model.catalogue.many_links.get(ref, ()):
        made = model.tables.entity(other)
        join = made.joins[name]
        for some in in_parts(ids):
            asked = sa.select(join.c.record, join.c.target).where(
                join.c.target.in_(some), join.c.record == made.table.c.id, made.deleted_at.is_(None)
            )
            yield from ((row[0], row[1]) for row in reader.rows(asked))


def _held(reader: Reader, model: Model, links: Iterable[Link], ids: Sequence[str]) -> Iterator[Link]:
    for other, link in links:
        made = model.tables.entity(other)
        column = made.columns[link][0]
        for some in in_parts(ids):
            asked = sa.select(made.table.c.id, column).where(column.in_(some), made.deleted_at.is_(None))
            yield from ((row[0], row[1]) for row in reader.rows(asked))


def said_about(reader: Reader, ids: Sequence[str]) -> set[str]:
    """Those of these records that somebody commented on, put files with or shares."""
    found: set[str] = set()
    for table in SAID:
        for some in in_parts(ids):
            asked = sa.select(table.c.record).where(table.c.record.in_(some)).distinct()
            found.update(row[0] for row in reader.rows(asked))
    return found


def versions_of(reader: Reader, made: EntityTable, ids: Sequence[str]) -> dict[str, tuple[int, bool]]:
    """(version, whether it is alive) of each of these records that is there."""
    found: dict[str, tuple[int, bool]] = {}
    for some in in_parts(ids):
        asked = sa.select(made.table.c.id, made.table.c.version, made.deleted_at).where(
            made.table.c.id.in_(some)
        )
        found.update({row[0]: (row[1], row[2] is None) for row in reader.rows(asked)})
    return found


def erase(tx: Transaction, model: Model, going: Mapping[str, Sequence[str]]) -> None:
    """Take these records out, by entity; no living record that stays may lead to one of them.

    What was added up over them is added up anew, and numbers of an entity without records begin anew.
    """
    for ref in _outwards(model, going):
        _erase(tx, model, model.tables.entity(ref), going[ref])
    moved: dict[str, EntityTable] = {}
    for ref in going:
        for kept in rollups.over(model.tables, model.tables.entity(ref)):
            rollups.recompute_all(tx, kept)
            if formulas.leaning_on(kept.parent, (kept.rollup.field,)):
                moved[kept.parent.entity.ref] = kept.parent
    for made in moved.values():
        formulas.refill(tx, made)
    _withdraw_notices(tx, {record for ids in going.values() for record in ids})
    for ref in going:
        made = model.tables.entity(ref)
        if numbering.assigned(made) and tx.row(sa.select(made.table.c.id).limit(1)) is None:
            tx.execute(sa.delete(counter).where(counter.c.entity == ref))


def _withdraw_notices(tx: Transaction, records: set[str]) -> None:
    """Notices about them that are still to be delivered."""
    asked = sa.select(outbox.c.seq, outbox.c.payload).where(
        outbox.c.kind == NOTIFY, outbox.c.state == WAITING
    )
    late = [seq for seq, payload in tx.rows(asked) if orjson.loads(payload).get("record") in records]
    for start in range(0, len(late), AT_ONCE):
        tx.execute(sa.delete(outbox).where(outbox.c.seq.in_(late[start : start + AT_ONCE])))


def erase_people(tx: Transaction, users: Sequence[str]) -> None:
    """Sign-ins, sessions and roles of people who are gone."""
    for table in OF_PEOPLE:
        for some in in_parts(users):
            tx.execute(sa.delete(table).where(table.c.user.in_(some)))
    for some in in_parts(users):
        tx.execute(sa.delete(notification).where(notification.c.user.in_(some)))


def _erase(tx: Transaction, model: Model, made: EntityTable, ids: Sequence[str]) -> None:
    search.drop(tx, made, ids)
    match_keys.drop(tx, made, ids)
    for record in ids if references.listing_fields(made) else ():
        references.purged(tx, made, record)
    for record in ids if model.catalogue.many_links.get(made.entity.ref) else ():
        joins.forget(tx, model.tables, made, record)
    for some in in_parts(ids):
        for join in made.joins.values():
            tx.execute(sa.delete(join).where(join.c.record.in_(some)))
        for other, link in _links(model, made.entity.ref):
            there = model.tables.entity(other)
            column = there.columns[link][0]
            tx.execute(sa.update(there.table).where(column.in_(some)).values({column.name: None}))
        tx.execute(sa.delete(made.table).where(made.table.c.id.in_(some)))
        for table in (change_log, trace, notification, timer):
            tx.execute(sa.delete(table).where(table.c.record.in_(some)))
        tx.execute(sa.delete(change_log).where(change_log.c.parent.in_(some)))


def _links(model: Model, ref: str) -> Iterator[Link]:
    """(entity, field) of every column that leads here, a line's own parent included."""
    yield from _by_link(model, ref)
    yield from _to_lines(model, ref)


def _by_link(model: Model, ref: str) -> Iterator[Link]:
    return ((other, link.id) for other, link in deletion.links_to(model.catalogue, ref))


def _to_lines(model: Model, ref: str) -> Iterator[Link]:
    entities = model.catalogue.entities
    return ((child, str(entities[child].parent_field)) for child in model.catalogue.children.get(ref, ()))


def _outwards(model: Model, going: Mapping[str, Sequence[str]]) -> list[str]:
    """The entities so that each, as far as there is no ring, comes before those its records lead to."""
    leading: dict[str, set[str]] = {
        ref: {o for o, _ in _links(model, ref)} & going.keys() - {ref} for ref in going
    }
    ordered: list[str] = []
    while leading:
        free = [ref for ref, others in leading.items() if not others & leading.keys()]
        chosen = free or [min(leading, key=lambda ref: (len(leading[ref] & leading.keys()), ref))]
        for ref in sorted(chosen):
            ordered.append(ref)
            del leading[ref]
    return ordered
