"""Claims: who is kept out asks, an arbiter decides, both hear of it; nothing of the record is told on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from dacheng.metadata.problem import Refused
from dacheng.runtime.services import claims, history, inbox, read_records
from dacheng.runtime.services.claims import Claim
from tests.runtime.services.test_duplicates import codes, order, with_match
from tests.runtime.services.together import deliver, with_roles
from tests.runtime.services.workspace import Workspace, open_workspace

ORDER = "shop.order"


@pytest.fixture
def shop(database_url: str) -> Iterator[Workspace]:
    made = with_roles(open_workspace(database_url, with_match(protection_days=30)))
    yield made
    made.db.close()


def ask(shop: Workspace, who: str, place: str, reason: str = "我们上月已签意向书") -> str:
    work, values = shop.work(who), {"place": place}
    return shop.db.write_now(partial(claims.claim, work=work, ref=ORDER, values=values, reason=reason))


def decide(shop: Workspace, who: str, claim: str, answer: str = "", *, accept: bool) -> None:
    asyncio.run(claims.decide(shop.db, shop.work(who), claim, answer, accept=accept))


def waiting(shop: Workspace, who: str) -> list[Claim]:
    return shop.read(lambda reader: claims.to_decide(reader, shop.work(who)))


def own(shop: Workspace, who: str) -> list[Claim]:
    return shop.read(lambda reader: claims.own(reader, shop.work(who)))


def told(shop: Workspace, who: str) -> list[tuple[str, str, str]]:
    deliver(shop)
    found = shop.read(lambda reader: inbox.read(reader, shop.work(who)))
    return [(each.kind, each.record, each.title) for each in found.items]


def values(shop: Workspace, record: str) -> dict[str, Any]:
    work = shop.work("kim")
    return shop.read(lambda reader: read_records.get(reader, work, ORDER, record)).json()


def test_an_accepted_claim_makes_the_record_the_claimants(shop: Workspace) -> None:
    record = order(shop, "clara", "1", "华云科技有限公司")
    claim = ask(shop, "cody", "华云（北京）科技")
    (one,) = waiting(shop, "kim")
    assert (one.record, one.title, one.owner, one.claimant) == (record, "1", "Clara", "Cody")
    assert (one.said, one.accepted) == ("华云（北京）科技", None)
    assert ("claim", record, "1") in told(shop, "kim")
    decide(shop, "kim", claim, accept=True)
    assert values(shop, record)["owner"] == shop.people["cody"]
    assert waiting(shop, "kim") == []
    assert ("claim_answer", claim, "") in told(shop, "cody")
    assert "claim_lost" in [kind for kind, _, _ in told(shop, "clara")]
    entries = shop.read(lambda reader: history.read(reader, shop.work("kim"), ORDER, record, 5)).entries
    assert (entries[0].cause_kind, entries[0].cause) == ("claim", claim)
    with pytest.raises(Refused) as refused:
        decide(shop, "kim", claim, "again", accept=False)
    assert codes(refused) == [("claim.decided", "")]


def test_a_refusal_needs_a_reason_and_leaves_the_record(shop: Workspace) -> None:
    record = order(shop, "clara", "1", "Acme")
    claim = ask(shop, "cody", "ACME Ltd")
    with pytest.raises(Refused) as refused:
        decide(shop, "kim", claim, " ", accept=False)
    assert codes(refused) == [("claim.no_answer", "/answer")]
    decide(shop, "kim", claim, "Clara 已拜访三次", accept=False)
    (mine,) = own(shop, "cody")
    assert (mine.accepted, mine.answer, mine.decider) == (False, "Clara 已拜访三次", "Kim")
    assert values(shop, record)["owner"] == shop.people["clara"]
    assert ask(shop, "cody", "Acme", "新的证据")  # a closed claim is no bar to a new one


def test_t07_a_claimant_learns_nothing_of_the_record_in_the_way(shop: Workspace) -> None:
    record = order(shop, "clara", "7751", "Acme")
    claim = ask(shop, "cody", "ACME Ltd")
    assert record not in repr(own(shop, "cody"))
    assert "7751" not in repr(own(shop, "cody"))
    decide(shop, "kim", claim, "no", accept=False)
    assert record not in repr(told(shop, "cody"))
    assert "7751" not in repr(told(shop, "cody"))


def test_only_an_arbiter_decides_and_only_what_is_protected_is_claimed(shop: Workspace) -> None:
    order(shop, "clara", "1", "Acme")
    claim = ask(shop, "cody", "Acme")
    for who in ("clara", "cody"):
        assert waiting(shop, who) == []
        with pytest.raises(Refused) as refused:
            decide(shop, who, claim, "x", accept=True)
        assert codes(refused) == [("claim.missing", "")]
    for who, place, code in (
        ("cody", "Acme", "claim.open"),
        ("clara", "Acme", "claim.nothing"),
        ("kim", "Acme", "claim.nothing"),
        ("cody", "Umbra", "claim.nothing"),
    ):
        with pytest.raises(Refused) as refused:
            ask(shop, who, place)
        assert codes(refused) == [(code, "")]
    with pytest.raises(Refused) as refused:
        ask(shop, "cody", "Acme", "  ")
    assert codes(refused) == [("claim.no_reason", "/reason")]


def test_a_claim_goes_with_a_record_that_leaves_for_good(shop: Workspace) -> None:
    record = order(shop, "clara", "1", "Acme")
    ask(shop, "cody", "Acme")
    shop.save("kim", "delete", ORDER, record)
    assert waiting(shop, "kim") == []
    shop.save("", "purge", ORDER, record)
    assert own(shop, "cody") == []
