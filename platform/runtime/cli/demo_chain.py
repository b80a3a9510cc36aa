"""The small chain of the demo: a department for each store, its people, and an owner for each sample record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

from dacheng.metadata.problem import Refused
from dacheng.runtime.cli.demo_firm import Person, bring, create
from dacheng.runtime.host import Host
from dacheng.runtime.services import read_records, write_record
from dacheng.runtime.services.directory import DEPARTMENT
from dacheng.runtime.services.gate import Query
from dacheng.runtime.services.write_record import Write
from dacheng.runtime.storage.reader import Reader, Transaction

APP = "store_sales"
PAGE = 500
HEAD = "门店总部"
AREAS = {"华东区": ("静安寺店", "徐家汇店"), "华南区": ("天河城店", "万象城店")}
OF_GUIDES = {
    "member": "home_store",
    "store_visit": "store",
    "trial": "store",
    "order": "store",
    "follow_up": "store",
    "home_call": "store",
}
Row = Mapping[str, Any]


def _role(name: str) -> str:
    return f"{APP}.{name}"


PEOPLE = (
    Person("秦岚", "总部运营", HEAD, email="hq@demo.example", role=_role("headquarters")),
    Person("沈磊", "督导", HEAD, email="inspector@demo.example", role=_role("inspector")),
    Person("方媛", "华东区经理", "华东区", email="area@demo.example", role=_role("area_manager")),
    Person("梁志远", "华南区经理", "华南区"),
    Person("顾晓", "店长", "静安寺店", "方媛", "store@demo.example", _role("store_manager")),
    Person("许静", "店长", "徐家汇店", "方媛"),
    Person("邓伟", "店长", "天河城店", "梁志远"),
    Person("冯倩", "店长", "万象城店", "梁志远"),
    Person("苏雨", "导购", "静安寺店", "顾晓", "guide@demo.example", _role("guide"), sells=True),
    Person("韩冰", "导购", "静安寺店", "顾晓", sells=True),
    Person("唐悦", "导购", "徐家汇店", "许静", sells=True),
    Person("程浩", "导购", "天河城店", "邓伟", sells=True),
    Person("叶子", "导购", "万象城店", "冯倩", sells=True),
)


@dataclass(slots=True)
class Chain:
    """What was brought in: departments, people and stores by name."""

    host: Host
    places: dict[str, str] = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=dict)
    stores: dict[str, str] = field(default_factory=dict)

    def who(self, store: str, title: str) -> list[str]:
        """The people of a store who have this title."""
        return [self.people[each.name] for each in PEOPLE if each.department == store and each.title == title]

    def rows(self, entity: str, *fields: str) -> list[Row]:
        """Every record of an entity, with these fields."""
        return self.host.db.read_now(lambda reader: list(self._pages(reader, entity, fields)))

    def _pages(self, reader: Reader, entity: str, fields: Sequence[str]) -> Iterator[Row]:
        work, cursor = self.host.work(), None
        while True:
            query = Query(f"{APP}.{entity}", ("id", *fields), limit=PAGE, cursor=cursor)
            page = read_records.list_page(reader, work, query)
            yield from page.json()
            cursor = page.next
            if cursor is None:
                return

    def change(self, entity: str, rows: Sequence[Row], values: Callable[[Row], Row]) -> None:
        """Give each of these records other values, without rules."""
        work = self.host.work()
        writes = [
            Write("update", f"{APP}.{entity}", id=row["id"], values=values(row), rules=False) for row in rows
        ]
        prepared = self.host.db.read_now(lambda reader: write_record.prepare_many(reader, work, writes))
        refused = [each for each in prepared if isinstance(each, Refused)]
        if refused:
            raise refused[0]
        ready = [each for each in prepared if isinstance(each, write_record.Prepared)]

        def keep(tx: Transaction) -> None:
            write_record.commit_many(tx, work, ready)

        self.host.db.write_now(keep)


def settle(host: Host, passwords: Mapping[str, str]) -> None:
    """Bring in departments and people (with the passwords given for those who sign in), hand out the records."""
    chain = Chain(host)
    chain.places[HEAD] = create(host, DEPARTMENT, {"name": HEAD})
    for area, stores in AREAS.items():
        chain.places[area] = create(host, DEPARTMENT, {"name": area, "parent": chain.places[HEAD]})
        for store in stores:
            values = {"name": store, "parent": chain.places[area]}
            chain.places[store] = create(host, DEPARTMENT, values)
    for person in PEOPLE:
        place = chain.places[person.department]
        chain.people[person.name] = bring(host, person, place, chain.people, passwords)
    _open_stores(chain)
    _hand_out(chain)


def _open_stores(chain: Chain) -> None:
    """Areas and stores get their department and who leads them."""
    chain.change("area", chain.rows("area", "name"), lambda row: {"department": chain.places[row["name"]]})
    stores = chain.rows("store", "name")
    chain.stores.update({row["id"]: row["name"] for row in stores})
    chain.change(
        "store",
        stores,
        lambda row: {
            "department": chain.places[row["name"]],
            "manager": chain.who(row["name"], "店长")[0],
        },
    )


def _hand_out(chain: Chain) -> None:
    """The associates of each store share its records in turn; credit goes where the sale went."""
    for entity, link in OF_GUIDES.items():
        turns = {store: cycle(chain.who(name, "导购")) for store, name in chain.stores.items()}
        chain.change(
            entity,
            chain.rows(entity, link),
            lambda row, link=link, turns=turns: {"owner": next(turns[row[link]])},  # type: ignore[misc]
        )
    sold = {row["id"]: row["owner"] for row in chain.rows("order", "owner")}
    chain.change("guide_sale", chain.rows("guide_sale", "order"), lambda row: {"owner": sold[row["order"]]})
    chain.change("inspection", chain.rows("inspection"), lambda row: {"owner": chain.people["沈磊"]})
    chain.change(
        "rectification",
        chain.rows("rectification", "store"),
        lambda row: {"owner": chain.who(chain.stores[row["store"]], "店长")[0]},
    )
