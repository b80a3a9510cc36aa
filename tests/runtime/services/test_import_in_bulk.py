"""Rows stored by whole columns end as they do when each is planned by itself: records, index, log, problems."""

import csv
import io
import json
import os
import random
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dacheng.metadata.definition import Package
from dacheng.metadata.kinds import Kinds
from dacheng.metadata.labels import needed_slots
from dacheng.metadata.package import read_files
from dacheng.runtime.host import Host
from dacheng.runtime.services import (
    doctor,
    import_job,
    import_job_bulk,
    import_records,
    install_app,
    undo_import,
    write_batch,
    write_record,
)
from dacheng.runtime.services.import_source import Source
from dacheng.runtime.services.install_app import Candidate
from dacheng.runtime.services.work import Work
from dacheng.runtime.services.write_record import Write
from dacheng.runtime.storage import imports
from dacheng.runtime.storage.reader import Reader, Transaction
from dacheng.runtime.storage.record_batch import RecordBatch
from dacheng.runtime.storage.system_tables import change_log, import_row
from dacheng.runtime.storage.tables import DELETED, ROW, search_table
from tests.runtime.workspace import workspace

ITEM, PLACE = "depot.item", "depot.place"
IDS = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
PROPERTIES: Mapping[str, Mapping[str, Any]] = {
    "place": {
        "name": {"x-kind": "text", "x-order": 10, "x-required": True, "x-unique": True, "x-search": True},
    },
    "item": {
        "code": {"x-kind": "text", "x-order": 10, "x-required": True, "x-unique": True, "maxLength": 12},
        "name": {"x-kind": "text", "x-order": 20, "x-search": True, "minLength": 2, "maxLength": 20},
        "mail": {"x-kind": "text", "x-order": 30, "pattern": "^[^@]+@[^@]+$"},
        "pieces": {"x-kind": "integer", "x-order": 40, "minimum": 0, "maximum": 900, "x-search": True},
        "price": {"x-kind": "decimal", "x-order": 50, "x-scale": 2, "minimum": -10, "maximum": "5000.50"},
        "worth": {"x-kind": "money", "x-order": 60, "x-currency": "CNY"},
        "made_on": {"x-kind": "date", "x-order": 70, "x-required": True},
        "seen_at": {"x-kind": "datetime", "x-order": 80},
        "size": {"x-kind": "choice", "x-order": 90, "x-options": {"small": {"order": 1}, "large": {"order": 2}}},
        "place": {"x-kind": "link", "x-order": 100, "x-to": "place", "x-on-delete": "restrict"},
        "part_of": {"x-kind": "link", "x-order": 110, "x-to": "item", "x-on-delete": "clear"},
    },
}  # fmt: skip
GOOD: Mapping[str, tuple[str, ...]] = {
    "name": ("Hammer", "螺丝 M3", "'=1+1", "", "Nail, long", "Ö Tür", "A" * 20, " spaced "),
    "mail": ("a@b", "", "ü@例子"),
    "pieces": ("1", "900", "0", "", "-0", "12"),
    "price": ("1.00", "0.10", "-9.99", "5000.50", "", "007.50", "-0.00"),
    "worth": ("12.5", "￥1,000", "", "3 USD", "0"),
    "made_on": ("2026-01-31", "2026/2/1", "20251231", "2025年3月4日"),
    "seen_at": ("2026-01-31T10:00:00Z", "", "2026-01-31 10:00"),
    "size": ("small", "Large", "", "SMALL"),
    "place": ("North", "South", "", "北仓"),
    "part_of": ("", "I000", "I001", "I003"),
}
DOUBTFUL: Mapping[str, tuple[str, ...]] = {
    "name": ("x", "B" * 21, "two\nlines", "a\rb"),
    "mail": ("nobody", "@"),
    "pieces": ("1,2", "１２", "901", "1.5", "-1", "many", "9" * 19, "12.0"),
    "price": ("1", "1.5", "5000.51", "-10.01", "1.005", "1,000.00", "1.5万", "9" * 17, "+3.00"),
    "worth": ("1 XXX", "abc", "1.234"),
    "made_on": ("", "2026-02-30", "soon"),
    "seen_at": ("yesterday",),
    "size": ("huge",),
    "place": ("West", "Twin"),
    "part_of": ("I999",),
}


def depot(kinds: Kinds) -> Package:
    files: dict[str, Any] = {
        "app.json": {
            "id": "depot", "version": "1.0.0", "icon": "file", "locales": ["zh-CN", "en"],
            "requires": {"core": "1.0.0"}, "navigation": {}, "permissions": {}, "plans": {},
        }
    }  # fmt: skip
    for name, properties in PROPERTIES.items():
        title = next(iter(properties))
        files[f"entities/{name}.json"] = {
            "id": name, "type": "object", "x-title": title, "properties": dict(properties),
        }  # fmt: skip
    words = {slot.key: slot.key.rsplit(".", 1)[-1] for slot in needed_slots(_read(files, kinds), kinds)}
    labels = {f"labels/{locale}.json": {"labels": words, "terms": {}} for locale in ("zh-CN", "en")}
    return _read(files | labels, kinds)


def _read(files: Mapping[str, Any], kinds: Kinds) -> Package:
    return read_files({name: json.dumps(body).encode() for name, body in files.items()}, kinds)


@pytest.fixture
def host(tmp_path: Path, database_url: str) -> Iterator[Host]:
    url = "" if database_url.startswith("sqlite") else database_url
    with workspace(tmp_path / "data", url) as opened:
        install_app.install(opened, opened.work(), Candidate(depot(opened.kinds)), sample=False)
        opened.refresh()
        for name in ("North", "South", "北仓"):
            make(opened, PLACE, {"name": name})
        make(opened, ITEM, {"code": "OLD", "name": "Old one", "made_on": "2020-01-01"})
        yield opened


def make(host: Host, ref: str, values: Mapping[str, Any]) -> str:
    return write_record.write_now(host.db, host.work(), Write("create", ref, values=values)).id


def file_of(rows: int, seed: int, doubt: float) -> bytes:
    """Rows of items: some with a cell that may be wrong, with a code twice, too wide, or blank."""
    pick = random.Random(seed)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["code", *GOOD, "note"])
    for number in range(rows):
        cells = {name: pick.choice(values) for name, values in GOOD.items()}
        if pick.random() < doubt:
            name = pick.choice(list(DOUBTFUL))
            cells[name] = pick.choice(DOUBTFUL[name])
        code = f"I{number:03}"
        if pick.random() < doubt / 8:
            code = pick.choice(["OLD", "I002", "", "C" * 13, "'-1"])
        extra = ["", "one too many"] if pick.random() < doubt / 8 else []
        writer.writerow([code, *cells.values(), *extra])
        if pick.random() < 0.05:
            writer.writerow([])
    return text.getvalue().encode()


def mapping(**more: Any) -> dict[str, Any]:
    columns: dict[str, Any] = {name: {"column": name} for name in ("code", *GOOD)}
    columns["size"]["values"] = {"SMALL": "small"}
    columns["place"] |= {"match": "name", "missing": "error"}
    columns["part_of"] |= {"match": "code", "missing": "empty"}
    columns |= more
    return {"columns": columns}


def take_in(host: Host, content: bytes, raw: Any, **more: Any) -> import_records.Outcome:
    return import_records.start(host, host.work(), ITEM, Source("items.csv", content), raw, **more)


def what_is_there(host: Host, run: str) -> dict[str, Any]:
    """Everything an import leaves behind, with names in place of ids."""

    def look(reader: Reader) -> dict[str, Any]:
        tables = host.model().tables
        names: dict[str, str] = {}
        for ref, title in ((PLACE, "name"), (ITEM, "code")):
            table = tables.of(ref)
            names.update(dict(reader.rows(sa.select(table.c.id, table.c[title]))))

        def named(value: Any) -> Any:
            known = (
                IDS.sub(lambda found: names.get(found[0], found[0]), value) if isinstance(value, str) else ""
            )
            return known or value

        found: dict[str, Any] = {}
        for ref in (PLACE, ITEM):
            made = tables.entity(ref)
            wanted = [c for c in made.table.c if c.name not in ("id", ROW, "created_at", "updated_at")]
            key = "rowid" if reader.dialect == "sqlite" else "row"
            index = sa.table(search_table(made.table.name), sa.column(key), sa.column("grams"))
            joined = sa.outerjoin(made.table, index, index.c[key] == made.table.c[ROW])
            grams = sa.cast(index.c.grams, sa.Text)
            living = made.table.c[DELETED].is_(None)
            rows = reader.rows(sa.select(*wanted, grams).select_from(joined).where(living))
            found[ref] = sorted(repr([named(value) for value in row]) for row in rows)
        log = change_log.c
        entries = reader.rows(
            sa.select(log.entity, log.record, log.parent, log.action, log.changes, log.actor, log.cause_kind, log.cause)
            .where(log.cause_id == run)
            .order_by(log.entity, log.seq)
        )  # fmt: skip
        found["log"] = [[named(value) for value in row] for row in entries]
        kept = import_row.c
        rows = reader.rows(
            sa.select(kept.line, kept.outcome, kept.entity, kept.record, kept.version, kept.problems, kept.original)
            .where(kept.run == run)
            .order_by(kept.line)
        )  # fmt: skip
        found["rows"] = [[named(value) for value in row] for row in rows]
        return found

    return host.db.read_now(look)


def both_ways(
    host: Host, monkeypatch: pytest.MonkeyPatch, content: bytes, raw: Any, **more: Any
) -> list[dict[str, Any]]:
    """What is there after importing in bulk, and again row by row, each taken out afterwards."""
    monkeypatch.setattr(import_job_bulk, "ROWS", 40)
    found = []
    for job in (import_job_bulk.BulkImportJob, import_job.ImportJob):
        monkeypatch.setattr(import_records, "BulkImportJob", job)
        done = take_in(host, content, raw, **more)
        assert done.rows == done.stored + done.failed
        found.append(
            what_is_there(host, done.run) | {"counts": (done.created, done.failed, dict(done.linked))}
        )
        undone = undo_import.undo(host, host.work(), done.run, lambda step, so_far, total: None)
        assert (undone.kept, undone.failed) == (0, 0)
    return found


@pytest.mark.parametrize(("seed", "doubt"), [(1, 0.0), (2, 0.02), (3, 0.5), (4, 0.9)])
def test_in_bulk_and_row_by_row_give_the_same(
    host: Host, monkeypatch: pytest.MonkeyPatch, seed: int, doubt: float
) -> None:
    bulk, by_row = both_ways(host, monkeypatch, file_of(230, seed, doubt), mapping())
    assert bulk == by_row
    assert bulk["counts"][0] > 0
    assert (bulk["counts"][1] > 0) == (doubt > 0)
    assert doctor.examine(host, lambda step, done, total: None).problems == ()


def test_links_made_on_the_way_constants_and_history_are_the_same(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = mapping(
        place={"column": "place", "match": "name", "missing": "create"},
        size={"value": "large"},
        created_at={"value": "2019-05-05T00:00:00Z"},
    )
    bulk, by_row = both_ways(host, monkeypatch, file_of(150, 5, 0.3), raw, historic=True, rules=False)
    assert bulk == by_row
    assert bulk["counts"][2] == {PLACE: 2}


def test_a_constant_that_does_not_fit_fails_every_row_alike(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = mapping(size={"value": "huge"})
    bulk, by_row = both_ways(host, monkeypatch, file_of(60, 6, 0.1), raw)
    assert bulk == by_row
    assert bulk["counts"][0] == 0


def test_an_import_in_bulk_goes_on_from_where_it_was_cut(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_job_bulk, "ROWS", 40)
    content, stop = file_of(300, 7, 0.1), 3

    class Cut(Exception):
        pass

    def cut(step: str, done: int, total: int) -> None:
        nonlocal stop
        stop -= 1
        if stop == 0:
            raise Cut

    with pytest.raises(Cut):
        take_in(host, content, mapping(), progress=cut)
    run = host.db.read_now(imports.runs)[0]
    assert 0 < run.position < 300
    done = import_records.go_on(host, host.work(), run.id)
    assert done.rows == done.stored + done.failed == 300
    monkeypatch.setattr(import_records, "BulkImportJob", import_job.ImportJob)
    found = what_is_there(host, run.id)
    undo_import.undo(host, host.work(), run.id, lambda step, so_far, total: None)
    again = take_in(host, content, mapping())
    assert found["rows"] == what_is_there(host, again.run)["rows"]


@pytest.mark.parametrize("point", ["import.before_commit", "import.after_commit"])
def test_r1_an_import_in_bulk_killed_at_a_batch_goes_on(tmp_path: Path, point: str) -> None:
    data, path, columns = tmp_path / "data", tmp_path / "items.csv", tmp_path / "map.json"
    path.write_bytes(file_of(2500, 8, 0.0))
    columns.write_text(json.dumps(mapping()))
    with workspace(data) as host:
        install_app.install(host, host.work(), Candidate(depot(host.kinds)), sample=False)
        host.refresh()
        for name in ("North", "South", "北仓"):
            make(host, PLACE, {"name": name})
    command = [
        sys.executable, "-m", "dacheng.runtime.cli", "import", "depot", "item", str(path),
        "--map", str(columns), "--data", str(data),
    ]  # fmt: skip
    killed = subprocess.run(command, env={**os.environ, "DACHENG_CRASH_AT": point}, capture_output=True)
    assert killed.returncode == 137, killed.stderr.decode()
    with workspace(data) as host:
        (run,) = host.db.read_now(imports.runs)
        assert run.stored == len(what_is_there(host, run.id)[ITEM])
        assert (run.stored > 0) == (point == "import.after_commit")
        done = import_records.go_on(host, host.work(), run.id)
        assert (done.created, done.failed) == (2500, 0)
        assert len(what_is_there(host, run.id)[ITEM]) == 2500
        assert doctor.examine(host, lambda step, done, total: None).problems == ()


def test_a_large_transaction_ends_when_a_person_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    """On PostgreSQL too, where who deletes what others link to waits for every write under way."""
    monkeypatch.setattr(import_job_bulk, "ROWS", 20)
    store, calls = write_batch.commit_batch, 0
    people: list[threading.Thread] = []

    def with_a_person_at_the_fourth(tx: Transaction, work: Work, batch: RecordBatch) -> None:
        nonlocal calls
        store(tx, work, batch)
        calls += 1
        if calls == 4:
            gone = Write("delete", PLACE, place)
            person = threading.Thread(target=lambda: write_record.write_now(opened.db, opened.work(), gone))
            person.start()
            people.append(person)
            while not tx.awaited():
                assert person.is_alive()

    monkeypatch.setattr(write_batch, "commit_batch", with_a_person_at_the_fourth)
    seen: list[int] = []
    url = "" if database_url.startswith("sqlite") else database_url
    with workspace(tmp_path / "data", url) as opened:
        install_app.install(opened, opened.work(), Candidate(depot(opened.kinds)), sample=False)
        opened.refresh()
        place = make(opened, PLACE, {"name": "North"})
        raw = {"columns": {"code": "code", "made_on": "made_on"}}
        take_in(opened, file_of(300, 9, 0.0), raw, progress=lambda step, done, total: seen.append(done))
        people[0].join()
        steps = [after - before for before, after in zip([0, *seen], seen, strict=False)]
        assert steps[:4] == [20, 40, 20, 60], "the third transaction stops after its first part of four"
        assert seen[-1] == 300
        places, items = opened.model().tables.of(PLACE), opened.model().tables.of(ITEM)
        left = sa.select(sa.func.count()).select_from(places).where(places.c.deleted_at.is_(None))
        assert opened.db.read_now(lambda r: r.scalar(left)) == 0
        assert opened.db.read_now(lambda r: r.scalar(sa.select(sa.func.count()).select_from(items))) == 300
