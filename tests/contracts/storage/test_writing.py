"""Many writers, lost updates, groups that fail in part, killed processes, a second process."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from dacheng.metadata.problem import Refused
from dacheng.runtime.storage import checks, dead_letters, idempotency, outbox
from dacheng.runtime.storage.database import open_database
from dacheng.runtime.storage.reader import Transaction
from dacheng.runtime.storage.system_tables import setting
from dacheng.runtime.storage.versions import Versions, bump, demand, read_versions
from tests.runtime.storage.open_shop import Shop
from tests.runtime.storage.shop import uid

WRITING = Path(__file__).with_name("writing_process.py")
ROOT = Path(__file__).parents[3]


def _put(key: str) -> object:
    return lambda tx: tx.execute(setting.insert().values(key=key, value="x"))


def _keys(shop: Shop) -> list[str]:
    return [
        row[0] for row in shop.db.read_now(lambda r: r.rows(sa.select(setting.c.key).order_by(setting.c.key)))
    ]


def test_forty_threads_write_at_once_and_none_waits_long(shop: Shop) -> None:
    account = shop.create("account", name="shared")
    waits: list[float] = []
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for step in range(5):
                start = time.perf_counter()
                shop.create("account", name=f"{number}-{step}", parent_account=account)
                waits.append(time.perf_counter() - start)
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(shop.values("account", "name")) == 201
    generous = 8 if os.environ.get("PYTEST_XDIST_WORKER") else 4  # the machine is shared by other tests
    assert sorted(waits)[int(len(waits) * 0.99)] <= 0.25 * generous


def test_two_editors_never_lose_an_update_unseen(shop: Shop) -> None:
    key = shop.create("account", name="0", rating=None)
    seen: list[int] = []

    def edit() -> None:
        for _ in range(40):
            record = shop.get("account", key)
            assert record is not None
            try:
                shop.apply(
                    shop.change(
                        "update", "account", key, record.version, name=str(int(record.value("name")) + 1)
                    )
                )
            except Refused as refused:
                seen.append(refused.problems[0].code == "record.version_moved")
            else:
                seen.append(2)

    threads = [threading.Thread(target=edit) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    saved = seen.count(2)
    assert len(seen) == 80
    assert False not in seen
    assert shop.json("account", key)["name"] == str(saved)
    assert shop.json("account", key)["version"] == saved + 1


def test_one_failing_write_leaves_its_group_alone(shop: Shop) -> None:
    def fail(tx: Transaction) -> None:
        tx.execute(setting.insert().values(key="lost", value="x"))
        raise ValueError("on purpose")

    async def together() -> list[object]:
        works = [_put(f"k{n}") if n % 3 else fail for n in range(30)]
        return await asyncio.gather(*[shop.db.write(work) for work in works], return_exceptions=True)  # type: ignore[arg-type]

    answers = asyncio.run(together())
    assert sum(isinstance(answer, ValueError) for answer in answers) == 10
    assert len(_keys(shop)) == 20
    assert "lost" not in _keys(shop)


def test_patient_work_is_done_too_while_people_write(shop: Shop) -> None:
    order: list[str] = []

    def note(name: str) -> object:
        return lambda tx: order.append(name)

    async def together() -> None:
        slow = shop.db.write(lambda tx: time.sleep(0.05))
        await asyncio.gather(
            slow,
            *[shop.db.write(note("job"), urgent=False) for _ in range(2)],  # type: ignore[arg-type]
            *[shop.db.write(note("person")) for _ in range(30)],  # type: ignore[arg-type]
        )

    asyncio.run(together())
    assert order.count("job") == 2
    if shop.db.dialect == "sqlite":
        assert order[0] == "person"
        assert order.index("job") <= 9


def test_bounded_and_unbounded_reads_from_a_loop_see_what_was_committed(shop: Shop) -> None:
    async def look() -> tuple[Versions, Versions]:
        await shop.db.write(lambda tx: bump(tx, "labels"))
        return await shop.db.read(read_versions, bounded=True), await shop.db.read(read_versions)

    assert asyncio.run(look()) == (Versions(0, 1, 0), Versions(0, 1, 0))


def test_a_write_on_an_old_version_is_refused(shop: Shop) -> None:
    known = shop.db.read_now(read_versions)
    shop.db.write_now(lambda tx: demand(tx, known))
    shop.db.write_now(lambda tx: bump(tx, "labels"))
    shop.db.write_now(lambda tx: demand(tx, known))
    shop.db.write_now(lambda tx: bump(tx, "definitions"))
    with pytest.raises(Refused, match="changed while you were saving"):
        shop.db.write_now(lambda tx: demand(tx, known))


def test_a_question_that_takes_too_long_is_stopped(database_url: str) -> None:
    db = open_database(database_url, statement_seconds=0.2)
    endless = sa.text(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    )
    with pytest.raises(Refused) as caught:
        db.read_now(lambda reader: reader.rows(endless))
    assert caught.value.problems[0].code == "storage.too_slow"
    assert db.read_now(read_versions) == Versions()
    db.close()


def test_a_reader_cannot_write(shop: Shop) -> None:
    with pytest.raises(Exception, match=r"(?i)read.*only"):
        shop.db.read_now(
            lambda r: r.rows(setting.insert().values(key="a", value="b").returning(setting.c.key))
        )
    assert _keys(shop) == []


def test_twenty_requests_with_one_key_do_their_work_once(shop: Shop) -> None:
    done: list[object] = []

    def once(tx: Transaction) -> object:
        found = idempotency.find(tx, "me", "key")
        if found is not None:
            return found.answer
        key = uid()
        tx.execute(setting.insert().values(key=key, value="x"))
        idempotency.put(tx, "me", "key", "f", key, 1)
        return key

    threads = [threading.Thread(target=lambda: done.append(shop.db.write_now(once))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 20
    assert done == [_keys(shop)[0]] * 20


def test_jobs_are_taken_by_one_worker_and_their_effect_is_committed_once(shop: Shop) -> None:
    for number in range(30):
        shop.db.write_now(partial(outbox.put, kind="job", payload={"n": number}, key=f"k{number}", now=0))

    def effect(tx: Transaction, job: outbox.Job) -> None:
        tx.execute(setting.insert().values(key=job.key, value="done"))
        if not outbox.done(tx, job, 10):
            raise LookupError

    def work(name: str) -> None:
        while jobs := shop.db.write_now(lambda tx: outbox.take(tx, name, 5, limit=4)):
            for job in jobs:
                shop.db.write_now(partial(effect, job=job))

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(_keys(shop)) == 30
    assert shop.db.read_now(outbox.next_due) is None


def test_a_lost_lease_cannot_finish_a_job(shop: Shop) -> None:
    shop.db.write_now(lambda tx: outbox.put(tx, "job", {}, "a", 0, lane="one"))
    shop.db.write_now(lambda tx: outbox.put(tx, "job", {}, "b", 0, lane="one"))
    (slow,) = shop.db.write_now(lambda tx: outbox.take(tx, "slow", 0, lease_ms=10))
    assert shop.db.write_now(lambda tx: outbox.take(tx, "other", 5)) == []
    (again,) = shop.db.write_now(lambda tx: outbox.take(tx, "other", 20))
    assert (again.key, again.fence) == ("a", slow.fence + 1)
    assert not shop.db.write_now(lambda tx: outbox.hold(tx, slow, 21))
    assert shop.db.write_now(lambda tx: outbox.hold(tx, again, 21))
    assert not shop.db.write_now(lambda tx: outbox.done(tx, slow, 21))
    assert shop.db.write_now(lambda tx: outbox.fail(tx, again, "no answer", 21, for_good=True))
    assert [(p.key, p.reason) for p in shop.db.read_now(dead_letters.latest)] == [("a", "no answer")]
    assert [job.key for job in shop.db.write_now(lambda tx: outbox.take(tx, "other", 30))] == ["b"]


def test_what_was_acknowledged_survives_kill_9(database_url: str, shop: Shop) -> None:
    shop.db.close()
    for moment in (0.3, 0.8):
        process = subprocess.Popen(
            [sys.executable, str(WRITING), database_url], stdout=subprocess.PIPE, text=True, cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(moment)
        process.send_signal(signal.SIGKILL)
        said = process.communicate()[0].split("\n")[:-1]  # a last line cut short was not said
        db = open_database(database_url)
        again = Shop(db, shop.model)
        shop.db = db
        assert said
        for line in said:
            found = again.get("purchase", line)
            assert found is not None
            assert found.stored["line_count"] == (2,)
        assert db.read_now(lambda reader: checks.check_all(reader, shop.model)) == ()
        db.close()


def test_a_second_process_that_wants_to_write_is_refused_with_a_sentence(sqlite_url: str) -> None:
    db = open_database(sqlite_url)
    with pytest.raises(Refused, match="Another process is already writing"):
        open_database(sqlite_url)
    reading = open_database(sqlite_url, read_only=True)
    assert reading.read_now(read_versions) == Versions()
    with pytest.raises(Refused, match="reading only"):
        reading.write_now(lambda tx: None)
    reading.close()
    db.close()
    open_database(sqlite_url).close()


def test_a_database_of_newer_code_is_refused_and_left_alone(database_url: str) -> None:
    db = open_database(database_url)
    db.write_now(lambda tx: tx.execute(sa.text("UPDATE _version SET format = 99")))
    db.close()
    with pytest.raises(Refused, match="newer version"):
        open_database(database_url)


def test_a_full_disk_refuses_everyone_in_the_group_and_recovers_by_itself(sqlite_url: str) -> None:
    db = open_database(sqlite_url)
    pages = int(db.read_now(lambda reader: reader.scalar(sa.text("PRAGMA page_count"))))
    db.write_now(lambda tx: tx.command(f"PRAGMA max_page_count={pages + 2}"))
    large = "x" * 200_000

    async def together() -> list[object]:
        def work(tx: Transaction, number: int) -> int:
            return tx.execute(setting.insert().values(key=str(number), value=large))

        asked = [db.write(partial(work, number=number)) for number in range(5)]
        return list(await asyncio.gather(*asked, return_exceptions=True))

    answers = asyncio.run(together())
    assert [getattr(each, "category", None) for each in answers] == ["full"] * 5
    assert db.read_now(lambda reader: reader.rows(sa.select(setting.c.key))) == []
    db.write_now(lambda tx: tx.command("PRAGMA max_page_count=1000000"))
    db.write_now(lambda tx: tx.execute(setting.insert().values(key="a", value=large)))
    assert len(db.read_now(lambda reader: reader.rows(sa.select(setting.c.key)))) == 1
    db.close()
