"""R8, R9, R14 through the service: forty at once, an import beside people, lost updates, one key sent twenty times."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median

import pytest
import sqlalchemy as sa

from dacheng.metadata.problem import Refused
from dacheng.runtime.host import Host
from dacheng.runtime.services import doctor, import_records, install_app, write_record
from dacheng.runtime.services.import_source import Source
from dacheng.runtime.services.work import Work
from dacheng.runtime.services.write_record import Write
from tests.faults.shop_versions import edition
from tests.faults.working import LINES, MAPPING, ORDER
from tests.runtime.workspace import workspace

LONG = bool(os.environ.get("DACHENG_SOAK"))
THREADS = 40
EACH = 25 if LONG else 8
EDITS = 500 if LONG else 40
PEOPLE = 3  # beside an import
P99_SECONDS = 0.25
ACCOUNT = "sales_management.account"


@pytest.fixture
def host(tmp_path: Path, database_url: str) -> Iterator[Host]:
    url = "" if database_url.startswith("sqlite") else database_url
    with workspace(tmp_path / "data", url) as opened:
        install_app.install(opened, opened.work(), edition(opened.kinds, 1))
        yield opened


def together(works: list[Callable[[], None]]) -> None:
    """Run all at once; the first error of any is raised."""
    errors: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - told to the test below
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(each,)) for each in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def create(host: Host, work: Work, number: str) -> float:
    """Save an order with two lines; answers the seconds it took."""
    started = time.perf_counter()
    values = {"number": number, "lines": LINES}
    write_record.write_now(host.db, work, Write("create", ORDER, values=values))
    return time.perf_counter() - started


def p99(seconds: list[float]) -> float:
    return sorted(seconds)[int(len(seconds) * 0.99)]


def fair_limit(alone: list[float]) -> float:
    """The figure promised; on a machine that is too busy for it, thrice the time of forty saves in a row."""
    return max(P99_SECONDS, 3 * THREADS * median(alone))


def stored(host: Host, prefix: str) -> int:
    order = host.model().tables.of(ORDER)
    wanted = sa.select(sa.func.count()).where(order.c.number.startswith(prefix))
    return int(host.db.read_now(lambda reader: reader.scalar(wanted)))


@pytest.mark.soak
def test_forty_people_save_at_once_and_nobody_waits_long_or_meets_a_lock(
    host: Host, record_property: Callable[[str, object], None]
) -> None:
    work = host.work()
    alone = [create(host, work, f"A-{n}") for n in range(20)]
    seconds: list[float] = []

    def person(number: int) -> None:
        seconds.extend([create(host, work, f"T-{number}-{step}") for step in range(EACH)])

    together([lambda number=number: person(number) for number in range(THREADS)])  # type: ignore[misc]
    record_property("p99", round(p99(seconds), 4))
    record_property("alone", round(median(alone), 4))
    assert stored(host, "T-") == THREADS * EACH
    assert p99(seconds) <= fair_limit(alone)
    assert doctor.examine(host, lambda step, done, total: None).problems == ()


@pytest.mark.soak
def test_an_import_and_people_both_go_on(host: Host) -> None:
    work = host.work()
    rows = 4000 if LONG else 600
    lines = [f"I-{n:05},Buyer {n % 9},2026-01-01" for n in range(rows)]
    file = Source("orders.csv", "\n".join(["no,buyer,day", *lines, ""]).encode())
    alone = [create(host, work, f"A-{n}") for n in range(10)]
    done: list[import_records.Outcome] = []
    seconds: list[float] = []
    over = threading.Event()

    def take_in() -> None:
        try:
            done.append(import_records.start(host, work, ORDER, file, MAPPING))
        finally:
            over.set()

    def person(number: int) -> None:
        step = 0
        while step < 5 or not over.is_set():
            seconds.append(create(host, work, f"P-{number}-{step}"))
            step += 1

    together([take_in, *[lambda number=number: person(number) for number in range(8)]])
    assert done[0].created == rows
    assert stored(host, "P-") == len(seconds)
    batch = 500 * median(alone)  # a batch is one transaction: a person may meet one
    assert p99(seconds) <= fair_limit(alone) + batch


@pytest.mark.soak
def test_nobody_waits_half_a_second_for_a_large_import(
    tmp_path: Path, database_url: str, record_property: Callable[[str, object], None]
) -> None:
    """Who adds, changes and deletes accounts, to which much links, gets in between the import's rows."""
    rows = 100_000 if LONG else 5000
    lines = [f"导入客户{n:06},{n % 5000 + 5}" for n in range(rows)]
    file = Source("accounts.csv", "\n".join(["name,employees", *lines, ""]).encode())
    columns = {"columns": {"name": "name", "employees": "employees"}}
    seconds: dict[str, list[float]] = {"create": [], "update": [], "delete": []}
    over = threading.Event()
    url = "" if database_url.startswith("sqlite") else database_url

    def timed(host: Host, asked: Write) -> str:
        started = time.perf_counter()
        made = write_record.write_now(host.db, host.work(), asked)
        seconds[asked.action].append(time.perf_counter() - started)
        return made.id

    def person(host: Host, number: int) -> None:
        step = 0
        while step < 5 or not over.is_set():
            step += 1
            one = timed(host, Write("create", ACCOUNT, values={"name": f"客户 {number}-{step}"}))
            timed(host, Write("update", ACCOUNT, one, {"employees": step}))
            timed(host, Write("delete", ACCOUNT, one))
            over.wait(0.1)

    def take_in(host: Host) -> None:
        try:
            done = import_records.start(host, host.work(), ACCOUNT, file, columns)
            assert (done.created, done.failed) == (rows, 0)
        finally:
            over.set()

    with workspace(tmp_path / "data", url, sales=True) as host:
        for step in range(5):
            timed(host, Write("create", ACCOUNT, values={"name": f"客户 alone {step}"}))
        # the soak alone measures half a second: beside other tests nobody waits for more than a few batches
        limit = max(0.5 if LONG else 2.0, 3 * PEOPLE * median(seconds["create"]))
        together([partial(take_in, host), *[partial(person, host, number) for number in range(PEOPLE)]])
    for action, taken in seconds.items():
        record_property(action, [round(median(taken), 3), round(p99(taken), 3), round(max(taken), 3)])
        assert p99(taken) <= limit, action


@pytest.mark.soak
def test_two_editors_never_lose_an_update_unseen(host: Host) -> None:
    work = host.work()
    record = write_record.write_now(
        host.db, work, Write("create", ORDER, values={"number": "0", "lines": LINES})
    ).id
    order = host.model().tables.of(ORDER)
    mine = sa.select(order.c.number, order.c.version).where(order.c.id == record)
    saved: list[int] = []
    told: list[str] = []

    def editor() -> None:
        for _ in range(EDITS):
            row = host.db.read_now(lambda reader: reader.row(mine))
            assert row is not None
            change = Write("update", ORDER, record, {"number": str(int(row[0]) + 1)}, row[1])
            try:
                saved.append(write_record.write_now(host.db, work, change).version)
            except Refused as refused:
                told.append(refused.problems[0].code)

    together([editor, editor])
    assert set(told) <= {"record.conflict", "record.version_moved"}  # the latter: both wanted the same value
    assert len(saved) + len(told) == 2 * EDITS
    assert host.db.read_now(lambda reader: reader.row(mine)) == (str(len(saved)), len(saved) + 1)


def test_twenty_saves_with_one_key_make_one_record(host: Host) -> None:
    work = host.work()
    asked = Write("create", ORDER, values={"number": "once", "lines": LINES}, key="form-1")
    answers: list[tuple[str, int]] = []

    def send() -> None:
        outcome = write_record.write_now(host.db, work, asked)
        answers.append((outcome.id, outcome.version))

    together([send] * 20)
    assert len(answers) == 20
    assert len(set(answers)) == 1
    assert stored(host, "once") == 1
