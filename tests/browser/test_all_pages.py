"""Line 1: every page that links lead an administrator, a manager and a salesperson to, and those no link leads to.

Each is accessible (axe), keeps its policy, writes nothing to the console and never scrolls sideways, in two sizes, both
appearances and both languages. `make test` looks at each page as one of those who reach it, in one mode; `make soak` as
everybody in all eight.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from dacheng.runtime.host import Host
from dacheng.runtime.settings import Settings
from tests.browser.conftest import PASSWORD, Served, listening
from tests.browser.looking import MODES, Looker, Mode, falls_to, look_in
from tests.browser.places import Visitor, kind_of, visitor
from tests.support.browser import Chromium

pytestmark = pytest.mark.browser
LONG = bool(os.environ.get("DACHENG_SOAK"))
SALES = "/apps/sales_management"
PEOPLE = ("admin", "manager", "rep")
WANTED = {
    "admin": {"/marketplace", "/labels", "/import", "/settings", "/settings/people", "/settings/workspace"},
    "manager": {"/import", "/settings", f"{SALES}/opportunity/new", f"{SALES}/dashboards/overview"},
    "rep": {"/import", "/settings", f"{SALES}/account/new", "/search"},
}


@dataclass(frozen=True)
class Round:
    """What one person reaches."""

    visitor: Visitor
    places: tuple[str, ...]
    share: tuple[str, ...]  # those that fall to this person when not everybody looks at everything


@pytest.fixture(scope="module")
def rounds(served: Served) -> Iterator[dict[str, Round]]:
    """Each person's places, found once."""
    with ExitStack() as stack:
        people = {who: stack.enter_context(visitor(served, who)) for who in PEOPLE}
        reached = {who: tuple(each.places()) for who, each in people.items()}
        turns = shared_out(reached)
        yield {who: Round(each, reached[who], turns[who]) for who, each in people.items()}


def shared_out(reached: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Each kind of place once, by turns among the people who reach it."""
    by_kind: dict[str, dict[str, str]] = {}
    for who, places in reached.items():
        for place in places:
            by_kind.setdefault(kind_of(place), {})[who] = place
    turns: dict[str, list[str]] = {who: [] for who in reached}
    for at, places_of in enumerate(by_kind.values()):
        who = [*places_of][at % len(places_of)]
        turns[who].append(places_of[who])
    return {who: tuple(places) for who, places in turns.items()}


def sampled(found: Round, mode: int) -> tuple[str, ...]:
    """What is looked at in one mode."""
    return found.places if LONG else found.share[mode :: len(MODES)]


@pytest.mark.parametrize("who", PEOPLE)
def test_no_link_is_dead_and_everything_of_ones_own_is_reached_by_links(
    rounds: dict[str, Round], who: str
) -> None:
    found = rounds[who]
    assert found.visitor.dead == []
    assert WANTED[who] - {place.partition("?")[0] for place in found.places} == set()
    assert len(found.places) > 40


@pytest.mark.soak
@pytest.mark.parametrize("mode", range(len(MODES)), ids=[each.id for each in MODES])
@pytest.mark.parametrize("who", PEOPLE)
def test_every_page_reached_is_accessible_quiet_and_fits(
    served: Served, chromium: Chromium, rounds: dict[str, Round], who: str, mode: int
) -> None:
    found = rounds[who]
    looker = look_in(chromium, served.url, MODES[mode], found.visitor.cookie)
    wrong = {}
    for place in sampled(found, mode):
        looker.page.goto(place)
        looker.page.wait_for_load_state()
        if faults := looker.faults():
            wrong[place] = faults
    assert wrong == {}


# ---------------------------------------------------------------- pages that no link leads to
States = Iterator[str]


def strangers(looker: Looker, round_: Round) -> States:
    """Nobody is signed in."""
    page = looker.page
    page.context.clear_cookies()
    page.goto("/sign-in")
    yield "sign-in"
    looker.recorder.expected_status = {401, 422}
    page.fill("[name=email]", "nobody@example.com")
    page.fill("[name=password]", "wrong wrong wrong")
    page.click("main button[type=submit]")
    yield "sign-in refused"
    page.goto("/reset")
    yield "reset"
    page.goto("/reset?token=abc")
    yield "reset with a link that is not good"


def errors(looker: Looker, round_: Round) -> States:
    """Addresses that are not there."""
    looker.recorder.expected_status = {400, 403, 404}
    for place in ("/nothing", f"{SALES}/account/{'0' * 32}", f"{SALES}/account?filter=%7B", "/apps/x/y"):
        looker.page.goto(place)
        yield place


def empties(looker: Looker, round_: Round) -> States:
    """Lists and searches without and with results."""
    for place in (f"{SALES}/opportunity?q=nothing-is-so-called", "/search?q=zzzzzz", "/search?q=a"):
        looker.page.goto(place)
        yield place


def problems(looker: Looker, round_: Round) -> States:
    """A form sent back."""
    looker.recorder.expected_status = {422}
    looker.page.goto(f"{SALES}/opportunity/new")
    looker.page.fill("#f-name", "A line without a product")
    looker.page.fill("[name='lines.0.quantity']", "2")
    looker.page.click("[data-save]")
    looker.page.wait_for_selector("#error-summary")
    yield "form with problems"


def imports(looker: Looker, round_: Round) -> States:
    """The wizard, step by step."""
    page = looker.page
    page.goto("/import")
    page.select_option("[name=entity]", "sales_management.product")
    rows = b"name,series,price\nSeen in a test,GTX,12\n,GTX,much\n"
    page.set_input_files("[name=file]", {"name": "a.csv", "mimeType": "text/csv", "buffer": rows})
    page.click("main form[action='/import'] button[type=submit]")
    page.wait_for_url("**/import/draft/*")
    yield "mapping"
    page.click("button[value=check]")
    page.wait_for_selector("#h-check")
    yield "check"
    page.click("button[value=run]")
    page.click(".import-undo summary")
    yield "done"
    page.click("form[action$='/undo'] button[type=submit]")
    page.wait_for_url(lambda url: "/import/" in url and "progress" not in url)
    page.wait_for_load_state()
    yield "undone"


def secrets(looker: Looker, round_: Round) -> States:
    """A token, shown once; a password that is not the old one."""
    page = looker.page
    page.goto("/settings")
    page.fill("form[action='/settings/tokens'] [name=name]", "seen")
    page.click("form[action='/settings/tokens'] button[type=submit]")
    page.wait_for_load_state()
    yield "token"
    looker.recorder.expected_status = {403, 422}
    page.goto("/settings")
    for name in ("old_password", "password", "again"):
        page.fill(f"[name={name}]", "a wrong pass phrase")
    page.click("form[action='/settings/password'] button[type=submit]")
    page.wait_for_load_state()
    yield "password refused"


FLOWS: tuple[Callable[[Looker, Round], States], ...] = (
    strangers, errors, empties, problems, imports, secrets,
)  # fmt: skip
SHARES = [
    pytest.param(flow, mode, id=f"{flow.__name__}-{mode.id}")
    for at, flow in enumerate(FLOWS)
    for number, mode in enumerate(MODES)
    if LONG or falls_to(at, number)
]


def seen(looker: Looker, states: States) -> dict[str, list[str]]:
    """What is wrong in each state that is."""
    found = {name: looker.faults() for name in states}
    return {name: faults for name, faults in found.items() if faults}


@pytest.mark.soak
@pytest.mark.parametrize(("flow", "mode"), SHARES)
def test_pages_that_no_link_leads_to_are_as_good(
    served: Served,
    chromium: Chromium,
    rounds: dict[str, Round],
    flow: Callable[[Looker, Round], States],
    mode: Mode,
) -> None:
    looker = look_in(chromium, served.url, mode, rounds["admin"].visitor.cookie)
    assert seen(looker, flow(looker, rounds["admin"])) == {}


@pytest.mark.soak
@pytest.mark.parametrize("mode", MODES if LONG else [MODES[2], MODES[5]], ids=lambda mode: mode.id)
def test_a_page_one_may_not_open_is_as_good(
    served: Served, chromium: Chromium, rounds: dict[str, Round], mode: Mode
) -> None:
    looker = look_in(chromium, served.url, mode, rounds["rep"].visitor.cookie)
    looker.recorder.expected_status = {403}

    def forbidden() -> States:
        for place in ("/marketplace", "/labels", "/settings/people"):
            looker.page.goto(place)
            yield place

    assert seen(looker, forbidden()) == {}


@pytest.mark.soak
@pytest.mark.parametrize("mode", MODES if LONG else [MODES[3], MODES[4]], ids=lambda mode: mode.id)
def test_setting_up_a_new_workspace_is_as_good(
    chromium: Chromium, tmp_path_factory: pytest.TempPathFactory, mode: Mode
) -> None:
    host = Host.open(Settings(data=tmp_path_factory.mktemp("new")), plugins={})
    with listening(host) as url:
        looker = look_in(chromium, url, mode)
        looker.recorder.expected_status = {403, 422}

        def steps() -> States:
            looker.page.goto("/setup")
            yield "empty"
            looker.page.fill("[name=email]", "x@example.com")
            looker.page.fill("[name=name]", "X")
            looker.page.fill("[name=token]", "not the token")
            looker.page.fill("[name=password]", PASSWORD)
            looker.page.click("main button[type=submit]")
            looker.page.wait_for_load_state()
            yield "refused"

        assert seen(looker, steps()) == {}
        looker.page.close()
    host.close()
