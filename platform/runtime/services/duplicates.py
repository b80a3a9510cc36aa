"""Whether a record is there already: found by what counts of its values, told no further than a match discloses.

A match looks at all records, also at those the asker may not see; of these only the fields that the match
discloses are told, never the id or the name. A key over a field that the asker may not read is not asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from dacheng.metadata.definition import Field, Match
from dacheng.metadata.matching import compared
from dacheng.metadata.problem import Problem, Refused, problem
from dacheng.plugins.context import User
from dacheng.runtime.services.records_at_hand import AtHand
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage import match_keys
from dacheng.runtime.storage.reader import Reader

SHOWN = 5
USER = "core.user"


@dataclass(frozen=True, slots=True)
class Guard:
    """What must still be new when a save is carried out: a match's values by key, and the record's own id."""

    match: Match
    values: Mapping[str, str]
    record: str


@dataclass(frozen=True, slots=True)
class Disclosed:
    """One field told of a record that may not be seen."""

    field: Field
    text: str


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A record that is the same: `id` and `title` where the asker may see it, else what is `disclosed`.

    `protected_until` is the last day on which nobody else may make it again; None where it is not protected.
    `keeps_out` where that holds against the asker. `taken` are unique fields whose very value it has: no save passes it.
    """

    match: Match
    fields: tuple[str, ...]
    id: str
    title: str
    disclosed: tuple[Disclosed, ...]
    protected_until: date | None
    keeps_out: bool = False
    taken: tuple[str, ...] = ()

    def said(self) -> str:
        """The record in a few words: its name, or what is told of it."""
        return self.title or " · ".join(each.text for each in self.disclosed if each.text) or "…"


def find(
    reader: Reader, work: Work, ref: str, values: Mapping[str, Any], but: str = ""
) -> tuple[Duplicate, ...]:
    """The living records that are the same as one with these typed values, at most five: first those that
    have a unique value of them, then visible ones.

    `but` is the record's own id. Raises `query.unknown_entity` for an entity the asker may not see.
    """
    policy = work.entity(ref)
    at_hand = AtHand(reader, work.model)
    found: dict[str, tuple[Match, list[str]]] = {}
    for match in work.model.catalogue.matches.get(ref, ()):
        asked = keys_of(
            match, {n: v for n, v in values.items() if n in policy.readable}, policy.entity.fields
        )
        fields = {key.id: key.field for key in match.keys}
        for key, record in match_keys.find(reader, match, asked):
            if record != but:
                found.setdefault(record, (match, []))[1].append(fields[key])
    at_hand.load(ref, found)
    alive = [each for each in found if at_hand.lookup(ref, each) is not None]
    seen = at_hand.visible(work, ref, alive)
    unique = {n: v for n, v in values.items() if n in policy.readable and policy.readable[n].unique}
    taken = {each: _same(unique, at_hand.lookup(ref, each) or {}) for each in alive}
    order = sorted(alive, key=lambda each: (not taken[each], each not in seen, each))[:SHOWN]
    told = (_told(work, at_hand, ref, each, *found[each], seen=each in seen) for each in order)
    return tuple(replace(one, taken=taken[each]) for each, one in zip(order, told, strict=True))


def _same(values: Mapping[str, Any], held: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(n for n, value in values.items() if value not in (None, "") and held.get(n) == value)


def keys_of(match: Match, values: Mapping[str, Any], fields: Mapping[str, Field]) -> dict[str, str]:
    """What counts of a record's values, by key; keys whose field is empty or says nothing are left out."""
    found = {}
    for key in match.keys:
        value = values.get(key.field)
        text = "" if value is None else compared(key.compare, fields[key.field].codec.text(value))
        if text:
            found[key.id] = text
    return found


def protected(
    reader: Reader, work: Work, ref: str, values: Mapping[str, Any]
) -> list[tuple[Match, str, date]]:
    """The records that keep the asker from making one with these values, with the last day on which they do."""
    policy, at_hand = work.entity(ref), AtHand(reader, work.model)
    own = {name: value for name, value in values.items() if name in policy.readable}
    found: dict[str, tuple[Match, str, date]] = {}
    for match in work.model.catalogue.matches.get(ref, ()):
        if not match.protection_days or arbitrates(work, match):
            continue
        asked = keys_of(match, own, policy.entity.fields)
        hits = [record for _, record in match_keys.find(reader, match, asked)]
        at_hand.load(ref, hits)
        for record in hits:
            held = at_hand.lookup(ref, record)
            until = protected_until(work, match, held) if held is not None else None
            if held is not None and until is not None and held.get("owner") != work.context.actor.id:
                found.setdefault(record, (match, record, until))
    return list(found.values())


def guards(
    reader: Reader, work: Work, ref: str, record_id: str, values: Mapping[str, Any], changed: Iterable[str]
) -> tuple[tuple[Guard, ...], list[Problem]]:
    """What must be new for this save, and the problems where it is not; nothing for the product itself."""
    matches = [m for m in work.model.catalogue.matches.get(ref, ()) if m.refuses or m.protection_days]
    if not matches or not isinstance(work.context.actor, User):
        return (), []
    touched = frozenset(changed)
    fields = work.model.catalogue.entities[ref].fields
    kept: list[Guard] = []
    for match in matches:
        names = {key.id: key.field for key in match.keys}
        asked = {k: v for k, v in keys_of(match, values, fields).items() if names[k] in touched}
        if asked:
            kept.append(Guard(match, asked, record_id))
    return tuple(kept), _in_the_way(reader, work, kept)


def demand_new(reader: Reader, work: Work, kept: Sequence[Guard]) -> None:
    """Refuse when meanwhile somebody made what was new; called while the write lock is held."""
    problems = _in_the_way(reader, work, kept)
    if problems:
        raise Refused(problems)


def _in_the_way(reader: Reader, work: Work, kept: Sequence[Guard]) -> list[Problem]:
    problems: list[Problem] = []
    for guard in kept:
        hits = match_keys.find(reader, guard.match, guard.values)
        ids = [record for _, record in hits if record != guard.record]
        if not ids:
            continue
        ref, at_hand = guard.match.entity, AtHand(reader, work.model)
        at_hand.load(ref, ids)
        names = {key.id: key.field for key in guard.match.keys}
        for key, record in hits:
            held = at_hand.lookup(ref, record) if record != guard.record else None
            if held is not None:
                problems += _problem_of(work, at_hand, guard.match, record, held, names[key])
                break
    return problems


def _problem_of(
    work: Work, at_hand: AtHand, match: Match, record: str, held: Mapping[str, Any], field: str
) -> list[Problem]:
    seen = record in at_hand.visible(work, match.entity, [record])
    told = _told(work, at_hand, match.entity, record, match, [field], seen=seen)
    until = told.protected_until
    if until is not None and told.keeps_out:
        return [problem("match.protected", f"/{field}", found=told.said(), until=until.isoformat())]
    return [problem("match.duplicate", f"/{field}", found=told.said())] if match.refuses else []


def arbitrates(work: Work, match: Match) -> bool:
    """Whether the asker is one of those who decide such conflicts: for them nothing is protected."""
    actor = work.context.actor
    return isinstance(actor, User) and not actor.roles.isdisjoint(match.arbiters)


def protected_until(work: Work, match: Match, held: Mapping[str, Any]) -> date | None:
    """The last day of a record's protection; None when it has none, or no longer."""
    made = held.get("created_at")
    if not match.protection_days or not isinstance(made, datetime):
        return None
    zone = work.context.zone
    last = made.astimezone(zone).date() + timedelta(days=match.protection_days)
    return last if last >= work.context.now.astimezone(zone).date() else None


def _told(
    work: Work, at_hand: AtHand, ref: str, record: str, match: Match, fields: Sequence[str], *, seen: bool
) -> Duplicate:
    held = at_hand.lookup(ref, record) or {}
    entity = work.model.catalogue.entities[ref]
    until = protected_until(work, match, held)
    others = held.get("owner") != work.context.actor.id and not arbitrates(work, match)
    keeps_out = until is not None and others
    if not seen:
        disclosed = tuple(
            Disclosed(entity.fields[name], _text(work, at_hand, entity.fields[name], held.get(name)))
            for name in match.discloses
        )
        return Duplicate(match, tuple(fields), "", "", disclosed, until, keeps_out)
    policy = work.entity(ref)
    title = policy.title
    text = "" if title is None else title.codec.text(held.get(title.id))
    return Duplicate(match, tuple(fields), record, text, (), until, keeps_out)


def _text(work: Work, at_hand: AtHand, field: Field, value: Any) -> str:
    """A disclosed value in words: an option's label, a linked record's title, else the value."""
    if value is None:
        return ""
    if field.is_link:
        target = work.model.catalogue.entities[field.to or ""]
        held = at_hand.lookup(target.ref, value) or {}
        title = target.fields[target.title]
        return title.codec.text(held.get(title.id))
    if field.options and not field.is_listed:
        return work.model.labels.option(work.context.locale, field, str(value))
    if isinstance(value, datetime):
        return value.astimezone(work.context.zone).date().isoformat()
    return field.codec.text(value)
