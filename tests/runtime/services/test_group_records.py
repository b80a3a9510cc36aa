"""Records in groups on both databases: counts and subtotals of what one may see, amounts apart by currency."""

from __future__ import annotations

import pytest

from dacheng.metadata.problem import Refused
from dacheng.runtime.services import group_records
from dacheng.runtime.services.gate import Query
from tests.runtime.services.test_write_record import codes
from tests.runtime.services.workspace import Workspace

BUYER, ORDER = "shop.buyer", "shop.order"


def grouped(
    shop: Workspace, who: str, ref: str, by: str, *sums: str
) -> list[tuple[object, object, int, object]]:
    work = shop.work(who)
    found, more = shop.read(lambda r: group_records.groups(r, work, Query(ref), by, sums))
    assert not more
    return [(each.key, each.title, each.count, each.sums) for each in found]


def test_choices_links_and_months_are_groups_with_counts(shop: Workspace) -> None:
    acme = shop.create("kim", BUYER, {"name": "Acme", "level": "gold"})
    for number, day in (("1", "2026-01-31"), ("2", "2026-02-01"), ("3", "2026-02-28"), ("4", None)):
        buyer = acme if number != "4" else None
        shop.create("kim", ORDER, {"number": number, "ordered_on": day, "buyer": buyer})
    assert [row[:3] for row in grouped(shop, "kim", ORDER, "ordered_on")] == [
        (None, None, 1), ("2026-01", None, 1), ("2026-02", None, 2),
    ]  # fmt: skip
    assert [row[:3] for row in grouped(shop, "kim", ORDER, "buyer")] == [(None, None, 1), (acme, "Acme", 3)]
    assert [row[0] for row in grouped(shop, "kim", ORDER, "buyer.level")] == [None, "gold"]


def test_amounts_of_different_currencies_stand_apart(shop: Workspace) -> None:
    for number, (amount, currency) in enumerate(
        [("1.50", "CNY"), ("2.25", "CNY"), ("7", "USD"), (None, None)]
    ):
        credit = {"amount": amount, "currency": currency} if amount else None
        shop.create("kim", BUYER, {"name": f"B{number}", "level": "gold", "credit": credit, "visits": number})
    (group,) = grouped(shop, "kim", BUYER, "level", "credit", "visits")
    assert group == ("gold", None, 4, {"credit": {"CNY": 375, "USD": 700}, "visits": {"": 6}})


def test_t05_groups_count_only_rows_within_reach(shop: Workspace) -> None:
    shop.create("clara", ORDER, {"number": "1"})
    shop.create("kim", ORDER, {"number": "2"})
    assert [row[2] for row in grouped(shop, "clara", ORDER, "state")] == [1]
    assert [row[2] for row in grouped(shop, "kim", ORDER, "state")] == [2]


@pytest.mark.parametrize("name", ["credit", "misspelt"])
def test_t05_hidden_fields_group_and_add_up_like_misspelt_ones(small_shop: Workspace, name: str) -> None:
    for by, sums in ((name, ()), ("level", (name,))):
        with pytest.raises(Refused) as refused:
            grouped(small_shop, "clara", BUYER, by, *sums)
        assert set(codes(refused).values()) == {"query.unknown_field"}
