"""The card of people working on a record: who they are, and for who may change it the form that adds one."""

from __future__ import annotations

from dataclasses import dataclass

from dacheng.metadata.system_fields import CORE
from dacheng.runtime.services import collaborators
from dacheng.runtime.services.read_records import RecordView
from dacheng.runtime.services.work import Work
from dacheng.runtime.storage.reader import Reader


@dataclass(frozen=True, slots=True)
class MemberShown:
    """One person; `own` where it is the reader, who may leave."""

    user: str
    name: str
    right: str
    own: bool


@dataclass(frozen=True, slots=True)
class Team:
    """Everybody on the record; `people` are those who can be added, `action` is empty for who may not."""

    members: tuple[MemberShown, ...]
    people: tuple[tuple[str, str], ...]
    action: str
    address: str


def team_of(reader: Reader, work: Work, record: RecordView, address: str) -> Team | None:
    """The card; None where nobody is on the record and the reader may add nobody."""
    ref = record.policy.entity.ref
    if ref.startswith(f"{CORE}."):
        return None
    found = collaborators.read(reader, work, ref, record.id)
    may = "update" in record.may
    if not found and not may:
        return None
    held = {each.user for each in found}
    people = collaborators.candidates(reader, work, ref) if may else []
    return Team(
        tuple(
            MemberShown(each.user, each.name, each.right, each.user == work.context.actor.id)
            for each in found
        ),
        tuple((each, name) for each, name in people if each not in held),
        f"{address}/collaborators" if may else "",
        f"{address}/collaborators",
    )
