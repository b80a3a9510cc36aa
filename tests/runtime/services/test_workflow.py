"""States change by steps alone: from the right state, by the right role, with fields and guard met."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pytest

from dacheng.metadata.problem import Refused
from dacheng.runtime.services import workflow
from dacheng.runtime.services.records_at_hand import AtHand
from tests.runtime.services.test_write_record import codes, get, order
from tests.runtime.services.workspace import Workspace, model_of, open_workspace, packages

BUYER, ORDER = "shop.buyer", "shop.order"


def test_a_record_begins_in_the_initial_state(shop: Workspace) -> None:
    with pytest.raises(Refused) as refused:
        order(shop, state="paid")
    assert codes(refused) == {"/state": "workflow.not_by_hand"}
    assert get(shop, "clara", ORDER, order(shop, state="draft")).values["state"] == "draft"


def test_a_state_does_not_change_by_hand(shop: Workspace) -> None:
    record = order(shop)
    with pytest.raises(Refused) as refused:
        shop.update("clara", ORDER, record, {"state": "paid"})
    assert codes(refused) == {"/state": "workflow.not_by_hand"}


def test_a_step_asks_for_its_fields_its_guard_and_its_state(shop: Workspace) -> None:
    record = order(shop, lines=[])
    with pytest.raises(Refused) as refused:
        shop.save("clara", "update", ORDER, record, transition="pay")
    assert codes(refused) == {"/buyer": "workflow.required"}
    buyer = shop.create("clara", BUYER, {"name": "Acme"})
    with pytest.raises(Refused) as refused:
        shop.save("clara", "update", ORDER, record, transition="pay", values={"buyer": buyer})
    assert codes(refused) == {"/transition": "workflow.guard_refused"}
    lines = [{"quantity": "1", "amount": "5"}]
    shop.save("clara", "update", ORDER, record, transition="pay", values={"buyer": buyer, "lines": lines})
    with pytest.raises(Refused) as refused:
        shop.save("clara", "update", ORDER, record, transition="pay")
    assert codes(refused) == {"/transition": "workflow.wrong_state"}


@pytest.mark.parametrize(
    ("hidden", "expected"),
    [("buyer", "workflow.guard_refused"), ("state", "workflow.unknown_transition")],
)
def test_t04_a_step_does_not_name_what_is_hidden(sqlite_url: str, hidden: str, expected: str) -> None:
    """A field it asks for that one may not see is no field; a state one may not see has no steps."""
    core, base = packages()
    clerk = base.items["role", "clerk"]
    given = {**clerk["entities"]["order"], "fields": {hidden: {"read": False}}}
    role = {**clerk, "entities": {**clerk["entities"], "order": given}}
    content = replace(base, items={**base.items, ("role", "clerk"): role}, hash="")
    made = open_workspace(sqlite_url, model_of((core, content)))
    with closing(made.db):
        record = made.create("clara", ORDER, {"number": "N1"})
        told = []
        for step in ("pay", "cancel", "misspelt") if hidden == "state" else ("pay",):
            with pytest.raises(Refused) as refused:
                made.save("clara", "update", ORDER, record, transition=step)
            told.append(codes(refused))
        assert told == [{"/transition": expected}] * len(told)


def test_a_step_is_for_its_roles(shop: Workspace) -> None:
    record = order(shop)
    with pytest.raises(Refused) as refused:
        shop.save("clara", "update", ORDER, record, transition="cancel", values={"reason": "no"})
    assert codes(refused) == {"/transition": "workflow.role_missing"}
    with pytest.raises(Refused) as refused:
        shop.save("kim", "update", ORDER, record, transition="cancel")
    assert "/reason" in codes(refused)
    shop.save("kim", "update", ORDER, record, transition="cancel", values={"reason": "no"})
    found = get(shop, "kim", ORDER, record).values
    assert (found["state"], found["reason"]) == ("cancelled", "no")


def test_the_steps_offered_are_those_possible_and_why_others_are_not(shop: Workspace) -> None:
    record = order(shop)

    def offered(who: str) -> list[tuple[str, list[str]]]:
        def ask(reader: object) -> list[tuple[str, list[str]]]:
            work = shop.work(who)
            steps = workflow.offered(AtHand(reader, shop.model), work, ORDER, record)  # type: ignore[arg-type]
            return [(step.transition.id, [each.code for each in step.problems]) for step in steps]

        return shop.read(ask)

    assert offered("clara") == [("pay", ["workflow.required"])]
    assert offered("kim") == [("pay", ["workflow.required"]), ("cancel", ["workflow.required"])]


def test_hidden_fields_are_cleared_and_never_required(shop: Workspace) -> None:
    record = order(shop, reason="left over")
    assert get(shop, "clara", ORDER, record).values["reason"] is None


def test_readonly_holds_on_the_server(shop: Workspace) -> None:
    buyer = shop.create("clara", BUYER, {"name": "Acme"})
    record = order(shop, "kim", buyer=buyer)
    shop.update("kim", ORDER, record, {"bonus": "1"})
    shop.save("kim", "update", ORDER, record, transition="pay")
    with pytest.raises(Refused) as refused:
        shop.update("kim", ORDER, record, {"bonus": "999"})
    assert codes(refused) == {"/bonus": "record.readonly"}
