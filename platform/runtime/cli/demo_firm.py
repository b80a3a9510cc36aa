"""People of a demo: brought in with their department, manager and, where they sign in, a password."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dacheng.runtime.host import Host
from dacheng.runtime.services import users, write_record
from dacheng.runtime.services.directory import USER
from dacheng.runtime.services.users import NewUser
from dacheng.runtime.services.write_record import Write


@dataclass(frozen=True, slots=True)
class Person:
    """Someone of the firm; `email` and `role` only for those who sign in, `manager` by name."""

    name: str
    title: str
    department: str
    manager: str = ""
    email: str = ""
    role: str = ""
    sells: bool = False


def bring(
    host: Host, person: Person, place: str, known: Mapping[str, str], passwords: Mapping[str, str]
) -> str:
    """Add a person to a department, with a password where they sign in; answers their id."""
    more: dict[str, Any] = {"title_text": person.title, "department": place}
    if person.manager:
        more["manager"] = known[person.manager]
    if not person.email:
        return create(host, USER, {"name": person.name, **more})
    login = NewUser(person.email, person.name, (person.role,), passwords[person.email], tuple(more.items()))
    return users.add_user(host, host.work(), login)


def create(host: Host, ref: str, values: Mapping[str, Any]) -> str:
    """Make one record; answers its id."""
    return write_record.write_now(host.db, host.work(), Write(action="create", entity=ref, values=values)).id
