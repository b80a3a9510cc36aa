"""A firm that lives in an app: the same story for the same seed, every write accepted, believable moments; and gone
again without a trace, but for what people made of it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from dacheng.metadata.problem import Refused
from dacheng.runtime.host import Host
from dacheng.runtime.services import (
    comments,
    doctor,
    install_app,
    marketplace,
    play_scenario,
    remove_sample,
    write_record,
)
from dacheng.runtime.services.directory import Directory
from dacheng.runtime.services.scenario_parts import Happening
from dacheng.runtime.services.scenario_story import office_of, tell
from dacheng.runtime.services.write_record import Write
from dacheng.runtime.storage import sample_records
from dacheng.runtime.storage.reader import Reader
from dacheng.runtime.storage.system_tables import metadata
from tests.runtime.workspace import add, workspace

SMALL = {"sales_management": 0.06, "store_sales": 0.01}
ZONE = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)
LEFT_ALONE = {"_version", "_package", "_asset", "_journal", "_layer"}


@pytest.fixture(params=SMALL)
def app(request: pytest.FixtureRequest) -> str:
    """Each app that brings a firm."""
    return str(request.param)


@pytest.fixture
def host(tmp_path: Path, database_url: str, app: str) -> Iterator[Host]:
    """A workspace with the app, its firm not yet there."""
    with workspace(tmp_path, database_url) as opened:
        install_app.install(opened, opened.work(), marketplace.offered_package(opened, app), sample=False)
        yield opened


@pytest.fixture
def still(tmp_path: Path, app: str) -> Iterator[Host]:
    """The same on SQLite alone, where nothing is written."""
    with workspace(tmp_path) as opened:
        install_app.install(opened, opened.work(), marketplace.offered_package(opened, app), sample=False)
        yield opened


def story(host: Host, app: str, scale: float = 1.0, **more: Any) -> tuple[Mapping[str, Any], list[Happening]]:
    catalogue = host.model().catalogue
    (name,) = play_scenario.scenarios_of(catalogue, app)
    item = {**play_scenario.full(catalogue, app, name), **more}
    return item, tell(item, play_scenario.facts_of(catalogue), NOON, ZONE, scale=scale)


def play(host: Host, app: str) -> play_scenario.Played:
    (name,) = play_scenario.scenarios_of(host.model().catalogue, app)
    return play_scenario.play(host, host.work(), app, name, scale=SMALL[app])


def rows_of_everything(host: Host) -> dict[str, int]:
    """How many rows every table holds."""

    def count(reader: Reader) -> dict[str, int]:
        tables = [*metadata.sorted_tables, *(made.table for made in host.model().tables.by_entity.values())]
        joins = [j for made in host.model().tables.by_entity.values() for j in made.joins.values()]
        return {
            table.name: int(reader.scalar(sa.select(sa.func.count()).select_from(table)) or 0)
            for table in (*tables, *joins)
            if table.name not in LEFT_ALONE
        }

    return host.db.read_now(count)


def test_story_is_the_same_for_the_same_seed_and_another_for_another(still: Host, app: str) -> None:
    first, again = story(still, app, SMALL[app])[1], story(still, app, SMALL[app])[1]
    assert first
    assert first == again
    assert first != story(still, app, SMALL[app], seed=1)[1]


def test_story_keeps_the_hours_of_those_who_work_and_ends_today(still: Host, app: str) -> None:
    item, told = story(still, app, 0.3)
    office = office_of(item, ZONE)
    assert told == sorted(told, key=lambda each: each.at)
    assert NOON - timedelta(days=30) < told[-1].at <= NOON
    outside = []
    for each in told:
        local = each.at.astimezone(ZONE)
        open_then = office.opens <= local.time() <= time(office.closes.hour, office.closes.minute, 59)
        if not (open_then and office.works(local.date())):
            outside.append(each)
    assert outside == []
    days = Counter(each.at.astimezone(ZONE).date() for each in told)
    if office.rests:
        fridays = [n for day, n in days.items() if day.weekday() == 4]
        tuesdays = [n for day, n in days.items() if day.weekday() == 1]
        assert sum(fridays) < sum(tuesdays)  # the week winds down
        assert datetime(2026, 10, 1, tzinfo=ZONE).date() not in days  # National Day
        assert datetime(2026, 10, 10, tzinfo=ZONE).date() in days  # a Saturday worked for it


def test_every_write_is_accepted_at_its_own_moment_by_its_own_actor(host: Host, app: str) -> None:
    played = play(host, app)
    assert played.writes > 50
    assert doctor.examine(host, lambda *_: None).problems == ()
    work = host.work()

    def read(reader: Reader) -> tuple[list[Any], set[str]]:
        log = metadata.tables["_change_log"]
        asked = sa.select(log.c.record, log.c.action, log.c.at, log.c.actor, log.c.seq).where(
            log.c.cause_kind == "sample"
        )
        people = host.model().tables.of("core.user")
        return list(reader.rows(asked.order_by(log.c.seq))), {
            row[0] for row in reader.rows(sa.select(people.c.id))
        }

    log, people = host.db.read_now(read)
    now = int(work.context.now.timestamp() * 1000) + 1
    assert all(at <= now for _, _, at, _, _ in log)
    assert len({at for _, _, at, _, _ in log}) > played.writes / 3
    assert {actor for *_, actor, _ in log} <= people | {"system"}
    assert len({actor for *_, actor, _ in log}) > 5
    latest: dict[str, int] = {}
    for record, _, at, _, _ in log:  # no record's history runs backwards
        assert latest.get(record, 0) <= at
        latest[record] = at
    for ref, count in played.records.items():
        made = host.db.read_now(partial(rows_of, host, ref, "created_at"))
        assert len(made) >= count
        assert all(at <= now for (at,) in made)
    assert play(host, app).writes == 0  # what is there is not played again


def test_removing_leaves_everything_as_it_was(host: Host, app: str) -> None:
    before = rows_of_everything(host)
    played = play(host, app)
    assert rows_of_everything(host) != before
    done = remove_sample.remove(host, host.work(), app)
    assert done.kept == 0
    assert done.removed["core.user"] == played.people
    assert rows_of_everything(host) == before
    assert doctor.examine(host, lambda *_: None).problems == ()


def test_what_people_changed_or_said_something_about_stays_with_all_it_leads_to(host: Host, app: str) -> None:
    play(host, app)
    admin = add(host, "boss@example.com", "admin")
    dice = random.Random(4)
    sample = host.db.read_now(lambda reader: sample_records.of_app(reader, app))
    catalogue = host.model().catalogue
    chosen = {}
    for row in dice.sample(sample, len(sample)):
        entity = catalogue.entities.get(row.entity)
        title = entity.fields.get(entity.title) if entity is not None and entity.parent is None else None
        if title is None or title.kind != "text" or title.unique or row.entity in chosen or entity is None:
            continue
        write = Write("update", row.entity, row.record, {entity.title: "改过的名称"}, rules=False)
        try:
            write_record.write_now(host.db, host.work(), write)
        except Refused:
            continue  # a record that is closed to changes
        chosen[row.entity] = row.record
    said = next(
        row
        for row in sample
        if row.entity.startswith(app)
        and catalogue.entities[row.entity].parent is None
        and row.record not in chosen.values()
    )
    work = host.work(host.db.read_now(partial(actor, host, admin)))
    host.db.write_now(lambda tx: comments.add(tx, work, said.entity, said.record, "还在谈"))
    done = remove_sample.remove(host, host.work(), app)
    assert len(chosen) >= 2
    assert done.kept >= len(chosen)
    reasons = {(each.entity, each.record): each.reason.code for each in done.named}
    for ref, record in chosen.items():
        assert reasons[ref, record] == "sample.kept_changed"
        assert (record,) in host.db.read_now(partial(rows_of, host, ref, "id"))
    assert reasons[said.entity, said.record] == "sample.kept_said"
    assert doctor.examine(host, lambda *_: None).problems == ()
    again = remove_sample.remove(host, host.work(), app)
    assert again.total == 0
    assert again.kept == done.kept


def rows_of(host: Host, ref: str, column: str, reader: Reader) -> list[Any]:
    return list(reader.rows(sa.select(host.model().tables.of(ref).c[column])))


def actor(host: Host, user: str, reader: Reader) -> Any:
    directory = Directory().at(reader, host.model(), host.model().versions)
    person = directory.person(reader, host.model(), user)
    assert person is not None
    return person.user
