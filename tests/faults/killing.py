"""Processes that die, and what must be true of what they leave behind."""

from __future__ import annotations

import hashlib
import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from dacheng.runtime.host import Host
from dacheng.runtime.services import doctor, files, install_app
from dacheng.runtime.storage import file_rows, imports
from dacheng.runtime.storage.system_tables import change_log, import_row, import_run
from tests.faults import working
from tests.faults.shop_versions import edition
from tests.faults.working import ORDER, Said
from tests.runtime.workspace import workspace

REOPEN_SECONDS = 5.0  # of this process' own work: a crowded machine may keep it waiting longer
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["tests.faults.working"])


@dataclass
class Place:
    """A workspace on disk, and what the processes in it have said."""

    data: Path
    url: str

    @property
    def said(self) -> Said:
        """What was acknowledged so far."""
        return Said(self.data.parent / "said")

    def start(self, *tasks: str, crash_at: str = "") -> Any:
        """A process of its own at work."""
        arguments = (str(self.data), self.url, str(self.data.parent / "said"), list(tasks), crash_at)
        process = _processes.Process(target=working.run, args=arguments)
        process.start()
        return process

    def finish(self, *tasks: str) -> None:
        """The same work without a kill."""
        process = self.start(*tasks)
        process.join(120)
        assert process.exitcode == 0

    def killed_at(self, point: str, *tasks: str) -> None:
        """Work until the named point, which must be reached."""
        process = self.start(*tasks, crash_at=point)
        process.join(120)
        assert process.exitcode == 137, f"{point} was not reached by {tasks}"

    def killed_after(self, seconds: float, *tasks: str) -> bool:
        """Work for a while, then SIGKILL; false when the work was done before."""
        known = len(self.said.all("ready"))
        process = self.start(*tasks)
        _wait_for(lambda: len(self.said.all("ready")) > known, 60)
        time.sleep(seconds)
        process.kill()
        process.join(60)
        return bool(process.exitcode == -9)


def prepare(data: Path, url: str) -> Place:
    """A workspace with version 1 of the app, its data and a few orders."""
    with workspace(data, url) as host:
        install_app.install(host, host.work(), edition(host.kinds, 1))
        working.write(host, Said(data.parent / "said"), 4)
    return Place(data, url)


def demand_whole(place: Place) -> int:
    """Open what a killed process left; everything acknowledged is there, nothing is there by halves.

    Answers the version of the app that is installed.
    """
    started, worked = time.monotonic(), time.process_time()
    with workspace(place.data, place.url) as host:
        assert time.process_time() - worked <= REOPEN_SECONDS
        place.said("reopened", seconds=round(time.monotonic() - started, 3))
        found = doctor.examine(host, _silent)
        assert found.problems == ()
        number = int(host.model().catalogue.apps["shop"].version.split(".")[0])
        assert number >= max((each["number"] for each in place.said.all("published")), default=1)
        _demand_term(place, host)
        _demand_orders(place, host)
        _demand_import(host)
        _demand_files(place, host)
    return number


def _demand_files(place: Place, host: Host) -> None:
    """Every file that was acknowledged, with all its bytes."""
    said = {each["id"]: each["hash"] for each in place.said.all("kept")}
    rows = host.db.read_now(lambda reader: file_rows.load(reader, list(said)))
    assert rows.keys() == said.keys()
    for row in rows.values():
        content = files.content(host, row).read_bytes()
        assert hashlib.sha256(content).hexdigest() == said[row.id] == row.hash


def _demand_term(place: Place, host: Host) -> None:
    """The word acknowledged last, or one tried since whose answer never came."""
    possible = {"顾客"}
    for each in place.said.all("naming", "named"):
        if each["what"] == "named":
            possible.clear()
        possible.add(each["text"])
    assert host.model().labels.text("zh-CN", "shop", "entity:buyer") in possible


def _demand_orders(place: Place, host: Host) -> None:
    """Every order that was acknowledged, in the version acknowledged or a later one, with all that belongs to it."""
    tables = host.model().tables
    order, line = tables.of(ORDER), tables.of("shop.order_line")
    known = {row[0]: row for row in host.db.read_now(lambda r: r.rows(sa.select(
        order.c.id, order.c.version, order.c.line_count, order.c.total, order.c.number
    )))}  # fmt: skip
    for each in place.said.all("made"):
        assert each["id"] in known
        assert known[each["id"]][1] >= each["version"]
    lines: dict[str, int] = dict(
        host.db.read_now(lambda r: r.rows(sa.select(line.c.order, sa.func.count()).group_by(line.c.order)))
    )
    logged = host.db.read_now(lambda r: r.rows(
        sa.select(change_log.c.record, sa.func.count()).where(change_log.c.entity == ORDER).group_by(change_log.c.record)
    ))  # fmt: skip
    entries: dict[str, int] = dict(logged)
    assert set(entries) == set(known)
    for identity, version, count, total, number in known.values():
        assert entries[identity] == version, "one entry of the change log for each version"
        if number.startswith("W-"):
            assert (lines[identity], count, total) == (2, 2, 1225)


def _demand_import(host: Host) -> None:
    """Rows accounted for, by row and in the sums of all imports, are rows stored."""
    order = host.model().tables.of(ORDER)
    there = sa.select(sa.func.count()).where(order.c.number.startswith("I-"))
    made = sa.select(sa.func.count()).where(import_row.c.outcome == imports.CREATED)
    noted = sa.select(sa.func.count()).where(import_row.c.outcome.in_([imports.CREATED, imports.UPDATED]))
    summed = sa.select(sa.func.coalesce(sa.func.sum(import_run.c.stored), 0))
    found = host.db.read_now(lambda r: [int(r.scalar(query)) for query in (there, made, noted, summed)])
    assert found[0] == found[1], found
    assert found[2] == found[3], found


def imported_hash(place: Place) -> str:
    """A hash of every imported row and of the buyers made for them."""
    with workspace(place.data, place.url) as host:
        tables = host.model().tables
        order, buyer = tables.of(ORDER), tables.of("shop.buyer")
        joined = sa.join(order, buyer, order.c.buyer == buyer.c.id)
        wanted = sa.select(order.c.number, buyer.c.name, order.c.ordered_on, order.c.state).select_from(
            joined
        )
        rows = host.db.read_now(
            lambda r: r.rows(wanted.where(order.c.number.startswith("I-")).order_by(order.c.number))
        )
        names = host.db.read_now(lambda r: r.rows(sa.select(buyer.c.name).order_by(buyer.c.name)))
    return hashlib.sha256(repr((rows, names)).encode()).hexdigest()


def _wait_for(true: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until
        time.sleep(0.005)


def _silent(step: str, done: int, total: int) -> None:
    return None
