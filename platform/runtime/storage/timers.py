"""What time will fire: a row for each rule and record, due at a moment, marked in the transaction that moves it.

A mark says "look again": the row is due at once, and whoever looks works out anew when it really is. Each mark turns
the row's number on, and a firing holds only for the number it looked at, so that nothing is fired by what was before,
and nothing twice. A rule of a schedule has one more row, of no record, which is due at its next run; `person` is its expression there,
else the one with whose leave the waiting does not count.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from dacheng.metadata.timing import Watch
from dacheng.runtime.storage.model import Model
from dacheng.runtime.storage.reader import Prepared, Reader, Transaction
from dacheng.runtime.storage.system_tables import integer, metadata, text

LOOK = "look"  # marked: fire at once what is overdue
SETTLE = "settle"  # marked by what brings history: what is overdue already is passed over
WAITING = "waiting"
REST = "rest"
AT_ONCE = 400
timer = sa.Table(
    "_timer",
    metadata,
    text("rule", key=True),
    text("record", key=True),
    text("state"),
    integer("due_at", null=True),
    integer("fired_for", null=True),
    text("person", null=True),
    integer("turn", default=0),
)
sa.Index("_timer_due", timer.c.due_at)
sa.Index("_timer_person", timer.c.person)
_b = sa.bindparam
_SAME = sa.and_(timer.c.rule == _b("a_rule"), timer.c.record == _b("a_record"), timer.c.turn == _b("a_turn"))
_SET = {"state": _b("state"), "due_at": _b("due_at"), "turn": timer.c.turn + 1}
_REST = Prepared(sa.update(timer).where(_SAME).values(**_SET, person=_b("person")))
_FIRED = Prepared(sa.update(timer).where(_SAME).values(**_SET, fired_for=_b("fired_for")))
_T = TypeVar("_T")
_NAMES = ["rule", "record", "state", "due_at"]


@dataclass(frozen=True, slots=True)
class Timer:
    """One row; `fired_for` is the moment (ms) since which it was waited when it last fired."""

    rule: str
    record: str
    state: str
    due_at: int
    fired_for: int | None
    turn: int


@dataclass(frozen=True, slots=True)
class Rest:
    """What a row becomes: due at a moment, or resting (None) until it is marked."""

    timer: Timer
    due_at: int | None
    person: str | None = None


def mark(tx: Transaction, model: Model, watch: Watch, changed: Sequence[str], state: str) -> None:
    """Look again at the rule's records that these changed records bear on."""
    table = model.tables.of(watch.entity)
    for ids in _some(changed):
        if watch.via is None:
            found = sa.select(table.c.id).where(table.c.id.in_(ids))
        elif watch.behind:
            child = _child(model, watch)
            found = sa.select(child.c[watch.via]).where(child.c.id.in_(ids), child.c[watch.via].is_not(None))
        else:
            found = sa.select(table.c.id).where(table.c[watch.via].in_(ids))
        _put(tx, watch.rule, found.distinct(), state, again=True)


def _child(model: Model, watch: Watch) -> sa.Table:
    """The table whose link `via` leads to the rule's entity."""
    entity = model.catalogue.entities[watch.entity]
    return model.tables.of(next(each.child for each in entity.rollups if each.via == watch.via))


def start(tx: Transaction, model: Model, rule: str, entity: str) -> None:
    """Rows for the records that have none yet: a rule begins with what falls due from now on."""
    table = model.tables.of(entity)
    known = sa.exists().where(timer.c.rule == rule, timer.c.record == table.c.id)
    _put(tx, rule, sa.select(table.c.id).where(table.c.deleted_at.is_(None), ~known), SETTLE, again=False)


def set_off(tx: Transaction, rule: str, records: Iterable[str], at: int) -> None:
    """The records that a run of a schedule has found, due now."""
    rows = [{"rule": rule, "record": each, "state": LOOK, "due_at": at} for each in records]
    for some in _some(rows):
        made = _insert(tx).values(some)
        moved = {"state": LOOK, "due_at": at, "turn": timer.c.turn + 1}
        tx.execute(made.on_conflict_do_update(index_elements=["rule", "record"], set_=moved))


def next_run(tx: Transaction, rule: str, at: int, cron: str) -> None:
    """When a schedule runs next, where that is not known for this expression yet."""
    row = {"rule": rule, "record": "", "state": WAITING, "due_at": at, "person": cron}
    made = _insert(tx).values(row)
    later = {"due_at": at, "person": cron, "turn": timer.c.turn + 1}
    other = timer.c.person != cron
    tx.execute(made.on_conflict_do_update(index_elements=["rule", "record"], set_=later, where=other))


def mark_person(tx: Transaction, person: str) -> None:
    """Look again at what waits for a person's working days."""
    again = sa.update(timer).where(timer.c.person == person, timer.c.due_at.is_not(None))
    tx.execute(again.values(state=LOOK, due_at=0, turn=timer.c.turn + 1))


def mark_rules(tx: Transaction, rules: Sequence[str]) -> None:
    """Look again at everything these rules wait for."""
    again = sa.update(timer).where(timer.c.rule.in_(rules), timer.c.due_at.is_not(None), timer.c.record != "")
    tx.execute(again.values(state=LOOK, due_at=0, turn=timer.c.turn + 1))


def due(reader: Reader, now: int, limit: int) -> list[Timer]:
    """What is due, the longest waiting first."""
    found = sa.select(
        timer.c.rule, timer.c.record, timer.c.state, timer.c.due_at, timer.c.fired_for, timer.c.turn
    ).where(timer.c.due_at <= now)
    rows = reader.rows(found.order_by(timer.c.due_at, timer.c.rule, timer.c.record).limit(limit))
    return [Timer(*row) for row in rows]


def rest(tx: Transaction, many: Sequence[Rest]) -> None:
    """Let rows wait or rest, those that nobody marked meanwhile."""
    rows = [
        {**_key(each.timer), "state": REST if each.due_at is None else WAITING, "due_at": each.due_at,
         "person": each.person}
        for each in many
    ]  # fmt: skip
    for row in rows:
        tx.execute(_REST, row)


def fired(tx: Transaction, one: Timer, fired_for: int | None, due_at: int | None = None) -> bool:
    """The row has fired. False: it was marked or fired meanwhile, so undo whatever else this transaction did."""
    state = REST if due_at is None else WAITING
    return tx.execute(_FIRED, {**_key(one), "state": state, "due_at": due_at, "fired_for": fired_for}) == 1


def forget(tx: Transaction, rule: str) -> None:
    """A rule that is there no more waits for nothing."""
    tx.execute(sa.delete(timer).where(timer.c.rule == rule))


def _insert(tx: Transaction) -> sqlite.Insert | postgresql.Insert:
    return sqlite.insert(timer) if tx.dialect == "sqlite" else postgresql.insert(timer)


def _some(many: Sequence[_T]) -> list[list[_T]]:
    return [list(many[start : start + AT_ONCE]) for start in range(0, len(many), AT_ONCE)]


def _key(one: Timer) -> dict[str, str | int]:
    return {"a_rule": one.rule, "a_record": one.record, "a_turn": one.turn}


def _put(tx: Transaction, rule: str, found: sa.Select[tuple[str]], state: str, *, again: bool) -> None:
    column = found.selected_columns[0]
    rows = found.with_only_columns(
        sa.literal(rule, sa.Text()), column, sa.literal(state, sa.Text()), sa.literal(0, sa.BigInteger())
    )
    made = _insert(tx).from_select(_NAMES, rows)
    if again:
        moved = {"state": state, "due_at": 0, "turn": timer.c.turn + 1}
        tx.execute(made.on_conflict_do_update(index_elements=["rule", "record"], set_=moved))
    else:
        tx.execute(made.on_conflict_do_nothing())
