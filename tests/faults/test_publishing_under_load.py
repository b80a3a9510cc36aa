"""Fifty publishes under HTTP load: no request is dropped, no record is written on an old plan (line 5)."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sqlalchemy as sa

from dacheng.runtime.host import Host
from dacheng.runtime.services import doctor, edit_labels, install_app, write_record
from dacheng.runtime.services.write_record import Write
from dacheng.runtime.storage.system_tables import change_log
from tests.faults.serving import Answer, Caller, Server, add_person, serve, serve_here
from tests.faults.shop_versions import edition
from tests.faults.working import LINES, ORDER
from tests.runtime.workspace import workspace

PUBLISHES = 50 if os.environ.get("DACHENG_SOAK") else 10
PEOPLE = 6
ORDERS = "/api/v1/apps/shop/order"


@dataclass
class Load:
    """What people asked while definitions changed; every answer that should not be is kept."""

    over: threading.Event = field(default_factory=threading.Event)
    trying: int = 1
    live: int = 1
    asked: int = 0
    wrong: list[str] = field(default_factory=list)
    saved: dict[str, tuple[int, int]] = field(default_factory=dict)
    known: tuple[str, ...] = ()  # orders that hold a value in the field that changes its kind

    def person(self, caller: Caller, name: str) -> None:
        """Save orders, look at lists and pages, until it is over."""
        step = 0
        try:
            while not self.over.is_set():
                step += 1
                self._save(caller, f"{name}-{step}")
                self._look(caller, "/apps/shop/order" if step % 2 else f"{ORDERS}?limit=5")
                self._look(caller, f"{ORDERS}/{self.known[step % len(self.known)]}")
                if step % 10 == 0:
                    self._look(caller, "/api/v1/openapi.json")
        except Exception as error:  # noqa: BLE001 - a dropped connection is a finding
            self.wrong.append(repr(error))

    def _save(self, caller: Caller, number: str) -> None:
        before = self.live
        answer = caller.post(ORDERS, {"number": number, "lines": LINES})
        if self._judge(answer, ORDERS) and answer.status == 201:
            self.saved[answer.json()["id"]] = (before, self.trying)

    def _look(self, caller: Caller, path: str) -> None:
        self._judge(caller.get(path), path)

    def _judge(self, answer: Answer, path: str) -> bool:
        self.asked += 1
        fine = 200 <= answer.status < 400 or (answer.status == 409 and b'"problems"' in answer.body)
        if not fine:
            self.wrong.append(f"{path} → {answer.status} {answer.text[:300]}")
        return fine


def publish_many(host: Host, load: Load) -> None:
    """Every second time other words, every second time another version."""
    for number in range(2, PUBLISHES + 2):
        if number % 2:
            edit_labels.set_term(host, host.work(), "shop", "zh-CN", "buyer", {"one": f"车主{number}"})
            continue
        load.trying = number // 2 + 1
        install_app.install(host, host.work(), edition(host.kinds, load.trying))
        load.live = load.trying


def holding_a_serial(host: Host) -> str:
    """An order with a serial number, which is text and a number in turn."""
    work = host.work()
    values = {"number": work.context.new_id(), "serial": "12", "lines": LINES}
    return write_record.write_now(host.db, work, Write("create", ORDER, values=values)).id


def run(host: Host, serving: AbstractContextManager[Server]) -> Load:
    """People at work while the other publishes."""
    _, token = add_person(host, "pat", "core.admin")
    load = Load(known=tuple(holding_a_serial(host) for _ in range(5)))
    with serving as server:
        callers = [server.program(token) for _ in range(PEOPLE)]
        threads = [threading.Thread(target=load.person, args=(c, f"O{n}")) for n, c in enumerate(callers)]
        for thread in threads:
            thread.start()
        try:
            publish_many(host, load)
        finally:
            load.over.set()
            for thread in threads:
                thread.join()
            for caller in callers:
                caller.close()
    return load


@pytest.fixture
def host(tmp_path: Path, database_url: str) -> Iterator[Host]:
    url = "" if database_url.startswith("sqlite") else database_url
    with workspace(tmp_path / "data", url) as opened:
        install_app.install(opened, opened.work(), edition(opened.kinds, 1))
        yield opened


@pytest.mark.soak
def test_publishing_under_load_drops_nothing_and_writes_nothing_on_an_old_plan(
    host: Host, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    is_sqlite = host.db.dialect == "sqlite"
    load = run(host, serve_here(host) if is_sqlite else serve(tmp_path / "data", host.settings.database, 2))
    record_property("asked", load.asked)
    record_property("saved", len(load.saved))
    assert load.wrong == []
    assert len(load.saved) > PUBLISHES
    order = host.work().model.tables.of(ORDER)
    editions: dict[str, int] = dict(
        host.db.read_now(lambda r: r.rows(sa.select(order.c.id, order.c.edition)))
    )
    for record, (earliest, latest) in load.saved.items():
        assert earliest <= editions[record] <= latest
    created = sa.select(change_log.c.record).where(
        change_log.c.entity == ORDER, change_log.c.action == "create"
    )
    inside = host.db.read_now(lambda r: r.rows(created.order_by(change_log.c.seq)))
    in_turn = [editions[record] for (record,) in inside if record in load.saved]
    assert in_turn == sorted(in_turn), "after a publish nothing is written as the version before has it"
    assert doctor.examine(host, lambda step, done, total: None).problems == ()
