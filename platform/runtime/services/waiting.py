"""What waits for a person: their own open records that lack what their stage asks for, or whose date has passed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dacheng.metadata.definition import Field, State
from dacheng.metadata.expression import DATE
from dacheng.runtime.services import read_records
from dacheng.runtime.services.gate import Query
from dacheng.runtime.services.policy import EntityPolicy
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.reader import Reader

FEW = 6
COUNTED = 100
OPEN = "open"


@dataclass(frozen=True, slots=True)
class Waiting:
    """One record: what it lacks in its state, and which of its dates has passed (`overdue`, with the day)."""

    id: str
    title: str
    state: str
    missing: tuple[Field, ...]
    overdue: tuple[tuple[Field, str], ...]


@dataclass(frozen=True, slots=True)
class Pile:
    """One entity's waiting records, the first few, and how many there are (counting stops at `COUNTED` a state)."""

    policy: EntityPolicy
    items: tuple[Waiting, ...]
    count: int


def read(reader: Reader, work: Work) -> list[Pile]:
    """Everything that waits for the asker, by entity; key fields they may not read ask for nothing."""
    found = [_pile(reader, work, policy) for policy in work.policy.entities.values()]
    return [each for each in found if each is not None and each.count]


def _pile(reader: Reader, work: Work, policy: EntityPolicy) -> Pile | None:
    flow = work.model.catalogue.workflows.get(policy.entity.ref)
    if flow is None or "owner" not in policy.readable or flow.field not in policy.readable:
        return None
    items: list[Waiting] = []
    count = 0
    for state in flow.states:
        keys = _keys(policy, state) if state.kind == OPEN else ()
        if not keys:
            continue
        asked = _question(work, policy, flow.field, state, keys)
        here = read_records.count(reader, work, asked, COUNTED)
        count += here
        if here and len(items) < FEW:
            items += _items(reader, work, policy, asked, state, keys)
    return Pile(policy, tuple(items[:FEW]), count)


def _keys(policy: EntityPolicy, state: State) -> tuple[Field, ...]:
    found = (policy.readable.get(name) for name in state.key_fields)
    return tuple(each for each in found if each is not None and each.codec.columns)


def _question(work: Work, policy: EntityPolicy, field: str, state: State, keys: tuple[Field, ...]) -> Query:
    reasons: list[dict[str, Any]] = [{"!": [{"is_set": [{"var": each.id}]}]} for each in keys]
    reasons += [{"<": [{"var": each.id}, {"today": []}]} for each in keys if each.codec.type == DATE]
    mine = {"==": [{"var": "owner"}, work.context.actor.id]}
    there = {"==": [{"var": field}, state.id]}
    title = policy.title
    titled = (title.id,) if title is not None and title.codec.columns else ()
    names = tuple(dict.fromkeys((*titled, *(each.id for each in keys))))
    return Query(policy.entity.ref, names, {"and": [mine, there, {"or": reasons}]}, limit=FEW)


def _items(
    reader: Reader, work: Work, policy: EntityPolicy, asked: Query, state: State, keys: tuple[Field, ...]
) -> Iterator[Waiting]:
    page, today = read_records.list_page(reader, work, asked), work.context.today.isoformat()
    for ident, row in zip(page.ids, page.json(), strict=True):
        yield Waiting(
            ident,
            str(row.get(policy.entity.title) or ""),
            state.id,
            tuple(each for each in keys if row[each.id] in (None, "")),
            tuple(_overdue(keys, row, today)),
        )


def _overdue(keys: tuple[Field, ...], row: Mapping[str, Any], today: str) -> Iterator[tuple[Field, str]]:
    for each in keys:
        held = row[each.id]
        if each.codec.type == DATE and isinstance(held, str) and held < today:
            yield each, held
