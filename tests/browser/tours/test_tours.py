"""Each role of both apps does its day by clicks alone, at a desk and on a phone: no dead end, nothing empty without a hint.

Those who depend on each other that day stand in one team: what one hands on, the next one finds. `make test` walks
each team's day in one way, at the desk or on the phone by turns; `make soak` in every way.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import pytest

from dacheng.runtime.services import outbox_worker
from tests.browser.tours import days_sales, days_stores
from tests.browser.tours.conftest import Firm
from tests.browser.tours.steps import Step
from tests.browser.tours.walk import Way, sets_out
from tests.support.browser import Chromium

pytestmark = pytest.mark.browser
DAYS: Mapping[str, Sequence[Step]] = {**days_sales.DAYS, **days_stores.DAYS}
TEAMS = (
    ("rep", "manager"),
    ("province", "region", "gm"),
    ("marketing",),
    ("service",),
    ("finance",),
    ("guide", "store", "area", "hq"),
    ("inspector",),
)
WAYS = (
    Way(phone=False, scheme="light", locale="zh-CN"),
    Way(phone=True, scheme="dark", locale="en"),
    Way(phone=True, scheme="light", locale="zh-CN"),
    Way(phone=False, scheme="dark", locale="en"),
)
LONG = bool(os.environ.get("DACHENG_SOAK"))
WALKED = [
    pytest.param(team, way, id=f"{'-'.join(team)}-{way.id}")
    for at, team in enumerate(TEAMS)
    for number, way in enumerate(WAYS)
    if LONG or number == at % 2
]


def test_every_role_that_people_of_the_demo_hold_has_a_day(firm: Firm) -> None:
    people = {address.partition("@")[0] for address in firm.signs} - {"admin"}
    assert {who for team in TEAMS for who in team} == people


@pytest.mark.soak
@pytest.mark.parametrize(("team", "way"), WALKED)
def test_a_days_work_is_done_by_clicks_alone(
    firm: Firm, chromium: Chromium, team: tuple[str, ...], way: Way
) -> None:
    mark = f"{'手机' if way.phone else '桌面'}{way.locale[:2]}"
    for who in team:
        outbox_worker.drain(firm.host)  # what those before have brought about is told
        address = f"{who}@demo.example"
        walk = sets_out(chromium, firm.url, way, (address, firm.signs[address]), mark)
        for step in DAYS[who]:
            step(walk)
        walk.look(axe=True)
        assert walk.faults == {}, who
        chromium.close_contexts()
