"""History is read on until it is full: changes that its reader may not see take no room in it."""

from __future__ import annotations

import pytest

from dacheng.runtime.services import history
from tests.runtime.services.workspace import Workspace

BUYER = "shop.buyer"


def test_changes_one_may_not_see_do_not_empty_the_history(
    shop: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "MAX_ENTRIES", 4)
    monkeypatch.setattr(history, "PAGE", 3)
    buyer = shop.create("clara", BUYER, {"name": "Acme"})
    for number in range(6):
        shop.update("kim", BUYER, buyer, {"note": f"n{number}"})
        for amount in range(4):
            credit = {"amount": str(10 * number + amount + 1), "currency": "CNY"}
            shop.update("kim", BUYER, buyer, {"credit": credit})
    work = shop.work("clara")
    first = shop.read(lambda r: history.read(r, work, BUYER, buyer))
    assert [each.changes[0].after for each in first.entries] == ["n5", "n4", "n3", "n2"]
    assert first.next == first.entries[-1].seq
    before = first.entries[-1].seq
    rest = shop.read(lambda r: history.read(r, work, BUYER, buyer, before=before))
    assert [each.action for each in rest.entries] == ["update", "update", "create"]
    assert rest.next is None
