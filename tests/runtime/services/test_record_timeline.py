"""A record's timeline: one order, nothing twice, nothing lost between pages, field rules held."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from dacheng.metadata.problem import Refused
from dacheng.plugins.context import Cause
from dacheng.runtime.services import record_timeline, undo, write_record
from dacheng.runtime.services.record_timeline import Event
from tests.runtime.services.test_write_record import ORDER, codes, get, order
from tests.runtime.services.together import say, with_roles
from tests.runtime.services.workspace import Workspace

BUYER = "shop.buyer"


def events(shop: Workspace, who: str, ref: str, record: str, kind: str = "", limit: int = 20) -> list[Event]:
    """Every event, page after page."""
    found: list[Event] = []
    before: int | None = None
    ask = partial(
        record_timeline.read, work=shop.work(who), ref=ref, record_id=record, kind=kind, limit=limit
    )
    while True:
        page = shop.read(partial(ask, before=before))
        found += page.events
        before = page.next
        if before is None:
            return found


def lived(shop: Workspace) -> str:
    """An order that was made, talked about, changed with its lines and paid, with a rule in it."""
    with_roles(shop)
    record = order(shop, buyer=shop.create("clara", BUYER, {"name": "Acme"}))
    for text in ("one", "two"):
        shop.now += timedelta(minutes=1)
        say(shop, "clara", ORDER, record, text)
    shop.now += timedelta(minutes=1)
    lines = [{"id": one["id"], "amount": "900"} for one in get(shop, "clara", ORDER, record).lines["lines"]]
    shop.update("clara", ORDER, record, {"ordered_on": "2026-03-01", "lines": lines})
    shop.now += timedelta(minutes=1)
    shop.save("clara", "update", ORDER, record, transition="pay")
    return record


def test_changes_comments_and_rules_stand_in_one_order(shop: Workspace) -> None:
    record = lived(shop)
    found = events(shop, "kim", ORDER, record)
    assert [each.kind for each in found] == ["rule", "change", "change", "comment", "comment", "change"]
    assert [each.comment.text for each in found if each.comment] == ["two", "one"]
    (rule,) = [each for each in found if each.kind == "rule"]
    assert [(why.rule, why.outcome) for why in rule.whys] == [("shop.bonus", "applied")]
    saved = found[2]
    assert {entry.line for entry in saved.entries} == {"", "shop.order_line"}


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_lose_nothing_and_repeat_nothing(shop: Workspace, limit: int) -> None:
    record = lived(shop)
    whole = events(shop, "kim", ORDER, record)
    assert events(shop, "kim", ORDER, record, limit=limit) == whole


def test_a_kind_shows_its_own_and_rules_also_tell_why_not(shop: Workspace) -> None:
    record = lived(shop)
    kinds = {kind: events(shop, "kim", ORDER, record, kind) for kind in record_timeline.KINDS}
    assert {kind: {each.kind for each in found} for kind, found in kinds.items()} == {
        "comment": {"comment"},
        "change": {"change"},
        "file": set(),
        "rule": {"rule"},
        "import": set(),
    }
    lines = [{"quantity": "1", "amount": "1"}]
    buyer = shop.create("clara", BUYER, {"name": "Small"})
    cheap = order(shop, number="A-9", buyer=buyer, lines=lines)
    shop.save("clara", "update", ORDER, cheap, transition="pay")
    near = [why for each in events(shop, "kim", ORDER, cheap, "rule") for why in each.whys]
    assert ("shop.bonus", "near") in [(why.rule, why.outcome) for why in near]


def test_t04_what_a_rule_set_out_of_sight_leaves_no_values(shop: Workspace) -> None:
    record = lived(shop)
    found = events(shop, "clara", ORDER, record)
    named = {change.field.id for each in found for entry in each.entries for change in entry.changes}
    assert "bonus" not in named
    shown = [effect["params"] for each in found for why in each.whys for effect in why.effects]
    assert not any(params.get("field") == "bonus" or "value" in params for params in shown)


def test_a_stranger_gets_nothing(small_shop: Workspace) -> None:
    record = lived(small_shop)
    with pytest.raises(Refused) as refused:
        events(small_shop, "cody", ORDER, record)
    assert codes(refused) == {"": "record.missing"}
    with pytest.raises(Refused) as refused:
        events(small_shop, "clara", ORDER, record, "secret")
    assert codes(refused) == {"": "web.bad_parameter"}


# ---------------------------------------------------------------- undo of a save
def take_back(shop: Workspace, who: str, record: str, seq: int) -> None:
    work = shop.work(who, cause="undo")
    asked = shop.read(lambda r: undo.plan_undo(r, work, ORDER, record, seq, whole=True))
    write_record.write_now(shop.db, work, asked)


def facts(shop: Workspace, record: str) -> tuple[object, list[tuple[object, object]]]:
    found = get(shop, "kim", ORDER, record)
    return str(found.values["ordered_on"]), sorted(
        (str(line["quantity"]), str(line["amount"])) for line in found.lines["lines"]
    )


def test_a_save_is_taken_back_with_its_lines_and_done_again(shop: Workspace) -> None:
    with_roles(shop)
    record = order(shop)
    before = facts(shop, record)
    shop.now += timedelta(minutes=1)
    kept = get(shop, "clara", ORDER, record).lines["lines"][0]
    lines = [{"id": kept["id"], "quantity": "5"}, {"quantity": "9", "amount": "1"}]
    shop.update("clara", ORDER, record, {"ordered_on": "2026-03-01", "lines": lines})
    after = facts(shop, record)
    assert before != after
    for expected in (before, after, before):
        latest = events(shop, "clara", ORDER, record, "change")[0]
        shop.now += timedelta(minutes=1)
        take_back(shop, "clara", record, latest.entries[0].seq)
        assert facts(shop, record) == expected


def test_lines_come_back_in_their_places(shop: Workspace) -> None:
    """Three lines: the first is taken away, the others change places, and a copy comes between them."""
    with_roles(shop)
    lines = [{"quantity": "1", "amount": str(n)} for n in range(3)]
    record = shop.create("clara", ORDER, {"number": "A-1", "lines": lines})

    def amounts() -> list[str]:
        return [str(line["amount"].amount) for line in get(shop, "kim", ORDER, record).lines["lines"]]

    shop.now += timedelta(minutes=1)
    _, second, third = get(shop, "clara", ORDER, record).lines["lines"]
    moved = [{"id": third["id"]}, {"quantity": "1", "amount": "2.50"}, {"id": second["id"]}]
    shop.update("clara", ORDER, record, {"lines": moved})
    assert amounts() == ["2.00", "2.50", "1.00"]
    for expected in (["0.00", "1.00", "2.00"], ["2.00", "2.50", "1.00"]):
        latest = events(shop, "clara", ORDER, record, "change")[0]
        shop.now += timedelta(minutes=1)
        take_back(shop, "clara", record, latest.entries[0].seq)
        assert amounts() == expected


def test_what_changed_again_since_stands_in_the_way_in_words(shop: Workspace) -> None:
    with_roles(shop)
    record = order(shop)
    shop.now += timedelta(minutes=1)
    line = get(shop, "clara", ORDER, record).lines["lines"][0]["id"]
    shop.update(
        "clara", ORDER, record, {"ordered_on": "2026-03-01", "lines": [{"id": line, "quantity": "5"}]}
    )
    first = events(shop, "clara", ORDER, record, "change")[0].entries[0].seq
    shop.now += timedelta(minutes=1)
    shop.update(
        "clara", ORDER, record, {"ordered_on": "2026-03-02", "lines": [{"id": line, "quantity": "6"}]}
    )
    with pytest.raises(Refused) as refused:
        take_back(shop, "clara", record, first)
    assert codes(refused) == {"/ordered_on": "undo.not_possible", "/lines": "undo.not_possible"}
    assert {each.params["name"] for each in refused.value.problems} == {"Ordered on", "Lines"}


def test_taking_back_asks_for_the_same_rights_as_changing(shop: Workspace) -> None:
    with_roles(shop)
    buyer = shop.create("clara", BUYER, {"name": "Acme", "visits": 1})
    shop.now += timedelta(minutes=1)
    shop.update("clara", BUYER, buyer, {"visits": 2})
    seq = events(shop, "cody", BUYER, buyer, "change")[0].entries[0].seq
    work = shop.work("cody", cause="undo")
    asked = shop.read(lambda r: undo.plan_undo(r, work, BUYER, buyer, seq, whole=True))
    with pytest.raises(Refused) as refused:
        write_record.write_now(shop.db, work, asked)
    assert codes(refused) == {"": "access.not_permitted"}


def test_a_save_taken_back_is_told_as_such(small_shop: Workspace) -> None:
    with_roles(small_shop)
    record = order(small_shop)
    small_shop.now += timedelta(minutes=1)
    small_shop.update("clara", ORDER, record, {"ordered_on": "2026-03-01"})
    seq = events(small_shop, "clara", ORDER, record, "change")[0].entries[0].seq
    small_shop.now += timedelta(minutes=1)
    work = small_shop.work("clara")
    context = work.context.because(Cause(undo.UNDO, f"undo:{seq}", work.context.actor.id))
    asked = small_shop.read(lambda r: undo.plan_undo(r, work, ORDER, record, seq, whole=True))
    taken = type(work)(context, work.model, work.policy, work.kinds, work.hooks)
    write_record.write_now(small_shop.db, taken, asked)
    entry = events(small_shop, "clara", ORDER, record, "change")[0].entries[0]
    assert (entry.cause_kind, entry.person) == ("undo", small_shop.people["clara"])
