"""T12, T13 at the services: nothing but declared fields is ever written, and nobody widens what they hold."""

from __future__ import annotations

from typing import Any

import pytest

from dacheng.metadata.definition import FieldGrant, Grant
from dacheng.metadata.problem import Refused
from dacheng.plugins.context import Anonymous, Automation, ShareLink, User
from dacheng.runtime.services import policy, read_records, write_record
from dacheng.runtime.services.work import work_for
from dacheng.runtime.services.write_record import Write
from tests.runtime.services.conftest import shop, small_shop
from tests.runtime.services.workspace import KINDS, Workspace, shop_model

__all__ = ["shop", "small_shop"]
BUYER, ORDER, ITEM, USER = "shop.buyer", "shop.order", "shop.item", "core.user"
SYSTEM_FIELDS = ("id", "version", "created_at", "updated_at", "created_by", "updated_by", "department", "deleted_at",
                 "_row", "position", "parent_id", "__class__", "constructor", "total", "line_count", "credit")  # fmt: skip
CONFUSIONS: tuple[Any, ...] = (
    {},
    {"$gt": ""},
    [],
    [1],
    True,
    10**40,
    "\x00",
    "\ud800",
    {"amount": {"a": 1}},
    1.5,
)


def state(shop: Workspace, ref: str, record: str) -> Any:
    found = shop.read(lambda r: read_records.get(r, shop.work(""), ref, record))
    return found.json(), found.version


@pytest.mark.parametrize("name", SYSTEM_FIELDS)
def test_t12_system_and_hidden_fields_are_never_written(small_shop: Workspace, name: str) -> None:
    buyer = small_shop.create("clara", BUYER, {"name": "Acme"})
    before = state(small_shop, BUYER, buyer)
    for values in ({name: None}, {name: "x"}, {name: 1}, {"name": "Other", name: []}):
        with pytest.raises(Refused) as refused:
            small_shop.update("clara", BUYER, buyer, values)
        assert refused.value.category == "invalid"
        with pytest.raises(Refused):
            small_shop.create("clara", BUYER, {"name": "New", **values})
    assert state(small_shop, BUYER, buyer) == before


@pytest.mark.parametrize("confusion", CONFUSIONS)
def test_t12_type_confusion_is_refused_for_every_field(small_shop: Workspace, confusion: Any) -> None:
    buyer = small_shop.create("kim", BUYER, {"name": "Acme"})
    before = state(small_shop, BUYER, buyer)
    writable = small_shop.work("kim").policy.entities[BUYER].writable
    for name in sorted(writable):
        if isinstance(confusion, float) and name in ("credit", "discount"):
            continue  # 1.5 is a number
        if confusion == [] and name == "favourites":
            continue  # none of them is a value of links
        with pytest.raises(Refused) as refused:
            small_shop.update("kim", BUYER, buyer, {name: confusion})
        assert refused.value.category == "invalid"
        assert refused.value.problems[0].pointer.startswith(f"/{name}")
    for body in (None, [], "x", 5, [["name", "x"]]):
        with pytest.raises(Refused):
            small_shop.update("kim", BUYER, buyer, body)  # type: ignore[arg-type]
    assert state(small_shop, BUYER, buyer) == before


@pytest.mark.parametrize(
    "actor", [Anonymous(), ShareLink("s", frozenset({"read:orders"})), Automation("a", "nothing")]
)
def test_t13_actors_without_a_role_can_do_nothing(small_shop: Workspace, actor: Any) -> None:
    record = small_shop.create("clara", BUYER, {"name": "Acme"})
    work = work_for(small_shop.context(actor), small_shop.model, KINDS, small_shop.hooks)
    for action in ("create", "update", "delete", "restore"):
        for ref in small_shop.model.catalogue.entities:
            with pytest.raises(Refused) as refused:
                write_record.write_now(small_shop.db, work, Write(action, ref, record, values={"name": "x"}))
            assert [each.code for each in refused.value.problems] == ["query.unknown_entity"]


def test_t13_an_unknown_action_does_nothing(small_shop: Workspace) -> None:
    with pytest.raises(Refused):
        small_shop.save("kim", "purge", BUYER, "x")


def test_t13_people_are_not_changed_by_who_may_only_see_them(small_shop: Workspace) -> None:
    for who in ("clara", "kim", "gus"):
        for values in (
            {"name": "Root"},
            {"status": "suspended"},
            {"manager": None},
            {"roles": ["core.admin"]},
        ):
            with pytest.raises(Refused):
                small_shop.update(who, USER, small_shop.people["cody"], values)


def test_t13_a_role_that_is_gone_grants_nothing(small_shop: Workspace) -> None:
    catalogue = small_shop.model.catalogue
    found = policy.compile_policy(catalogue, User("u", "U", frozenset({"shop.dropped", "other.clerk"})))
    assert not found.entities
    assert not found.admin


def grants(**fields: FieldGrant) -> policy.EntityPolicy | None:
    """The policy of one role over buyers."""
    entity = shop_model().catalogue.entities[BUYER]
    return policy.fold_grants(entity, [Grant(BUYER, read=True, update=True, fields=fields)])


def test_what_is_not_read_is_not_written() -> None:
    found = grants(credit=FieldGrant(read=False, write=True))
    assert found is not None
    assert "credit" not in found.readable
    assert "credit" not in found.writable


def test_t13_lines_of_a_record_follow_its_rights(shop: Workspace) -> None:
    """Somebody else's order cannot be reached through a line, by id or by link."""
    item = shop.create("kim", ITEM, {"name": "Lamp"})
    lines = [{"item": item, "quantity": "1", "amount": "5"}]
    other = shop.create("cody", ORDER, {"number": "O-1", "lines": lines})
    with pytest.raises(Refused):
        shop.create("clara", "shop.order_line", {"order": other, "quantity": "1", "amount": "1"})
    with pytest.raises(Refused):
        shop.create("clara", ORDER, {"number": "C-1", "lines": [{**lines[0], "order": other}]})
    assert len(state(shop, ORDER, other)[0]["lines"]) == 1
