"""A chain of two stores for tests of Store Sales: departments, people with roles, goods, an open trading day each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dacheng.plugins.context import User
from dacheng.runtime.host import Host
from dacheng.runtime.services import install_app, marketplace, read_records, write_record
from dacheng.runtime.services.directory import DEPARTMENT, USER
from dacheng.runtime.services.gate import Query
from dacheng.runtime.services.work import Work
from dacheng.runtime.services.write_record import Write

APP = "store_sales"
TODAY = "2026-11-25"
GOODS = {"coat": "899.00", "scarf": "59.90"}


@dataclass
class Chain:
    """The open workspace and the ids of what stands in it, by the names the tests use."""

    host: Host
    ids: dict[str, str] = field(default_factory=dict)
    people: dict[str, User] = field(default_factory=dict)

    def work(self, who: str = "") -> Work:
        """A frame for one of the people, or for the product itself."""
        return self.host.work(self.people[who]) if who else self.host.work()

    def make(self, who: str, entity: str, /, **values: Any) -> str:
        """A new record, made by somebody; answers its id."""
        write = Write("create", f"{APP}.{entity}", values=values)
        return write_record.write_now(self.host.db, self.work(who), write).id

    def change(self, who: str, entity: str, record: str, /, step: str | None = None, **values: Any) -> None:
        """Another state of a record; `step` is a transition of its workflow."""
        write = Write("update", f"{APP}.{entity}", id=record, values=values, transition=step)
        write_record.write_now(self.host.db, self.work(who), write)

    def read(self, who: str, entity: str, /, *fields: str, **same: Any) -> list[Mapping[str, Any]]:
        """What somebody sees of the records whose fields hold these values."""
        each = [{"==": [{"var": name}, value]} for name, value in same.items()]
        query = Query(f"{APP}.{entity}", ("id", *fields), filter={"and": each} if each else None, limit=500)
        work = self.work(who)
        return [*self.host.db.read_now(lambda reader: read_records.list_page(reader, work, query)).json()]

    def one(self, who: str, entity: str, record: str, /, *fields: str) -> Mapping[str, Any]:
        """One record as somebody sees it."""
        return self.read(who, entity, *fields, id=record)[0]

    def sell(self, who: str, number: str, /, **values: Any) -> str:
        """A slip of the store's open day, settled."""
        slip = self.make(who, "order", receipt_no=number, **values)
        self.change(who, "order", slip, step="settle")
        return slip


def open_chain(host: Host) -> Chain:
    """Install the app without its sample and set up two stores of one area."""
    install_app.install(host, host.work(), marketplace.offered_package(host, APP), sample=False)
    chain = Chain(host)
    chain.ids["head"] = _department(chain, "Head")
    area = chain.ids["area"] = _department(chain, "East", chain.ids["head"])
    region = chain.make("", "area", name="East", department=area)
    for name, code in (("jing", "S001"), ("xu", "S002")):
        place = chain.ids[f"{name}.department"] = _department(chain, name.title(), area)
        _people(chain, name, place)
        chain.ids[name] = chain.make(
            "",
            "store",
            code=code,
            name=name.title(),
            area=region,
            department=place,
            manager=chain.people[f"{name}.manager"].id,
            floor_space="100",
        )
        chain.ids[f"{name}.day"] = chain.make(
            "", "business_day", store=chain.ids[name], on=TODAY, target="1000"
        )
    _person(chain, "area", "area_manager", area, [area, *_places(chain)])
    _person(chain, "inspector", "inspector", area, [area, *_places(chain)])
    category = chain.make("", "category", name="Clothes")
    for name, price in GOODS.items():
        chain.ids[name] = chain.make("", "product", code=name, name=name, category=category, price=price)
    return chain


def _places(chain: Chain) -> list[str]:
    return [chain.ids["jing.department"], chain.ids["xu.department"]]


def _people(chain: Chain, store: str, place: str) -> None:
    for name, role in (("manager", "store_manager"), ("guide", "guide"), ("second", "guide")):
        _person(chain, f"{store}.{name}", role, place, [place])


def _department(chain: Chain, name: str, parent: str | None = None) -> str:
    values = {"name": name} | ({"parent": parent} if parent else {})
    write = Write("create", DEPARTMENT, values=values)
    return write_record.write_now(chain.host.db, chain.work(), write).id


def _person(chain: Chain, name: str, role: str, place: str, below: list[str]) -> None:
    values = {"name": name, "department": place}
    user = write_record.write_now(chain.host.db, chain.work(), Write("create", USER, values=values)).id
    chain.people[name] = User(user, name, frozenset({f"{APP}.{role}"}), place, tuple(below))
