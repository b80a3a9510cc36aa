"""What waits for a person: own open records that lack key fields, nobody else's, nothing hidden, nothing finished."""

from __future__ import annotations

from dacheng.runtime.services import waiting
from tests.runtime.services.test_write_record import ORDER, order
from tests.runtime.services.workspace import Workspace

BUYER = "shop.buyer"


def waits(shop: Workspace, who: str) -> list[tuple[str, int, list[tuple[str, str, list[str]]]]]:
    work = shop.work(who)
    return [
        (
            pile.policy.entity.ref,
            pile.count,
            [(each.title, each.state, [field.id for field in each.missing]) for each in pile.items],
        )
        for pile in shop.read(lambda r: waiting.read(r, work))
    ]


def test_own_open_records_without_their_key_fields_wait(shop: Workspace) -> None:
    buyer = shop.create("clara", BUYER, {"name": "Acme"})
    order(shop, number="A-1")
    complete = order(shop, number="A-2", buyer=buyer)
    order(shop, "cody", "B-1")
    assert waits(shop, "clara") == [(ORDER, 1, [("A-1", "draft", ["buyer"])])]
    shop.update("clara", ORDER, complete, {"buyer": None})
    assert waits(shop, "clara")[0][1] == 2
    assert waits(shop, "kim") == waits(shop, "gus") == []


def test_a_long_pile_is_counted_and_shown_in_part(small_shop: Workspace) -> None:
    for number in range(9):
        small_shop.create("clara", ORDER, {"number": f"N-{number}"})
    ((_, count, items),) = waits(small_shop, "clara")
    assert (count, len(items)) == (9, waiting.FEW)
