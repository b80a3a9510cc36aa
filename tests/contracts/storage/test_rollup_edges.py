"""Roll-ups at their edges: currencies come and go, amounts of nothing, sums beyond 64 bits; doctor agrees each time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

import pytest

from dacheng.metadata.field_kinds.money import Money
from dacheng.metadata.problem import Refused
from dacheng.runtime.storage import checks
from tests.runtime.storage.open_shop import Shop, cny
from tests.runtime.storage.shop import uid


def usd(amount: int) -> Money:
    return Money(Decimal(amount), "USD")


def _delete(shop: Shop, key: str, lines: Sequence[str]) -> None:
    shop.apply(shop.change("delete", "purchase_line", lines[-1]))


def _add_yuan(shop: Shop, key: str, lines: Sequence[str]) -> None:
    shop.apply(shop.change("create", "purchase_line", uid(), purchase=key, amount=cny(5), position=9))


def _to_dollars(shop: Shop, key: str, lines: Sequence[str]) -> None:
    shop.apply(shop.change("update", "purchase_line", lines[-1], amount=usd(0)))


def _empty(shop: Shop, key: str, lines: Sequence[str]) -> None:
    shop.apply(shop.change("update", "purchase_line", lines[-1], amount=None))


EDGES: dict[
    str, tuple[list[Money | None], Callable[[Shop, str, Sequence[str]], None], dict[str, str] | None]
] = {
    "the only dollar leaves": ([usd(5)], _delete, {"amount": "0.00", "currency": "CNY"}),
    "the only dollar is emptied": ([usd(5)], _empty, {"amount": "0.00", "currency": "CNY"}),
    "no dollars and yuan": ([usd(0)], _add_yuan, None),
    "no yuan become no dollars": ([cny(5), cny(0)], _to_dollars, None),
    "a stranger leaves": ([cny(5), usd(3)], _delete, {"amount": "5.00", "currency": "CNY"}),
    "dollars that cancel out": ([usd(5), usd(-5), usd(0)], _delete, {"amount": "0.00", "currency": "USD"}),
}


@pytest.mark.parametrize("edge", EDGES)
def test_a_sum_of_money_knows_its_currency_after_every_change(shop: Shop, edge: str) -> None:
    amounts, act, expected = EDGES[edge]
    key, lines = shop.purchase(*amounts)
    act(shop, key, lines)
    assert shop.json("purchase", key)["total"] == expected
    assert shop.db.read_now(lambda reader: checks.check_all(reader, shop.model)) == ()


def test_a_sum_beyond_64_bits_is_refused_and_changes_nothing(shop: Shop) -> None:
    huge = cny(9_999_999_999_999_999)
    key, _ = shop.purchase(*[huge] * 9)
    line = shop.change("create", "purchase_line", uid(), purchase=key, amount=huge, position=9)
    with pytest.raises(Refused) as refused:
        shop.apply(line)
    assert [each.code for each in refused.value.problems] == ["record.figure_too_large"]
    assert Decimal(shop.json("purchase", key)["total"]["amount"]) == 9 * Decimal(9_999_999_999_999_999)
    assert shop.db.read_now(lambda reader: checks.check_all(reader, shop.model)) == ()
