"""T13: the right to edit people and departments is not the right to widen oneself, nor to give what one lacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest

from dacheng.metadata.definition import Package
from dacheng.metadata.problem import Refused
from dacheng.plugins.context import User
from dacheng.runtime.services import merge_records, read_records, write_record
from dacheng.runtime.services.gate import Query
from dacheng.runtime.services.merge_records import Merge
from dacheng.runtime.services.policy import compile_policy
from dacheng.runtime.services.work import work_for
from dacheng.runtime.services.write_record import Write
from dacheng.runtime.storage import accounts, records
from dacheng.runtime.storage.reader import Transaction
from tests.runtime.services.workspace import KINDS, Workspace, model_of, open_workspace, packages

USER, DEPARTMENT, ORDER = "core.user", "core.department", "shop.order"
EVERYTHING = {"create": True, "read": True, "update": True, "delete": True}
BELOW_MINE: Any = {"in": [{"var": "owner.department"}, {"var": "$user.departments"}]}
MY_PEOPLE: Any = {"==": [{"var": "owner.manager"}, {"var": "$user.id"}]}
GRANTED: Mapping[str, str] = {
    "rita": "shop.registrar",
    "paul": "shop.registrar",
    "nora": "shop.clerk",
    "boss": "core.admin",
}


def registrars() -> tuple[Package, ...]:
    """The shop with a role that may edit people and departments, and reads orders by department or manager."""
    core, base = packages()
    role = {
        "id": "registrar",
        "entities": {
            USER: EVERYTHING,
            DEPARTMENT: EVERYTHING,
            "order": {"read": {"or": [BELOW_MINE, MY_PEOPLE]}},
            "buyer": {"read": True},
            "item": {"read": True},
        },
    }
    return core, replace(base, items={**base.items, ("role", "registrar"): role}, hash="")


@dataclass
class Office:
    """Rita and Paul keep the people of North (with North East below it); South and its people are others'."""

    shop: Workspace
    at: dict[str, str]

    def save(self, who: str, action: str, ref: str, record: str | None = None, **values: Any) -> str:
        """One save by a person, with their departments as they are now."""
        work = work_for(self.shop.context(self.actor(who)), self.shop.work().model, KINDS, self.shop.hooks)
        write = Write(action, ref, record, values=values)
        return write_record.write_now(self.shop.db, work, write).id

    def actor(self, who: str) -> User:
        """The person as an actor."""
        below = {"north": ("north", "north_east"), "north_east": ("north_east",)}
        place = {"rita": "north", "paul": "north_east"}[who]
        return User(
            self.at[who],
            who,
            frozenset({GRANTED[who]}),
            self.at[place],
            tuple(self.at[each] for each in below[place]),
        )

    def sees(self, who: str) -> set[str]:
        """The numbers of the orders a person sees."""
        work = work_for(self.shop.context(self.actor(who)), self.shop.work().model, KINDS, self.shop.hooks)
        found = self.shop.read(lambda r: read_records.list_page(r, work, Query(ORDER, ("number",)))).json()
        return {each["number"] for each in found}

    def state(self) -> Any:
        """All people and departments."""
        admin = self.shop.work()
        queries = (
            Query(USER, ("name", "department", "manager", "status", "email")),
            Query(DEPARTMENT, ("name", "parent")),
        )
        return [self.shop.read(partial(read_records.list_page, work=admin, asked=q)).json() for q in queries]


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    shop = open_workspace(database_url, model_of(registrars()))
    at: dict[str, str] = {}
    for name, above in (("north", None), ("north_east", "north"), ("south", None), ("gone", "south")):
        at[name] = shop.create("", DEPARTMENT, {"name": name, "parent": at.get(above or "")})
    people = (
        *(("rita", "north"), ("paul", "north_east"), ("nora", "north"), ("boss", "north")),
        *(("ned", "north"), ("eve", "north_east"), ("sue", "south"), ("lost", None), ("past", "south")),
    )
    for name, place in people:
        at[name] = shop.create(
            "", USER, {"name": name, "department": at.get(place or ""), "status": "active"}
        )
    shop.update("", USER, at["ned"], {"manager": at["rita"]})

    def grant(tx: Transaction) -> None:
        for name, role in GRANTED.items():
            accounts.grant(tx, at[name], role, "test", 0)

    shop.db.write_now(grant)
    for owner in ("sue", "lost", "eve"):
        shop.create("", ORDER, {"number": owner.title(), "owner": at[owner]})
    shop.save("", "delete", DEPARTMENT, at["gone"])
    shop.save("", "delete", USER, at["past"])
    yield Office(shop, at)
    shop.db.close()


Try = Callable[[Office], Any]


def change(who: str, person: str, **values: str | None) -> Try:
    """Change a person's record; values that name somebody or some place mean their ids."""
    return lambda o: o.save(
        who, "update", USER, o.at[person], **{n: o.at.get(v or "", v) for n, v in values.items()}
    )


def move(who: str, place: str, parent: str | None) -> Try:
    """Hang a department under another."""
    return lambda o: o.save(who, "update", DEPARTMENT, o.at[place], parent=o.at.get(parent or ""))


def act(who: str, action: str, ref: str, record: str) -> Try:
    """Delete or restore."""
    return lambda o: o.save(who, action, ref, o.at[record])


def add(who: str, **values: str) -> Try:
    """Add a person."""
    return lambda o: o.save(who, "create", USER, name="New", **{n: o.at.get(v, v) for n, v in values.items()})


REFUSED: tuple[Try, ...] = (
    # oneself: department, manager, status, roles, account
    change("rita", "rita", department="south"),
    change("rita", "rita", department="north_east"),
    change("rita", "rita", department=None),
    change("rita", "rita", manager="boss"),
    change("rita", "rita", manager="nora"),
    change("rita", "rita", manager="rita"),
    change("rita", "rita", status="suspended"),
    change("rita", "rita", name="Rita", department="south"),
    change("rita", "rita", roles="core.admin"),
    change("rita", "rita", role="core.admin"),
    change("rita", "rita", admin="true"),
    change("paul", "paul", department="north"),
    change("paul", "paul", department="south"),
    act("rita", "delete", USER, "rita"),
    # others into or out of departments that are not one's own
    change("rita", "ned", department="south"),
    change("rita", "sue", department="north"),
    change("rita", "sue", department="south", manager="rita"),
    change("rita", "lost", department="north"),
    change("rita", "ned", department=None),
    change("paul", "eve", department="north"),
    change("paul", "ned", department="north_east"),
    add("rita", department="south"),
    add("paul", department="north"),
    # others' people
    change("rita", "sue", manager="rita"),
    change("rita", "lost", manager="rita"),
    change("rita", "eve", manager="rita"),
    change("rita", "eve", manager="ned"),
    change("rita", "ned", manager="boss"),
    change("rita", "ned", manager="nora"),
    # people with more rights than one's own
    change("rita", "boss", status="suspended"),
    change("rita", "boss", email="mine@example.com"),
    change("rita", "nora", status="suspended"),
    change("rita", "nora", department="north_east"),
    change("rita", "sue", status="suspended"),
    change("rita", "sue", email="mine@example.com"),
    act("rita", "delete", USER, "boss"),
    act("rita", "delete", USER, "nora"),
    act("rita", "delete", USER, "sue"),
    act("rita", "restore", USER, "past"),
    # the tree of departments
    move("rita", "south", "north"),
    move("rita", "south", "north_east"),
    move("paul", "north", "north_east"),
    move("paul", "south", "north_east"),
    act("rita", "restore", DEPARTMENT, "gone"),
)


def test_t13_forty_ways_to_widen_what_one_may_see_are_refused_and_change_nothing(office: Office) -> None:
    before, seen = office.state(), {who: office.sees(who) for who in ("rita", "paul")}
    assert seen == {"rita": {"Eve"}, "paul": {"Eve"}}
    assert len(REFUSED) >= 40
    went_through: list[int] = []
    codes: set[str] = set()
    for number, attempt in enumerate(REFUSED):
        try:
            attempt(office)
        except Refused as refused:
            codes.update(each.code for each in refused.problems)
        else:
            went_through.append(number)
    assert went_through == []
    assert codes == {"account.own_standing", "account.grant_beyond_own", "record.unknown_field"}
    assert office.state() == before
    assert {who: office.sees(who) for who in ("rita", "paul")} == seen


@pytest.mark.parametrize(("ref", "keep", "drop"), [(DEPARTMENT, "north", "south"), (USER, "paul", "eve")])
def test_t13_people_and_departments_are_merged_by_administrators_alone(
    office: Office, ref: str, keep: str, drop: str
) -> None:
    """A merge moves every link, whoever may see it: people into one's department, records to a person of one's own."""
    before, seen = office.state(), office.sees("rita")
    shop, asked = office.shop, Merge(ref, office.at[keep], office.at[drop])
    shop.work()  # brings the versions up to date
    work = work_for(shop.context(office.actor("rita")), shop.model, KINDS, shop.hooks)
    with pytest.raises(Refused) as refused:
        merge_records.merge(shop.db, work, asked)
    assert [each.code for each in refused.value.problems] == ["account.grant_beyond_own"]
    assert (office.state(), office.sees("rita")) == (before, seen)


def test_who_keeps_people_still_does_so_within_their_own(office: Office) -> None:
    new = office.save("rita", "create", USER, name="Nell", department=office.at["north_east"])
    change("rita", "ned", department="north_east", title_text="Driver", email="ned@example.com")(office)
    change("rita", "ned", manager="eve")(office)
    change("rita", "ned", status="suspended")(office)
    change("rita", "ned", status="active")(office)
    change("rita", "rita", name="Rita R.", department="north", phone="+86 10 1234567")(office)
    change("rita", "sue", title_text="Buyer")(office)
    move("rita", "north_east", None)(office)
    office.save("rita", "delete", USER, new)
    office.save("rita", "restore", USER, new)
    office.save("rita", "create", DEPARTMENT, name="Far North", parent=office.at["north"])
    assert office.sees("rita") == {"Eve"}


def test_an_administrator_moves_people_anywhere(office: Office) -> None:
    office.shop.update(
        "", USER, office.at["rita"], {"department": office.at["south"], "manager": office.at["boss"]}
    )
    office.shop.save("", "restore", DEPARTMENT, office.at["gone"])
    moved = office.shop.read(
        lambda reader: records.load(reader, office.shop.model, USER, [office.at["rita"]])
    )
    found = moved[office.at["rita"]].json()
    assert (found["department"], found["manager"]) == (office.at["south"], office.at["boss"])


# ---------------------------------------------------------------- whatever else roles look at
REGIONAL: Any = {
    "or": [
        {"==": [{"var": "owner.region"}, "east"]},
        {"==": [{"var": "owner.deputy"}, {"var": "$user.id"}]},
        {"==": [{"var": "owner.department.zone"}, "open"]},
    ]
}


def regional(rule: Any = REGIONAL) -> tuple[Package, ...]:
    """People have a region, a deputy and a nickname, departments a zone and a code; one role looks at some of them."""
    core, base = registrars()
    user, place = (dict(core.items["entity", name]) for name in ("user", "department"))
    short = {"x-kind": "text", "maxLength": 20, "x-order": 200}
    deputy = {"x-kind": "link", "x-to": "user", "x-on-delete": "clear", "x-order": 210}
    user["properties"] = {**user["properties"], "region": short, "nickname": short, "deputy": deputy}
    place["properties"] = {**place["properties"], "zone": short, "code": short}
    added = {("entity", "user"): user, ("entity", "department"): place}
    core = replace(core, items={**core.items, **added}, hash="")
    role = {**base.items["role", "registrar"], "entities": {**base.items["role", "registrar"]["entities"]}}
    role["entities"]["order"] = {"read": rule}
    return core, replace(base, items={**base.items, ("role", "registrar"): role}, hash="")


@pytest.fixture
def region(database_url: str) -> Iterator[Office]:
    shop = open_workspace(database_url, model_of(regional()))
    at: dict[str, str] = {}
    for name, above, zone in (
        ("north", None, "shut"),
        ("north_east", "north", "shut"),
        ("south", None, "shut"),
    ):
        at[name] = shop.create("", DEPARTMENT, {"name": name, "parent": at.get(above or ""), "zone": zone})
    for name, place, where in (
        ("rita", "north", "west"),
        ("paul", "north_east", "west"),
        ("ned", "north", "west"),
    ):
        values = {"name": name, "department": at[place], "status": "active", "region": where}
        at[name] = shop.create("", USER, values)

    def grant(tx: Transaction) -> None:
        for name in ("rita", "paul"):
            accounts.grant(tx, at[name], GRANTED[name], "test", 0)

    shop.db.write_now(grant)
    shop.create("", ORDER, {"number": "Ned", "owner": at["ned"]})
    yield Office(shop, at)
    shop.db.close()


def make(who: str, **values: str) -> Try:
    """Add a department."""
    return lambda o: o.save(
        who, "create", DEPARTMENT, name="New", **{n: o.at.get(v, v) for n, v in values.items()}
    )


def settle(who: str, place: str, **values: str | None) -> Try:
    """Change a department."""
    return lambda o: o.save(who, "update", DEPARTMENT, o.at[place], **values)


WIDENING: tuple[tuple[Try, str], ...] = (
    (change("rita", "ned", region="east"), "/region"),
    (change("rita", "ned", region=None), "/region"),
    (change("rita", "ned", deputy="rita"), "/deputy"),
    (change("rita", "ned", nickname="N", deputy="paul"), "/deputy"),
    (change("rita", "rita", region="east"), "/region"),
    (change("rita", "rita", deputy="ned"), "/deputy"),
    (add("rita", region="east"), "/region"),
    (add("rita", deputy="rita"), "/deputy"),
    (settle("rita", "north", zone="open"), "/zone"),
    (settle("rita", "south", zone="open"), "/zone"),
    (settle("rita", "north", zone=None), "/zone"),
    (make("rita", parent="north", zone="open"), "/zone"),
    (make("rita", parent="north"), "/zone"),
)


def test_t13_whatever_field_a_role_looks_at_through_people_and_departments_is_standing(
    region: Office,
) -> None:
    assert region.sees("rita") == set()
    for number, (attempt, pointer) in enumerate(WIDENING):
        with pytest.raises(Refused) as refused:
            attempt(region)
        assert [each.pointer for each in refused.value.problems] == [pointer], number
    assert region.sees("rita") == set()


def test_fields_no_role_looks_at_are_edited_as_ever(region: Office) -> None:
    change("rita", "ned", nickname="Neddy", region="west")(region)
    change("rita", "rita", nickname="R")(region)
    settle("rita", "north", code="N", zone="shut")(region)
    add("rita", region="west", nickname="new")(region)
    add("rita", nickname="newer")(region)
    make("rita", parent="north", zone="shut")(region)
    region.shop.update("", USER, region.at["ned"], {"region": "east"})
    assert region.sees("rita") == {"Ned"}


def test_standing_follows_the_roles_that_are_installed() -> None:
    def standing(rule: Any) -> Mapping[str, frozenset[str]]:
        user = User("u", "U", frozenset({"shop.clerk"}))
        return compile_policy(model_of(regional(rule)).catalogue, user).standing

    assert standing(REGIONAL) == {USER: {"region", "deputy", "department"}, DEPARTMENT: {"zone"}}
    assert standing(BELOW_MINE) == {USER: {"department"}, DEPARTMENT: {"parent"}}
    assert standing(True) == {USER: frozenset(), DEPARTMENT: frozenset()}
    above: Any = {"==": [{"var": "department.parent.code"}, {"var": "$user.department"}]}
    assert standing(above) == {USER: {"department"}, DEPARTMENT: {"parent", "code"}}
