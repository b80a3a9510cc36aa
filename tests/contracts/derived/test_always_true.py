"""Formulas over roll-ups, roll-ups over formulas and lookups over both are true after every way of writing."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.contracts.derived import mill
from tests.contracts.derived.working import STEPS, Mill
from tests.contracts.field_kinds.house import House, open_house
from tests.runtime.workspace import add

PEOPLE = ("lena@example.com", "marc@example.com")
Step = tuple[str, int, int, int]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One workspace per database; every example makes records of its own."""
    url, server = "", None
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_server")
        url = server.new_database()
    with open_house(tmp_path_factory.mktemp("mill"), url, mill.package()) as opened:
        yield opened
    if server is not None:
        server.drop(url)


@pytest.fixture(scope="module")
def people(house: House) -> tuple[str, str]:
    """Who hands over to whom."""
    found = tuple(add(house.host, each, "core.admin") for each in PEOPLE)
    house.host.refresh()
    return (found[0], found[1])


def opened(house: House, people: tuple[str, str]) -> Mill:
    """A mill with a few records of each kind."""
    made = Mill(house, people)
    for n in range(3):
        assert made.company(n - 1, n + 1, n)
        assert made.product(0, 0, 0)
    for n in range(3):
        assert made.deal(n, n + 1, n + 2)
    return made


BEFORE: dict[str, tuple[Step, ...]] = {
    "take_back": (("change", 1, 1, 1),),
    "bring_back": (("drop", 0, 0, 0),),
    "bulk_back": (("bulk", 0, 0, 1),),
    "unmerge": (("merge", 0, 1, 1),),
    "hand_back": (("hand_over", 1, 0, 0),),
    "take_out": (("take_in", 0, 0, 1),),
}


@pytest.mark.parametrize("step", STEPS)
def test_what_is_computed_is_true_after(house: House, people: tuple[str, str], step: str) -> None:
    """Each way of writing by itself, on records on which it is carried out."""
    made = opened(house, people)
    for name, *numbers in (*BEFORE.get(step, ()), (step, 1, 2, 1)):
        assert getattr(made, name)(*numbers), (name, made.said)
    assert made.wrong() == []


ANY_ORDER = st.lists(st.tuples(st.sampled_from(STEPS), *[st.integers(0, 99)] * 3), max_size=14)
NO_SMALLER = (Phase.explicit, Phase.generate)  # an example takes too long to look for a smaller one
EXAMPLES = 200 if os.environ.get("DACHENG_SOAK") else 4


@pytest.mark.soak
@settings(max_examples=EXAMPLES, phases=NO_SMALLER)
@given(steps=ANY_ORDER)
def test_what_is_computed_is_true_after_any_of_them_in_any_order(
    house: House, people: tuple[str, str], steps: list[Step]
) -> None:
    made = opened(house, people)
    for name, a, b, c in steps:
        getattr(made, name)(a, b, c)
    assert made.wrong() == []
