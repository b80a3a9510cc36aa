"""The small firm of the demo: departments, people with managers, and owners for the sample records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any

from dacheng.metadata.problem import Refused
from dacheng.runtime.host import Host
from dacheng.runtime.services import read_records, users, write_record
from dacheng.runtime.services.directory import DEPARTMENT, USER
from dacheng.runtime.services.gate import Query
from dacheng.runtime.services.users import NewUser
from dacheng.runtime.services.write_record import Write
from dacheng.runtime.storage.reader import Reader, Transaction

SHARED = ("sales_management.opportunity", "sales_management.account")


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


DEPARTMENTS = (("总部", ""), ("华东大区", "总部"), ("华南大区", "总部"))
PEOPLE = (
    Person("管理员", "系统管理员", "总部", email="admin@demo.example", role="admin"),
    Person("周敏", "华东大区经理", "华东大区", email="manager@demo.example", role="sales_manager"),
    Person("何建国", "华南大区经理", "华南大区"),
    Person("李娜", "销售代表", "华东大区", "周敏", "rep@demo.example", "sales_rep", sells=True),
    Person("陈晨", "销售代表", "华东大区", "周敏", sells=True),
    Person("王芳", "销售代表", "华南大区", "何建国", sells=True),
    Person("张伟", "销售代表", "华南大区", "何建国", sells=True),
)


def settle(host: Host, passwords: Mapping[str, str]) -> None:
    """Bring in departments and people (with the passwords given for those who sign in), hand out the records."""
    places: dict[str, str] = {}
    for name, parent in DEPARTMENTS:
        values = {"name": name} | ({"parent": places[parent]} if parent else {})
        places[name] = create(host, DEPARTMENT, values)
    known: dict[str, str] = {}
    for person in PEOPLE:
        known[person.name] = bring(host, person, places[person.department], known, passwords)
    sellers = [known[person.name] for person in PEOPLE if person.sells]
    for ref in SHARED:
        _hand_out(host, ref, sellers)


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


def _hand_out(host: Host, ref: str, sellers: Sequence[str]) -> None:
    """Every record of the entity gets an owner, in turn; their department follows."""
    work = host.work()

    def ids(reader: Reader) -> list[str]:
        return [str(one) for one in read_records.list_page(reader, work, Query(ref, ("id",), limit=500)).ids]

    turns = zip(host.db.read_now(ids), cycle(sellers), strict=False)
    writes = [Write("update", ref, id=one, values={"owner": owner}, rules=False) for one, owner in turns]

    def plan(reader: Reader) -> list[write_record.Prepared | Refused]:
        return write_record.prepare_many(reader, work, writes)

    prepared = host.db.read_now(plan)
    refused = [each for each in prepared if isinstance(each, Refused)]
    if refused:
        raise refused[0]
    ready = [each for each in prepared if isinstance(each, write_record.Prepared)]

    def keep(tx: Transaction) -> None:
        write_record.commit_many(tx, work, ready)

    host.db.write_now(keep)
