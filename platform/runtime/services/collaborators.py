"""People who work on a record besides its owner: added and taken off by who may change it, never with more than that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dacheng.metadata.problem import refuse
from dacheng.metadata.system_fields import CORE
from dacheng.plugins.context import User
from dacheng.runtime.services import audience, comments, notices, read_records
from dacheng.runtime.services.directory import USER
from dacheng.runtime.services.notices import Notice
from dacheng.runtime.services.records_at_hand import AtHand
from dacheng.runtime.services.save_plan import stamp_of
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage import change_log, collaborators, versions
from dacheng.runtime.storage.change_log import Entry
from dacheng.runtime.storage.collaborators import READ, WRITE, CollaboratorRow
from dacheng.runtime.storage.reader import Reader, Transaction

RIGHTS = (READ, WRITE)
MOST = 50
LOGGED_AS = "_collaborator"


@dataclass(frozen=True, slots=True)
class Collaborator:
    """One person on the record, by name; `right` is read or write."""

    user: str
    name: str
    right: str


def read(reader: Reader, work: Work, ref: str, record_id: str) -> list[Collaborator]:
    """The people working on a record that may be seen, as far as the asker may know them."""
    comments.demand_visible(reader, work, ref, record_id)
    rows = collaborators.of_record(reader, ref, record_id)
    names = read_records.titles(reader, work, USER, [row.user for row in rows])
    return [Collaborator(row.user, names[row.user], row.right) for row in rows if row.user in names]


def candidates(reader: Reader, work: Work, ref: str) -> list[tuple[str, str]]:
    """(id, name) of people the asker may know and whose roles open this entity at all."""
    known = dict(read_records.pick_list(reader, work, USER, "", audience.LOOKED_AT))
    fit = _fitting(reader, work, ref, list(known))
    return [(each, name) for each, name in known.items() if each in fit and each != work.context.actor.id]


def give(tx: Transaction, work: Work, ref: str, record_id: str, user: str, right: str) -> None:
    """Let somebody read the record, or change it too; only by who may change it themselves."""
    versions.demand(tx, work.model.versions)
    _demand_may(tx, work, ref, record_id)
    if right not in RIGHTS:
        raise refuse("collaborator.unknown_right", "/right")
    known = read_records.visible(tx, work, USER, [user])
    if user not in known or user not in _fitting(tx, work, ref, [user]):
        raise refuse("collaborator.unknown_person", "/user")
    rows = collaborators.of_record(tx, ref, record_id)
    held = next((row.right for row in rows if row.user == user), None)
    if held == right:
        return
    if held is None and len(rows) >= MOST:
        raise refuse("collaborator.too_many", "/user", limit=MOST)
    stamp = stamp_of(work)
    collaborators.put(tx, ref, record_id, CollaboratorRow(user, right, stamp.actor_id, stamp.now_ms))
    _log(tx, work, record_id, user, held, right)
    if held is None and user != stamp.actor_id:
        key = f"shared:{record_id}:{user}:{stamp.now_ms}"
        notices.put(tx, Notice("shared", ref, record_id, stamp.actor_id), [user], key, stamp.now_ms)


def take(tx: Transaction, work: Work, ref: str, record_id: str, user: str) -> None:
    """Take somebody off the record; who works on it may also leave by themselves."""
    versions.demand(tx, work.model.versions)
    comments.demand_visible(tx, work, ref, record_id)
    if user != work.context.actor.id:
        _demand_may(tx, work, ref, record_id)
    rows = collaborators.of_record(tx, ref, record_id)
    held = next((row.right for row in rows if row.user == user), None)
    if held is None:
        raise refuse("collaborator.unknown_person", "/user")
    collaborators.remove(tx, ref, record_id, user)
    _log(tx, work, record_id, user, held, None)


def _demand_may(reader: Reader, work: Work, ref: str, record_id: str) -> None:
    comments.demand_visible(reader, work, ref, record_id)
    if ref.startswith(f"{CORE}.") or not isinstance(work.context.actor, User):
        raise refuse("access.not_permitted")
    at_hand = AtHand(reader, work.model)
    values = at_hand.lookup(ref, record_id) or {}
    if not at_hand.allows(work, ref, "update", at_hand.subject(work, ref, record_id, values, values)):
        raise refuse("access.not_permitted")


def _fitting(reader: Reader, work: Work, ref: str, users: Sequence[str]) -> set[str]:
    """Those to whom the record can be given: their roles open its entity (a record never does), and show and
    let change no field of it that the asker does not hold, so that nobody gives what they lack."""
    found = audience.people(reader, work, users)
    return {each for each, user in found.items() if _within(work, audience.as_person(work, user), ref)}


def _within(work: Work, theirs: Work, ref: str) -> bool:
    if theirs.policy.entity(ref) is None:
        return False
    for each in (ref, *work.model.catalogue.children.get(ref, ())):
        other, own = theirs.policy.entity(each), work.policy.entity(each)
        if other is None:
            continue
        if own is None or other.readable.keys() - own.readable.keys() or other.writable - own.writable:
            return False
    return True


def _log(tx: Transaction, work: Work, record_id: str, user: str, held: str | None, right: str | None) -> None:
    """Into the change log, and everybody's rights are looked at anew."""
    action = "delete" if right is None else "create" if held is None else "update"
    entry = Entry(LOGGED_AS, user, action, {"right": [held, right]}, record_id)
    change_log.append(tx, [entry], stamp_of(work))
    versions.bump(tx, "directory")
