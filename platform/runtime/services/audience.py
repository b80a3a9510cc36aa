"""Who else may see a record: asked of the very policy and row rules that would answer them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dacheng.plugins.context import User
from dacheng.runtime.services import read_records
from dacheng.runtime.services.directory import USER, Directory
from dacheng.runtime.services.policy import compile_policy
from dacheng.runtime.services.records_at_hand import AtHand
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.reader import Reader

LOOKED_AT = 200  # people asked about, at most, to find a few


def people(reader: Reader, work: Work, users: Sequence[str]) -> dict[str, User]:
    """Those who are there and not suspended, as the actors they would be."""
    directory = Directory().at(reader, work.model, work.model.versions)
    found = {each: directory.person(reader, work.model, each) for each in dict.fromkeys(users)}
    return {each: person.user for each, person in found.items() if person is not None}


def as_person(work: Work, user: User) -> Work:
    """The same call as that person would make it."""
    return replace(
        work, context=work.context.acting_as(user), policy=compile_policy(work.model.catalogue, user)
    )


def seers(reader: Reader, work: Work, ref: str, record_id: str, users: Sequence[str]) -> list[str]:
    """Those of these people who may see the record, in the order given."""
    at_hand = AtHand(reader, work.model)
    found = people(reader, work, users)
    return [each for each, user in found.items() if at_hand.sees(as_person(work, user), ref, record_id)]


def offered(
    reader: Reader, work: Work, ref: str, record_id: str, text: str, limit: int = 8
) -> list[tuple[str, str]]:
    """(id, name) of people whom the asker may know and who may see the record, narrowed by `text`."""
    if work.policy.entity(USER) is None:
        return []
    known = dict(read_records.pick_list(reader, work, USER, text, LOOKED_AT))
    known.pop(work.context.actor.id, None)
    found: list[tuple[str, str]] = []
    names = list(known)
    for start in range(0, len(names), limit):
        some = seers(reader, work, ref, record_id, names[start : start + limit])
        found.extend((each, known[each]) for each in some)
        if len(found) >= limit:
            break
    return found[:limit]
