"""Importing a firm's pipeline with every fault of a real one: made here, never copied. R1 on a sample of points."""

import csv
import io
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from dacheng.metadata.problem import Refused
from dacheng.plugins.context import User
from dacheng.runtime.host import Host
from dacheng.runtime.services import (
    doctor,
    export_records,
    import_cells,
    import_preview,
    import_records,
    read_records,
    undo_import,
    write_record,
)
from dacheng.runtime.services.gate import Query
from dacheng.runtime.services.import_mapping import ColumnMap
from dacheng.runtime.services.import_source import Source
from dacheng.runtime.services.workbook_write import Heading, Sheet, write_workbook
from dacheng.runtime.services.write_record import Write
from dacheng.runtime.storage import imports
from dacheng.runtime.storage.imports import Run
from dacheng.runtime.storage.reader import Transaction
from tests.runtime.workspace import add, workspace
from tests.support.workbooks import DAY, cell, named, sheet, workbook

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples" / "crm"
SALES = "sales_management"
PRODUCTS = ("GTX Basic", "GTX Pro", "MG Special", "GTX Plus Basic")
SECTORS = ("retail", "technolgy", "medical", "finance")


@pytest.fixture
def host(tmp_path: Path, database_url: str) -> Iterator[Host]:
    url = "" if database_url.startswith("sqlite") else database_url
    with workspace(tmp_path / "data", url, sales=True) as opened:
        yield opened


def table(header: str, rows: list[list[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([header.split(","), *rows])
    return text.getvalue().encode()


def files(deals: int = 300, seed: int = 7) -> dict[str, bytes]:
    """The four files of a firm: misspelt sectors, a product written wrong, deals without account or dates."""
    pick = random.Random(seed)
    accounts = [f"Account {n:02}" for n in range(30)]
    agents = [f"Agent {n:02}" for n in range(12)]
    start = date(2016, 10, 20)
    rows = []
    for n in range(deals):
        stage = pick.choice(["Won", "Won", "Lost", "Engaging", "Prospecting"])
        engaged = start + timedelta(days=pick.randrange(400))
        closed = stage in ("Won", "Lost")
        rows.append(
            [
                f"D{n:05}", pick.choice(agents), pick.choice(["GTXPro", *PRODUCTS]),
                "" if n % 6 == 0 else pick.choice(accounts), stage,
                "" if stage == "Prospecting" else engaged,
                engaged + timedelta(days=60) if closed else "",
                (pick.randrange(50, 9000) if stage == "Won" else 0) if closed else "",
            ]
        )  # fmt: skip
    return {
        "people": table(
            "sales_agent,manager,regional_office",
            [[a, f"Manager {i % 3}", ("East", "West")[i % 2]] for i, a in enumerate(agents)],
        ),
        "accounts": table(
            "account,sector,year_established,revenue,employees,office_location,subsidiary_of",
            [
                [
                    a,
                    SECTORS[i % 4],
                    1980 + i,
                    f"{i}.50",
                    i * 10,
                    "Kenya",
                    accounts[(i + 1) % 30] if i % 5 == 0 else "",
                ]
                for i, a in enumerate(accounts)
            ],
        ),
        "products": table("product,series,sales_price", [[p, p[:3], 550] for p in PRODUCTS]),
        "opportunities": table(
            "opportunity_id,sales_agent,product,account,deal_stage,engage_date,close_date,close_value", rows
        ),
    }


ENTITIES = {
    "people": "core.user",
    "accounts": f"{SALES}.account",
    "products": f"{SALES}.product",
    "opportunities": f"{SALES}.opportunity",
}


def mapping(name: str) -> Any:
    return json.loads((EXAMPLES / f"{name}.map.json").read_text("utf-8"))


def take_in(host: Host, name: str, content: bytes, **more: Any) -> import_records.Outcome:
    raw = more.pop("raw", mapping(name))
    source = Source(f"{name}.csv", content)
    return import_records.start(host, host.work(), ENTITIES[name], source, raw, **more)


def count(host: Host, ref: str, condition: Any = None) -> int:
    work = host.work()
    return host.db.read_now(lambda r: read_records.count(r, work, Query(ref, filter=condition)))


def silent(step: str, done: int, total: int) -> None:
    pass


def test_a_whole_firm_goes_in_and_comes_out_again(host: Host) -> None:
    given = files()
    before = {ref: count(host, ref) for ref in (*ENTITIES.values(), "core.department")}
    done = {name: take_in(host, name, given[name]) for name in ENTITIES}
    rows = {name: content.count(b"\r\n") - 1 for name, content in given.items()}
    assert {name: (each.stored, each.failed) for name, each in done.items()} == {
        name: (number, 0) for name, number in rows.items()
    }
    assert done["people"].linked == {"core.user": 3, "core.department": 2}
    ref = ENTITIES["opportunities"]
    assert count(host, ref, {"!": [{"is_set": [{"var": "account"}]}]}) == 50
    wrong = given["opportunities"].count(b"GTXPro")
    right = given["opportunities"].count(b"GTX Pro")
    assert count(host, ref, {"==": [{"var": "product.name"}, "GTX Pro"]}) == wrong + right
    assert count(host, ENTITIES["accounts"], {"is_set": [{"var": "parent_account"}]}) == 6
    assert doctor.examine(host, silent).problems == ()
    for name in reversed(ENTITIES):
        undone = undo_import.undo(host, host.work(), done[name].run, silent)
        assert (undone.kept, undone.failed) == (0, 0)
    assert {r: count(host, r) for r in (*ENTITIES.values(), "core.department")} == before
    assert doctor.examine(host, silent).problems == ()
    with pytest.raises(Refused):
        undo_import.undo(host, host.work(), done["people"].run, silent)


def test_rows_in_are_rows_stored_and_rows_in_the_error_file(host: Host) -> None:
    content = table(
        "product,series,sales_price",
        [["A", "x", "12.50"], ["B", "x", "much"], ["A", "x", 5], ["", "x", 1], ["=D", "x", 1], ["E", "x", 2]],
    )
    raw = {"columns": mapping("products")["columns"]}
    done = take_in(host, "products", content, raw=raw)
    assert (done.rows, done.stored, done.failed) == (6, 3, 3)
    lines = list(
        csv.reader(io.StringIO("".join(import_records.error_file(host, host.work(locale="en"), done.run))))
    )
    assert lines[0] == ["product", "series", "sales_price", "row", "problem"]
    assert [line[3] for line in lines[1:]] == ["3", "4", "5"]
    assert all(line[4] for line in lines[1:])
    assert count(host, ENTITIES["products"], {"==": [{"var": "name"}, "=D"]}) == 1


@pytest.mark.parametrize(("locale", "said"), [("zh-CN", "所属行业："), ("en", "Sector: ")])
def test_the_error_file_names_fields_as_its_reader_calls_them(host: Host, locale: str, said: str) -> None:
    raw = {"columns": {"name": "name", "sector": "sector"}}
    done = take_in(host, "accounts", table("name,sector", [["A", "no such sector"]]), raw=raw)
    text = "".join(import_records.error_file(host, host.work(locale=locale), done.run))
    assert [row[-1].startswith(said) for row in csv.reader(io.StringIO(text))] == [False, True]


def test_the_error_file_can_be_mended_and_imported(host: Host) -> None:
    done = take_in(
        host, "products", table("product,series,sales_price", [["=A", "x", "much"], ["B", "x", 1]])
    )
    text = "".join(import_records.error_file(host, host.work(), done.run)).replace("much", "3")
    again = take_in(host, "products", text.encode())
    assert (again.stored, again.failed) == (1, 0)
    assert count(host, ENTITIES["products"], {"==": [{"var": "name"}, "=A"]}) == 1


def test_a_key_updates_and_undo_gives_old_values_back_except_where_edited(host: Host) -> None:
    first = table("product,series,sales_price", [["A", "x", 1], ["B", "x", 1], ["C", "x", 1]])
    take_in(host, "products", first)
    second = table("product,series,sales_price", [["A", "y", 2], ["B", "y", 2], ["N", "y", 2], ["A", "z", 3]])
    done = take_in(host, "products", second)
    assert (done.created, done.updated, done.failed) == (1, 3, 0)
    work = host.work()
    page = host.db.read_now(
        lambda r: read_records.list_page(r, work, Query(ENTITIES["products"], ("id", "name"), sort=("name",)))
    )
    ids = {row["name"]: row["id"] for row in page.json()}
    edited = Write("update", ENTITIES["products"], id=ids["B"], values={"series": "mine"})
    write_record.write_now(host.db, host.work(), edited)
    undone = undo_import.undo(host, host.work(), done.run, silent)
    assert undone.kept == len(undone.left) == 1
    assert (undone.left[0].record, undone.left[0].reason.code) == (ids["B"], "import.kept_edited")
    told = undo_import.left_by(import_records.demand_run(host, host.work(), done.run))
    assert told == undone.left
    work = host.work()
    asked = Query(ENTITIES["products"], ("name", "series"), sort=("name",))
    rows = host.db.read_now(lambda r: read_records.list_page(r, work, asked)).json()
    assert {row["name"]: row["series"] for row in rows} == {"A": "x", "B": "mine", "C": "x"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_columns_are_found_by_their_labels_in_any_encoding(host: Host, encoding: str) -> None:
    labels = host.work().model.labels
    fields = host.work().model.catalogue.entities[ENTITIES["products"]].fields
    header = ",".join(labels.field("zh-CN", fields[name]) for name in ("name", "series", "price"))
    content = f"{header}\n云台一体机,云,¥1,\n".replace("¥1,", "9900").encode(encoding)
    done = take_in(host, "products", content, raw=None)
    assert (done.stored, done.failed) == (1, 0)
    assert count(host, ENTITIES["products"], {"==": [{"var": "name"}, "云台一体机"]}) == 1


def test_a_preview_counts_and_changes_nothing(host: Host) -> None:
    given = files(40)
    source = Source("people.csv", given["people"])
    seen = import_preview.preview(host, host.work(), "core.user", source, mapping("people"))
    assert (seen.rows, seen.creates, seen.failing) == (12, 12, 0)
    assert {ref: len(texts) for ref, texts in seen.to_create.items()} == {
        "core.user": 3,
        "core.department": 2,
    }
    source = Source("opportunities.csv", given["opportunities"])
    seen = import_preview.preview(
        host, host.work(), ENTITIES["opportunities"], source, mapping("opportunities")
    )
    assert seen.failing == 40
    assert seen.wrong["import.link_not_found"] > 40
    assert count(host, "core.user") == 0


@pytest.mark.parametrize(
    "raw",
    [
        [], {"columns": 1}, {"columns": {}}, {"columns": {"nothing": "product"}}, {"columns": {"id": "product"}},
        {"columns": {"name": "nowhere"}}, {"columns": {"name": {"column": "product", "x": 1}}},
        {"columns": {"name": {"column": "product", "values": [1]}}}, {"columns": {"name": "product"}, "key": "price"},
        {"columns": {"created_at": "product"}}, {"columns": {"name": {"column": {"a": 1}}}}, {"columns": {"name": None}},
    ],
)  # fmt: skip
def test_a_mapping_that_does_not_fit_is_refused_in_words(host: Host, raw: Any) -> None:
    content = table("product,sales_price", [["A", 1]])
    with pytest.raises(Refused) as refused:
        take_in(host, "products", content, raw=raw)
    assert refused.value.problems[0].code.startswith("import.")
    assert count(host, ENTITIES["products"]) == 0


def test_an_import_can_be_cancelled_and_undone(host: Host) -> None:
    given = files(1200)
    for name in ("people", "accounts", "products"):
        take_in(host, name, given[name])
    work = host.work()
    ref = ENTITIES["opportunities"]
    run = import_records.begin(
        host, work, ref, Source("o.csv", given["opportunities"]), mapping("opportunities")
    )

    def stop(step: str, done: int, total: int) -> None:
        if done >= 500:
            import_records.cancel(host, host.work(), run)

    with pytest.raises(Refused) as refused:
        import_records.go_on(host, work, run, stop)
    assert refused.value.problems[0].code == "import.not_running"
    assert count(host, ref) == 500
    assert undo_import.undo(host, host.work(), run, silent).reversed == 500
    assert count(host, ref) == 0


def test_an_export_is_taken_back_as_it_was(host: Host) -> None:
    given = files(60)
    for name in ENTITIES:
        take_in(host, name, given[name])
    ref = ENTITIES["opportunities"]
    fields = tuple(mapping("opportunities")["columns"])
    wanted = export_records.Export(ref, fields, headings="ids", sort=("code",))
    text = "".join(export_records.export(host, host.work(), wanted))
    spec = {name: {"column": name} for name in fields}
    for link in ("owner", "product", "account"):
        spec[link] = {"column": link, "match": "name"}
    source = Source("again.csv", text.encode())
    raw = {"columns": spec, "key": "code", "historic": True, "rules": False}
    done = import_records.start(host, host.work(), ref, source, raw)
    assert (done.updated, done.created, done.failed) == (60, 0, 0)
    assert "".join(export_records.export(host, host.work(), wanted)) == text


@pytest.mark.parametrize("point", ["import.before_commit", "import.after_commit"])
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_r1_a_killed_import_goes_on_to_the_exact_same_rows(tmp_path: Path, point: str, form: str) -> None:
    given = files(1100)
    data = tmp_path / "data"
    with workspace(data, sales=True) as host:
        for name in ("people", "accounts", "products"):
            take_in(host, name, given[name])
    path = tmp_path / f"pipeline.{form}"
    header, *rows = csv.reader(io.StringIO(given["opportunities"].decode()))
    sheet_made = Sheet("S", [Heading(name) for name in header], rows)
    written = given["opportunities"] if form == "csv" else b"".join(write_workbook([sheet_made]))
    path.write_bytes(written)
    command = [
        sys.executable, "-m", "dacheng.runtime.cli", "import", SALES, "opportunity", str(path),
        "--map", str(EXAMPLES / "opportunities.map.json"), "--data", str(data),
    ]  # fmt: skip
    killed = subprocess.run(command, env={**os.environ, "DACHENG_CRASH_AT": point}, capture_output=True)
    assert killed.returncode == 137, killed.stderr.decode()
    with workspace(data) as host:
        assert count(host, ENTITIES["opportunities"]) == (0 if "before" in point else 500)
        (run, *_) = host.db.read_now(lambda r: import_records.list_runs(r, host.work()))
        done = import_records.go_on(host, host.work(), run.id)
        assert (done.created, done.updated, done.failed) == (1100, 0, 0)
        assert count(host, ENTITIES["opportunities"]) == 1100
        assert doctor.examine(host, silent).problems == ()


def test_ones_own_imports_are_listed_however_many_others_made_since(host: Host) -> None:
    own = add(host, "rep@example.com", f"{SALES}.sales_rep")
    host.refresh()
    made = [("mine", own, 1), *[(f"theirs{n}", "somebody", n + 2) for n in range(60)]]

    def note(tx: Transaction) -> None:
        for identity, actor, at in made:
            run = Run(identity, f"{SALES}.product", actor, "done", "a.csv", "", {}, started_at=at)
            imports.put_run(tx, run)

    host.db.write_now(note)
    work = host.work(User(own, "Rep", frozenset({f"{SALES}.sales_rep"}), None, ()))
    listed = host.db.read_now(lambda r: import_records.list_runs(r, work))
    assert [run.id for run in listed] == ["mine"]
    assert len(host.db.read_now(lambda r: import_records.list_runs(r, host.work()))) == 50


def test_a_workbook_comes_in_with_its_days_phones_and_links(host: Host) -> None:
    take_in(host, "accounts", table("account", [["海川集团"]]), raw={"columns": {"name": "account"}})
    rows = sheet(
        named("名称", "金额", "日期", "客户"),
        cell("A2", "13800138000")
        + cell("B2", "1054.5")
        + cell("C2", "46053", style=DAY)
        + cell("D2", "0", "s"),
        cell("A3", "=1+1", "inlineStr") + cell("B3", "1.2E3") + cell("D3", "0", "s"),
        cell("A4", "short") + cell("C4", "soon", "inlineStr"),
    )
    content = workbook({"说明": sheet(), "商机": rows}, texts="<si><t>海川集团</t></si>")
    raw = {"columns": {"name": "名称", "amount": "金额", "closed_on": "日期", "account": "客户"}}
    fields = ("name", "amount", "closed_on", "account.name")
    done = take_in(host, "opportunities", content, raw=raw)
    assert (done.rows, done.created, done.failed) == (3, 2, 1)
    run = import_records.demand_run(host, host.work(), done.run)
    assert run.detail["sheet"] == "商机"
    asked = export_records.Export(ENTITIES["opportunities"], fields, headings="ids", sort=("name",))
    text = "".join(export_records.export(host, host.work(), asked))
    assert list(csv.reader(io.StringIO(text)))[1:] == [
        ["13800138000", "1054.50", "2026-01-31", "海川集团"],
        ["'=1+1", "1200.00", "", "海川集团"],
    ]
    errors = list(csv.reader(io.StringIO("".join(import_records.error_file(host, host.work(), done.run)))))
    assert [row[:5] for row in errors[1:]] == [["short", "", "soon", "", "4"]]


def test_a_file_saved_by_a_chinese_excel_comes_in_right(host: Host) -> None:
    content = "客户名称,城市\r\n奥德赛（北京）①,呼和浩特\r\n".encode("gbk")
    done = take_in(host, "accounts", content, raw={"columns": {"name": "客户名称"}})
    assert done.created == 1
    assert count(host, ENTITIES["accounts"], {"==": [{"var": "name"}, "奥德赛（北京）①"]}) == 1


def test_a_record_that_one_file_made_and_changed_is_taken_out_once(host: Host) -> None:
    content = table(
        "product,series,sales_price", [["Z", "a", 1], ["Y", "a", 1], ["Z", "b", 2], ["Z", "c", 3]]
    )
    done = take_in(host, "products", content)
    assert (done.created, done.updated) == (2, 2)
    undone = undo_import.undo(host, host.work(), done.run, silent)
    assert (undone.reversed, undone.kept, undone.failed) == (2, 0, 0)
    assert count(host, ENTITIES["products"]) == 0


@pytest.mark.parametrize(
    "typed", ["2026/1/31 8:05", "2026年1月31日 8点5分", "2026-01-31 08:05:00", "2026-01-31T07:05:00Z"]
)
def test_times_of_a_file_are_those_of_the_workspace(tmp_path: Path, typed: str) -> None:
    """However they are written; only what names its offset is taken at its word."""
    with workspace(tmp_path, sales=True, zone="Europe/Berlin") as host:
        work = host.work()
        field = work.entity("core.user").entity.fields["created_at"]
        read = import_cells.cell_reading(work, field, ColumnMap("created_at", "c"))
        assert read(typed).isoformat() == "2026-01-31T07:05:00+00:00"
