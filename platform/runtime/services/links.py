"""Links are written only to records that exist and that the writer may see; and small helpers on values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from dacheng.metadata.definition import Field
from dacheng.metadata.field_kinds.money import Money
from dacheng.metadata.kinds import Json
from dacheng.metadata.problem import Problem, problem
from dacheng.plugins.context import ShareLink
from dacheng.runtime.services.records_at_hand import AtHand
from dacheng.runtime.services.work import Work


def check(
    at_hand: AtHand,
    work: Work,
    fields: Mapping[str, Field],
    values: Mapping[str, Any],
    before: Mapping[str, Any],
    pointer: str = "",
) -> list[Problem]:
    """`record.link_missing` for each link set to a record that is not there or not for this actor to see."""
    problems = []
    for name, target in fields.items():
        value = values.get(name)
        if value is None or value == before.get(name):
            continue
        if target.system and _own(work, name, value):
            continue
        known = ids_of(target, before.get(name)) if target.is_links else ()
        added = [each for each in ids_of(target, value) if each not in known]
        if not all(at_hand.sees(work, target.to or "", each) for each in added):
            problems.append(problem("record.link_missing", f"{pointer}/{name}"))
    return problems


def ids_of(link: Field, value: Any) -> Sequence[str]:
    """The ids that the typed value of a link, or of a field of links, holds."""
    if value is None:
        return ()
    return tuple(value) if link.is_links else (value,)


def held_by(link: Field, record_id: str) -> Json:
    """The condition that a link, or a field of links, leads to this record."""
    if link.is_links:
        return {"in": [record_id, {"var": link.id}]}
    return {"==": [{"var": link.id}, record_id]}


def seen(at_hand: AtHand, work: Work, link: Field, value: Any) -> Any:
    """The typed value as far as the actor may see what it leads to."""
    held = ids_of(link, value)
    visible = at_hand.visible(work, link.to or "", held) if held else set()
    if len(visible) == len(held):
        return value
    return tuple(each for each in held if each in visible) or None if link.is_links else None


def keep_unseen(
    at_hand: AtHand,
    work: Work,
    fields: Mapping[str, Field],
    values: dict[str, Any],
    before: Mapping[str, Any],
) -> None:
    """A link to a record the actor may not see was shown to them as empty, so sending it empty keeps it.

    Of a field of links they were shown the rest, so what they send replaces that alone.
    """
    for name in [each for each in values if each in fields]:
        held = before.get(name)
        if held is None or (values[name] is not None and not fields[name].is_links):
            continue
        shown = seen(at_hand, work, fields[name], held)
        if shown == held:
            continue
        if fields[name].is_link or values[name] == shown:
            del values[name]
        else:
            values[name] = _with_unseen(values[name] or (), held, frozenset(shown or ()))


def _with_unseen(sent: Sequence[str], held: Sequence[str], shown: frozenset[str]) -> tuple[str, ...]:
    """What was sent, and between it, where they stood, those that were not shown."""
    found = [each for each in sent if each in shown or each not in held]
    for place, each in enumerate(held):
        if each not in shown:
            found.insert(place, each)
    return tuple(found)


def _own(work: Work, name: str, value: object) -> bool:
    """The owner set to oneself, and the department that follows from it, need no right to read people."""
    actor = work.context.actor
    mine = actor.owner if isinstance(actor, ShareLink) else actor.id
    return name == "department" or (name == "owner" and value == mine)


def raw(target: Field, value: Any) -> Json:
    """A value computed by an expression, as the JSON its field reads."""
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    return plain(value) if isinstance(value, Decimal | date) else value


def plain(value: Any) -> str:
    """A decimal, a date or a moment as text."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else str(value)


def figure(aggregate: str, values: Sequence[Any], nothing: Any) -> Any:
    """`count`, `sum`, `min` or `max` over typed values, `nothing` over none; money of mixed currencies gives missing."""
    if aggregate == "count":
        return len(values)
    present = [value for value in values if value is not None]
    if not present:
        return nothing
    if isinstance(present[0], Money):
        if len({value.currency for value in present}) > 1:
            return None
        return Money(_reduce(aggregate, [value.amount for value in present]), present[0].currency)
    return _reduce(aggregate, present)


def _reduce(aggregate: str, values: Sequence[Any]) -> Any:
    if aggregate == "sum":
        return sum(values)
    return min(values) if aggregate == "min" else max(values)
