"""What waits for a person: their own open records that lack what their stage asks for, or whose date has passed.

For who is over others also their people's records whose date has passed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dacheng.metadata.definition import Field, State
from dacheng.metadata.expression import DATE
from dacheng.plugins.context import User
from dacheng.runtime.services import read_records
from dacheng.runtime.services.directory import USER
from dacheng.runtime.services.gate import Query
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.reader import Reader

FEW = 6
COUNTED = 100
OPEN = "open"
MOST_PEOPLE = 200


@dataclass(frozen=True, slots=True)
class Waiting:
    """One record: what it lacks in its state, and which of its dates has passed (`overdue`, with the day).

    `owner` is the name of whose it is, where that is somebody else.
    """

    id: str
    title: str
    state: str
    missing: tuple[Field, ...]
    overdue: tuple[tuple[Field, str], ...]
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Pile:
    """One entity's waiting records, the first few, and how many there are (counting stops at `COUNTED` a state)."""

    policy: EntityPolicy
    items: tuple[Waiting, ...]
    count: int


@dataclass(frozen=True, slots=True)
class _Asked:
    """Whose records are asked about, and whether only dates that have passed count."""

    owners: tuple[str, ...]
    late: bool


def read(reader: Reader, work: Work) -> list[Pile]:
    """Everything that waits for the asker, by entity; key fields they may not read ask for nothing."""
    return _piles(reader, work, _Asked((work.context.actor.id,), late=False))


def team(reader: Reader, work: Work) -> list[Pile]:
    """What is late with the asker's people, by entity; nothing for who is over nobody."""
    people = _people(reader, work)
    return _piles(reader, work, _Asked(people, late=True)) if people else []


def _people(reader: Reader, work: Work) -> tuple[str, ...]:
    """Those whose manager the asker is, and those of the departments below theirs."""
    actor, policy = work.context.actor, work.policy.entity(USER)
    if not isinstance(actor, User) or policy is None:
        return ()
    below = [each for each in actor.departments if each != actor.department]
    parts: list[dict[str, Any]] = []
    if "manager" in policy.readable:
        parts.append({"==": [{"var": "manager"}, actor.id]})
    if below and "department" in policy.readable:
        parts.append({"in": [{"var": "department"}, below]})
    if not parts:
        return ()
    page = read_records.list_page(reader, work, Query(USER, ("id",), {"or": parts}, limit=MOST_PEOPLE))
    return tuple(each for each in page.ids if each != actor.id)


def _piles(reader: Reader, work: Work, asked: _Asked) -> list[Pile]:
    found = [_pile(reader, work, policy, asked) for policy in work.policy.entities.values()]
    return [each for each in found if each is not None and each.count]


def _pile(reader: Reader, work: Work, policy: EntityPolicy, about: _Asked) -> Pile | None:
    flow = work.model.catalogue.workflows.get(policy.entity.ref)
    if flow is None or "owner" not in policy.readable or flow.field not in policy.readable:
        return None
    items: list[Waiting] = []
    count = 0
    for state in flow.states:
        keys = _keys(policy, state, about) if state.kind == OPEN else ()
        if not keys:
            continue
        asked = _question(policy, flow.field, state, keys, about)
        here = read_records.count(reader, work, asked, COUNTED)
        count += here
        if here and len(items) < FEW:
            items += _items(reader, work, policy, asked, state, keys)
    return Pile(policy, tuple(items[:FEW]), count)


def _keys(policy: EntityPolicy, state: State, about: _Asked) -> tuple[Field, ...]:
    found = (policy.readable.get(name) for name in state.key_fields)
    known = (each for each in found if each is not None and each.codec.columns)
    return tuple(each for each in known if not about.late or each.codec.type == DATE)


def _question(
    policy: EntityPolicy, field: str, state: State, keys: tuple[Field, ...], about: _Asked
) -> Query:
    reasons: list[dict[str, Any]] = []
    if not about.late:
        reasons += [{"!": [{"is_set": [{"var": each.id}]}]} for each in keys]
    reasons += [{"<": [{"var": each.id}, {"today": []}]} for each in keys if each.codec.type == DATE]
    owned = [{"var": "owner"}, about.owners[0] if len(about.owners) == 1 else list(about.owners)]
    theirs = {"==" if len(about.owners) == 1 else "in": owned}
    there = {"==": [{"var": field}, state.id]}
    title = policy.title
    titled = (title.id,) if title is not None and title.codec.columns else ()
    names = tuple(dict.fromkeys((*titled, "owner", *(each.id for each in keys))))
    return Query(policy.entity.ref, names, {"and": [theirs, there, {"or": reasons}]}, limit=FEW)


def _items(
    reader: Reader, work: Work, policy: EntityPolicy, asked: Query, state: State, keys: tuple[Field, ...]
) -> Iterator[Waiting]:
    page, today = read_records.list_page(reader, work, asked), work.context.today.isoformat()
    rows, me = page.json(), work.context.actor.id
    others = {str(row["owner"]) for row in rows if row["owner"] not in (None, me)}
    names = read_records.titles(reader, work, USER, sorted(others)) if others else {}
    for ident, row in zip(page.ids, rows, strict=True):
        yield Waiting(
            ident,
            str(row.get(policy.entity.title) or ""),
            state.id,
            tuple(each for each in keys if row[each.id] in (None, "")),
            tuple(_overdue(keys, row, today)),
            names.get(str(row["owner"]), ""),
        )


def _overdue(keys: tuple[Field, ...], row: Mapping[str, Any], today: str) -> Iterator[tuple[Field, str]]:
    for each in keys:
        held = row[each.id]
        if each.codec.type == DATE and isinstance(held, str) and held < today:
            yield each, held
