"""Notifications: who is told what, once each, and nothing of what they may not see."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from functools import partial

import pytest

from dacheng.runtime.services import inbox
from dacheng.runtime.storage import notifications
from tests.runtime.services.test_write_record import ORDER, order
from tests.runtime.services.together import deliver, say, told, with_roles
from tests.runtime.services.workspace import Workspace, model_of, open_workspace, packages

BUYER = "shop.buyer"


def test_a_mention_is_told_once_however_often_it_is_delivered(shop: Workspace) -> None:
    with_roles(shop)
    record = order(shop)
    say(shop, "clara", ORDER, record, "@Kim please look\nat this", ["kim"])
    deliver(shop, times=3)
    (one,) = told(shop, "kim")
    assert (one.kind, one.actor, one.title, one.excerpt, one.read) == (
        "mention", "Clara", "A-1", "@Kim please look at this", False,
    )  # fmt: skip
    assert told(shop, "clara") == []


def test_who_is_given_a_record_by_somebody_else_is_told(shop: Workspace) -> None:
    with_roles(shop)
    record = order(shop)
    shop.update("kim", ORDER, record, {"owner": shop.people["cody"]})
    given = shop.create("kim", ORDER, {"number": "A-2", "owner": shop.people["cody"]})
    deliver(shop)
    assert [(each.kind, each.record, each.actor) for each in told(shop, "cody")] == [
        ("assigned", given, "Kim"),
        ("assigned", record, "Kim"),
    ]
    assert told(shop, "clara") == told(shop, "kim") == []


def test_a_rule_tells_whom_it_names(shop: Workspace) -> None:
    with_roles(shop)
    record = order(shop, buyer=shop.create("clara", BUYER, {"name": "Acme"}))
    shop.save("clara", "update", ORDER, record, transition="pay")
    (job,) = deliver(shop, times=2)
    (one,) = told(shop, "clara")
    assert (one.kind, one.record, one.detail["slot"]) == ("rule", record, "message:large_order")
    assert job.payload["key"] == job.key


@pytest.mark.parametrize("hidden", ["order.number", "buyer.name"])
def test_t08_a_rules_message_is_told_without_what_its_reader_may_not_read(
    sqlite_url: str, hidden: str
) -> None:
    """Filled in by the app's own rights; who may not read a field of it, there or behind a link, learns no value."""
    core, base = packages()
    rule, clerk = base.items["rule", "bonus"], base.items["role", "clerk"]
    tell = {**rule["then"]["tell"], "params": {"number": {"var": "number"}, "buyer": {"var": "buyer.name"}}}
    entity, _, name = hidden.partition(".")
    given = clerk["entities"][entity]
    cut = {**given, "fields": {**given["fields"], name: {"read": False}}}
    role = {**clerk, "entities": {**clerk["entities"], entity: cut}}
    changed = {("rule", "bonus"): {**rule, "then": {**rule["then"], "tell": tell}}, ("role", "clerk"): role}
    made = open_workspace(
        sqlite_url, model_of((core, replace(base, items={**base.items, **changed}, hash="")))
    )
    with closing(made.db):
        with_roles(made)
        buyer = made.create("kim", BUYER, {"name": "Acme"})
        lines = [{"quantity": "1", "amount": "5000"}]
        values = {"number": "N-7", "buyer": buyer, "lines": lines, "owner": made.people["clara"]}
        record = made.create("kim", ORDER, values)
        made.save("kim", "update", ORDER, record, transition="pay")
        deliver(made)
        (one,) = [each for each in told(made, "clara") if each.kind == "rule"]
        assert (one.record, dict(one.detail)) == (record, {})
        made.update("kim", ORDER, record, {"owner": made.people["kim"]})
        rows = made.read(lambda r: notifications.page(r, made.people["clara"], inbox.EVER, 9))
        assert any("Acme" in str(row.detail) and "N-7" in str(row.detail) for row in rows)


def test_t04_of_a_record_out_of_sight_a_notification_shows_nothing(shop: Workspace) -> None:
    with_roles(shop)
    record = order(shop)
    shop.update("kim", ORDER, record, {"owner": shop.people["cody"]})
    say(shop, "kim", ORDER, record, "@Cody secret", ["cody"])
    deliver(shop)
    assert {each.title for each in told(shop, "cody")} == {"A-1"}
    shop.update("kim", ORDER, record, {"owner": shop.people["clara"]})
    deliver(shop)
    for one in told(shop, "cody"):
        assert not one.seen
        assert (one.entity, one.record, one.title, one.actor, one.excerpt, dict(one.detail)) == (
            "", "", "", "", "", {},
        )  # fmt: skip


def test_only_ones_own_are_marked_as_read(shop: Workspace) -> None:
    with_roles(shop)
    record = order(shop)
    say(shop, "clara", ORDER, record, "@Kim", ["kim"])
    say(shop, "kim", ORDER, record, "@Clara", ["clara"])
    deliver(shop)
    (kims,) = told(shop, "kim")
    clara, kim = shop.work("clara"), shop.work("kim")
    assert shop.db.write_now(lambda tx: inbox.mark(tx, clara, [kims.seq])) == 0
    assert shop.read(lambda r: notifications.unread(r, shop.people["kim"])) == 1
    assert shop.db.write_now(lambda tx: inbox.mark(tx, kim, None)) == 1
    assert shop.read(lambda r: notifications.unread(r, shop.people["kim"])) == 0
    assert shop.read(lambda r: notifications.unread(r, shop.people["clara"])) == 1
    assert shop.db.write_now(lambda tx: inbox.mark(tx, kim, [kims.seq], read=False)) == 1
    assert not told(shop, "kim")[0].read


def test_a_long_inbox_comes_page_by_page(small_shop: Workspace) -> None:
    with_roles(small_shop)
    for number in range(5):
        small_shop.create("kim", ORDER, {"number": f"N-{number}", "owner": small_shop.people["cody"]})
    deliver(small_shop)
    titles: list[str] = []
    before: int | None = None
    ask = partial(inbox.read, work=small_shop.work("cody"), limit=2)
    while True:
        page = small_shop.read(partial(ask, before=before))
        titles += [each.title for each in page.items]
        before = page.next
        if before is None:
            break
    assert titles == [f"N-{number}" for number in (4, 3, 2, 1, 0)]
    assert page.unread == 5
