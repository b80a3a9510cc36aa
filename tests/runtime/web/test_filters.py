"""Filters as people build and read them: exact numbers, sentences, one condition taken away at a time."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from dacheng.runtime.web.fields.numbers import grouped, with_currency
from dacheng.runtime.web.view import filters
from dacheng.runtime.web.view.list_state import ListState


@pytest.mark.parametrize(
    ("parts", "whole"),
    [([], None), ([{"a": 1}], {"a": 1}), ([{"a": 1}, {"b": 2}], {"and": [{"a": 1}, {"b": 2}]})],
)
def test_conditions_joined_come_apart_again(parts: list[Any], whole: Any) -> None:
    assert filters.joined(parts) == whole
    assert filters.conditions(whole) == parts


def test_a_list_address_keeps_its_state_and_starts_over_at_the_first_page() -> None:
    query = {
        "view": "won",
        "filter": '{"==":[{"var":"stage"},"won"]}',
        "owner": "x",
        "q": "云",
        "cursor": "c",
    }
    state = ListState.of("/apps/a/b", query)
    again = ListState.of("/apps/a/b", dict(state.pairs()))
    assert (again.filter, again.equals, again.q, again.view) == (state.filter, (("owner", "x"),), "云", "won")
    assert "cursor" not in state.href(sort="name")
    assert "cursor=n" in state.href(cursor="n")


@pytest.mark.parametrize(
    ("scale", "stored", "text"),
    [
        (2, 105400, "1,054.00"),
        (2, -1, "−0.01"),
        (0, 2001, "2001"),
        (0, 12345, "12,345"),
        (4, 10**15, "100,000,000,000.0000"),
    ],
)
def test_numbers_are_grouped_and_exact(scale: int, stored: int, text: str) -> None:
    assert grouped(scale)(stored) == text
    assert Decimal(text.replace(",", "").replace("−", "-")) == Decimal(stored).scaleb(-scale)


def test_money_carries_its_sign_or_its_code() -> None:
    assert with_currency("−1.00", "CNY") == "−¥1.00"
    assert with_currency("1.00", "CHF") == "CHF 1.00"
