"""Where somebody stands decides what they may see: nobody gives, by a record of a person or department, what they lack.

Row rules look at a person's department and manager, and at whatever else roles name (`standing_fields`); a status lets
people in. So these fields are rights, and follow the rule for rights: nothing of the kind for oneself, and for others
no more than one's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dacheng.metadata.problem import Refused, problem, refuse
from dacheng.plugins.context import User
from dacheng.runtime.services.directory import DEPARTMENT, USER
from dacheng.runtime.services.records_at_hand import AtHand
from dacheng.runtime.services.standing_fields import STANDING
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage import accounts
from dacheng.runtime.storage.reader import Reader

PLACE, MANAGER, STATUS, ADDRESS, ABOVE = "department", "manager", "status", "email", "parent"
RIGHTS = (PLACE, MANAGER, STATUS)
JUDGED = frozenset({*RIGHTS, ADDRESS, ABOVE})  # by rules of their own, below


def demand_own_to_give(
    at_hand: AtHand,
    work: Work,
    ref: str,
    record_id: str,
    before: Mapping[str, Any] | None,
    changed: Mapping[str, Any],
) -> None:
    """Refuse a create (`before` None) or update by which a person would come by rights the asker does not hold.

    Automation acts within what an administrator granted its app, so it is not asked.
    """
    actor = work.context.actor
    if ref not in STANDING or not isinstance(actor, User) or work.policy.admin:
        return
    more = sorted(work.policy.standing[ref] - JUDGED)
    if record_id == actor.id:
        touched = [name for name in (*RIGHTS, *more) if name in changed]
        if touched:
            raise Refused([problem("account.own_standing", f"/{name}") for name in touched])
        return
    wrong = [name for name in more if not _as_ones_own(at_hand, actor, ref, name, before, changed)]
    if ref == DEPARTMENT:
        wrong += (
            [ABOVE] if before is not None and ABOVE in changed and record_id not in actor.departments else []
        )
    else:
        wrong += _beyond(at_hand.reader, actor, before, changed)
    if wrong:
        raise Refused([problem("account.grant_beyond_own", f"/{name}") for name in wrong])


def _as_ones_own(
    at_hand: AtHand,
    actor: User,
    ref: str,
    name: str,
    before: Mapping[str, Any] | None,
    changed: Mapping[str, Any],
) -> bool:
    """Whether a field that roles look at stays as it is, or in a new record is what the asker's own holds.

    Somebody new may go without; a new department may not, since people and their records move there with one edit.
    """
    if before is not None:
        return name not in changed
    given = changed.get(name)
    if ref == USER and given in (None, ""):
        return True
    own = at_hand.lookup(ref, (actor.id if ref == USER else actor.department) or "") or {}
    return bool(given == own.get(name))


def _beyond(
    reader: Reader, actor: User, before: Mapping[str, Any] | None, changed: Mapping[str, Any]
) -> list[str]:
    """Department, manager, status and address of another person, where they are not the asker's to give."""
    touched = [name for name in RIGHTS if name in changed]
    wrong = [name for name in touched if not _own_to_give(reader, actor, name, before, changed[name])]
    theirs = [name for name in (PLACE, STATUS, ADDRESS) if name in changed and name not in wrong]
    if before is not None and theirs and not _within(reader, actor, before):
        wrong += theirs
    return wrong


def demand_over(reader: Reader, work: Work, ref: str, record: Mapping[str, Any], action: str) -> None:
    """Refuse to delete or restore a person with more rights than the asker's, or to bring back a department.

    A department that comes back opens its records to everybody above it, so that is for administrators.
    """
    actor = work.context.actor
    if ref not in STANDING or not isinstance(actor, User) or work.policy.admin:
        return
    if ref == DEPARTMENT:
        if action == "restore":
            raise refuse("account.grant_beyond_own")
    elif record["id"] == actor.id:
        raise refuse("account.own_standing")
    elif not _within(reader, actor, record):
        raise refuse("account.grant_beyond_own")


def _own_to_give(
    reader: Reader, actor: User, name: str, before: Mapping[str, Any] | None, after: Any
) -> bool:
    """Whether what this value gives is the asker's own.

    A department opens its records to the person, and the person's records to it; a manager sees what their people
    see. Somebody new has no records yet, so anybody may be their manager.
    """
    if name == PLACE:
        places = [after] if before is None else [before.get(PLACE), after]
        return all(each in actor.departments for each in places) or (before is None and after is None)
    if name == MANAGER and before is not None:
        return before.get(MANAGER) == actor.id and (after is None or _roles_within(reader, actor, after))
    return True


def _within(reader: Reader, actor: User, person: Mapping[str, Any]) -> bool:
    """Whether the asker holds every role of that person, and their department."""
    place = person.get(PLACE)
    return (place is None or place in actor.departments) and _roles_within(reader, actor, person["id"])


def _roles_within(reader: Reader, actor: User, person: str) -> bool:
    return set(accounts.roles_of(reader, person)) <= actor.roles
