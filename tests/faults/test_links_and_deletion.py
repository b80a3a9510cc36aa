"""On PostgreSQL a record is deleted while another connection links to it: nothing alive is left leading into the bin."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa

from dacheng.metadata.problem import Refused
from dacheng.runtime.services import read_records, write_record
from dacheng.runtime.services.gate import Query
from dacheng.runtime.services.write_record import Write
from dacheng.runtime.storage.database import open_database
from dacheng.runtime.storage.reader import Reader, Transaction
from tests.runtime.services.workspace import Workspace, model_of, open_workspace, packages

BUYER, ORDER, ITEM, LINE = "shop.buyer", "shop.order", "shop.item", "shop.order_line"
PATIENCE_SECONDS = 60
WAITING = sa.text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)
FIGURES: Mapping[str, str] = {"quantity": "1", "amount": "5"}


def shop_whose_orders(policy: str, url: str) -> Workspace:
    """The shop with this policy on an order's buyer."""
    core, base = packages()
    order = base.items["entity", "order"]
    properties = {**order["properties"]}
    properties["buyer"] = {**properties["buyer"], "x-on-delete": policy}
    items = {**base.items, ("entity", "order"): {**order, "properties": properties}}
    return open_workspace(url, model_of((core, replace(base, items=items, hash=""))))


@dataclass
class Race:
    """Two processes' views of one database: `shop` writes and holds its commit back while `other` comes."""

    shop: Workspace
    other: Workspace
    threads: ThreadPoolExecutor

    def run(self, first: Write, second: Write) -> tuple[str, str]:
        """What became of both: empty, or a problem's code. The second is on its way before the first commits."""
        written, go_on = threading.Event(), threading.Event()
        work = self.shop.work()
        prepared = self.shop.read(lambda reader: write_record.prepare(reader, work, first))

        def hold(tx: Transaction) -> None:
            write_record.commit(tx, work, prepared)
            written.set()
            assert go_on.wait(PATIENCE_SECONDS)

        later = self.other.work()
        planned = self.other.read(lambda reader: write_record.prepare(reader, later, second))
        one = self.threads.submit(outcome, lambda: self.shop.db.write_now(hold))
        assert written.wait(PATIENCE_SECONDS)
        two = self.threads.submit(
            outcome, lambda: self.other.db.write_now(lambda tx: write_record.commit(tx, later, planned))
        )
        self._until_waiting(two)
        go_on.set()
        return one.result(PATIENCE_SECONDS), two.result(PATIENCE_SECONDS)

    def _until_waiting(self, second: Future[str]) -> None:
        """Until the second waits for a lock of the first, or has gone through without one."""
        until = time.monotonic() + PATIENCE_SECONDS
        while not second.done() and not self.shop.read(lambda r: r.scalar(WAITING)):
            assert time.monotonic() < until

    def dangling(self) -> list[tuple[str, str]]:
        """Living records, lines among them, whose link leads to a record that is not alive."""
        return self.shop.read(lambda reader: list(_dangling(reader, self.shop)))

    def deadlocks(self) -> int:
        """How many deadlocks PostgreSQL has had to break in this database."""
        broken = sa.text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(self.shop.read(lambda reader: reader.scalar(broken)) or 0)


def _dangling(reader: Reader, shop: Workspace) -> Iterator[tuple[str, str]]:
    catalogue, tables = shop.model.catalogue, shop.model.tables
    for ref in (BUYER, ORDER, ITEM, LINE):
        for source, name in catalogue.links.get(ref, ()):
            made, target = tables.entity(source), tables.entity(ref)
            dead = sa.select(target.table.c.id).where(target.deleted_at.is_not(None))
            query = sa.select(made.table.c.id).where(
                made.columns[name][0].in_(dead), made.deleted_at.is_(None)
            )
            for (key,) in reader.rows(query):
                yield source, key


def outcome(act: Callable[[], Any]) -> str:
    """Empty when it went through, else the code of its problem."""
    try:
        act()
    except Refused as refused:
        return refused.problems[0].code
    return ""


@pytest.fixture
def race(request: pytest.FixtureRequest, postgres_url: str) -> Iterator[Race]:
    """The shop with the parameter's policy on an order's buyer, open twice."""
    shop = shop_whose_orders(getattr(request, "param", "restrict"), postgres_url)
    other = replace(shop, db=open_database(postgres_url))
    with ThreadPoolExecutor(8) as threads:
        yield Race(shop, other, threads)
    other.db.close()
    shop.db.close()


def order_for(**values: Any) -> Write:
    """An order to be created."""
    return Write("create", ORDER, values={"number": "N-1", **values})


def gone(ref: str, record: str) -> Write:
    """A deletion."""
    return Write("delete", ref, record)


def buyers(race: Race) -> list[Any]:
    found = race.shop.read(
        lambda r: read_records.list_page(r, race.shop.work(), Query(ORDER, ("number", "buyer")))
    )
    return [each["buyer"] for each in found.json()]


def test_a_deletion_restricted_by_a_link_that_is_just_being_made_waits_and_is_refused(race: Race) -> None:
    buyer = race.shop.create("", BUYER, {"name": "Acme"})
    assert race.run(order_for(buyer=buyer), gone(BUYER, buyer)) == ("", "record.in_use")
    assert (buyers(race), race.dangling(), race.deadlocks()) == ([buyer], [], 0)


@pytest.mark.parametrize("race", ["clear"], indirect=True)
def test_a_deletion_that_clears_links_clears_the_one_that_is_just_being_made(race: Race) -> None:
    buyer = race.shop.create("", BUYER, {"name": "Acme"})
    assert race.run(order_for(buyer=buyer), gone(BUYER, buyer)) == ("", "")
    assert (buyers(race), race.dangling(), race.deadlocks()) == ([None], [], 0)


@pytest.mark.parametrize("race", ["restrict", "clear"], indirect=True)
def test_a_link_to_what_is_just_being_deleted_waits_and_is_refused(race: Race) -> None:
    buyer = race.shop.create("", BUYER, {"name": "Acme"})
    order = race.shop.create("", ORDER, {"number": "N-0"})
    assert race.run(gone(BUYER, buyer), order_for(buyer=buyer)) == ("", "record.link_missing")
    other = race.shop.create("", BUYER, {"name": "Other"})
    relink = Write("update", ORDER, order, values={"buyer": other})
    assert race.run(gone(BUYER, other), relink) == ("", "record.link_missing")
    assert (buyers(race), race.dangling(), race.deadlocks()) == ([None], [], 0)


def test_links_in_lines_are_held_to_it_as_well(race: Race) -> None:
    first, second = (race.shop.create("", ITEM, {"name": name}) for name in ("Lamp", "Desk"))
    with_first, with_second = (order_for(lines=[{"item": each, **FIGURES}]) for each in (first, second))
    assert race.run(with_first, gone(ITEM, first)) == ("", "record.in_use")
    assert race.run(gone(ITEM, second), with_second) == ("", "record.link_missing")
    assert (race.dangling(), race.deadlocks()) == ([], 0)


def test_lines_that_go_with_their_record_and_a_line_just_added_never_part(race: Race) -> None:
    """Cascade: whichever comes second finds the record moved, and no line outlives its record."""
    for turn in (0, 1):
        order = race.shop.create("", ORDER, {"number": f"C-{turn}", "lines": [FIGURES]})
        add = Write("update", ORDER, order, values={"lines": [FIGURES, FIGURES]})
        pair = (add, gone(ORDER, order))
        first, second = race.run(*(pair if turn == 0 else reversed(pair)))
        assert first == ""
        assert second in ("record.version_moved", "record.missing")
    assert (race.dangling(), race.deadlocks()) == ([], 0)


def test_a_record_brought_back_while_what_it_links_to_is_deleted_leads_nowhere_dead(race: Race) -> None:
    buyer = race.shop.create("", BUYER, {"name": "Acme"})
    order = race.shop.create("", ORDER, {"number": "R-1", "buyer": buyer})
    race.shop.save("", "delete", ORDER, order)
    assert race.run(gone(BUYER, buyer), Write("restore", ORDER, order)) == ("", "record.link_missing")
    race.shop.save("", "restore", BUYER, buyer)
    assert race.run(Write("restore", ORDER, order), gone(BUYER, buyer)) == ("", "record.in_use")
    assert (race.dangling(), race.deadlocks()) == ([], 0)


@pytest.mark.parametrize("race", ["restrict", "clear"], indirect=True)
def test_many_who_link_and_delete_at_once_leave_nothing_dead_and_never_block_each_other_for_good(
    race: Race,
) -> None:
    known = [race.shop.create("", BUYER, {"name": f"B{n}"}) for n in range(6)]
    items = [race.shop.create("", ITEM, {"name": f"I{n}"}) for n in range(6)]
    start = threading.Barrier(8)

    def busy(number: int) -> list[str]:
        side = race.shop if number % 2 else race.other
        work = side.work()
        start.wait(PATIENCE_SECONDS)
        found = []
        for turn in range(6):
            at = (number + turn) % 6
            lines = [{"item": items[(at + turn) % 6], **FIGURES}]
            make = order_for(number=f"M-{number}-{turn}", buyer=known[at], lines=lines)
            drop = gone(*((BUYER, known[at]) if turn % 2 else (ITEM, items[at])))
            asked = drop if number in (0, 1) else make
            found.append(outcome(partial(write_record.write_now, side.db, work, asked)))
        return found

    codes = {code for each in race.threads.map(busy, range(8)) for code in each}
    assert codes <= {"", "record.in_use", "record.link_missing", "record.missing", "record.version_moved"}
    assert (race.dangling(), race.deadlocks()) == ([], 0)
