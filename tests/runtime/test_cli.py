"""The command line: the reference page, exit codes, JSON shapes, and a workspace run by commands alone."""

import io
import json
import re
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from dacheng.runtime.cli import build_parser, main
from dacheng.runtime.cli.output import Bar
from dacheng.runtime.cli.reference import command_lines
from dacheng.runtime.services import outbox_worker
from dacheng.runtime.services.sign_in import RESET_JOB
from dacheng.runtime.storage import outbox
from tests.runtime.workspace import add, workspace

APPS = Path(__file__).parents[2] / "apps"
REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "commands.md"
Run = Any


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """`run(*words, stdin="")` gives (exit code, JSON document) of a command with `--json`."""

    def call(*words: str, stdin: str = "") -> tuple[int, Any]:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        code = main([*words, "--json", "--data", str(tmp_path / "data")])
        written = capsys.readouterr().out.strip()
        return code, json.loads(written) if written.startswith("{") else written

    return call


def test_reference_page_lists_every_command_as_it_is_called() -> None:
    text = REFERENCE.read_text("utf-8")
    found = re.findall(r"^## (.+)\n\n(.+)\n\n    (.+)$", text, re.MULTILINE)
    assert found == list(command_lines(build_parser()))


def test_a_workspace_is_run_by_commands_alone(run: Run, tmp_path: Path) -> None:
    assert run("setup", "boss@example.com", "--password-stdin", stdin="correct-lamp-47-fish\n")[0] == 0
    assert run("setup", "two@example.com", "--password-stdin", stdin="correct-lamp-47-fish\n")[0] == 1
    code, done = run("app", "install", "sales_management", "--no-sample")
    assert (code, done["app"], done["problems"]) == (0, "sales_management", [])
    assert [each["installed"] for each in run("app", "list")[1]["apps"]] == ["1.0.0", "1.0.0", ""]
    added = run(
        "user", "add", "rep@example.com", "--name", "R", "--role", "sales_rep", "--password-stdin",
        stdin="correct-lamp-47-fish\n",
    )  # fmt: skip
    assert added[0] == 0
    assert run("role", "grant", "rep@example.com", "sales_management.sales_manager")[0] == 0
    roles = run("user", "list")[1]["users"][1]["roles"]
    assert roles == ["sales_management.sales_manager", "sales_management.sales_rep"]
    assert run("token", "create", "rep@example.com")[1]["token"].startswith("dct_")
    file = tmp_path / "p.csv"
    code, made = run("import", "sales_management", "product", str(file), "--template")
    assert (code, made["file"]) == (0, str(file))
    assert file.read_text("utf-8-sig").strip().split(",") == made["columns"]
    assert run("import", "sales_management", "product")[0] == 2
    file.write_text("name,series,price\nA,x,1\nB,x,much\n")
    code, done = run("import", "sales_management", "product", str(file), "--preview")
    assert (code, done["creates"], done["failing"]) == (0, 1, 1)
    code, done = run("import", "sales_management", "product", str(file))
    assert (code, done["stored"], done["failed"], done["rows"]) == (0, 1, 1, 2)
    assert "much" in Path(done["errors"]).read_text("utf-8-sig")
    out = tmp_path / "out.csv"
    assert run("export", "sales_management", "product", "--out", str(out))[1]["rows"] == 1
    code, undone = run("undo-import", done["run"])
    assert (code, undone["reversed"], undone["kept"], undone["failed"]) == (0, 1, 0, 0)
    assert run("doctor") == (
        0,
        {"ok": True, "checks": ["packages", "catalogue", "storage", "files"], "problems": []},
    )
    snapshot = run("backup", str(tmp_path / "copy.db"))[1]["snapshot"]
    assert run("app", "uninstall", "sales_management", "--export", str(tmp_path / "csv"))[0] == 0
    assert (tmp_path / "csv" / "opportunity.csv").is_file()
    assert run("restore", snapshot)[0] == 0
    assert "sales_management" in {a["app"] for a in run("app", "list")[1]["apps"] if a["installed"]}


def test_doctor_repairs_a_missing_index(run: Run, tmp_path: Path) -> None:
    run("app", "install", "sales_management", "--no-sample")
    with closing(sqlite3.connect(tmp_path / "data" / "dacheng.db")) as file:
        wanted = (
            "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'sales_management_account'"
        )
        names = [name for (name,) in file.execute(wanted) if name.startswith("ix_")]
        file.execute(f'DROP INDEX "{names[0]}"')
        file.commit()
    code, found = run("doctor")
    assert (code, [each["code"] for each in found["problems"]]) == (1, ["storage.schema_drift"])
    assert run("doctor", "--repair")[0] == 0
    assert run("doctor")[0] == 0


def test_terms_and_labels_change_by_command(run: Run) -> None:
    run("app", "install", "sales_management", "--no-sample")
    code, listed = run("label", "list", "sales_management", "zh-CN")
    assert (code, listed["coverage"]) == (0, 1.0)
    slot = next(each["slot"] for each in listed["labels"] if each["slot"] == "entity:account")
    assert run("label", "set", "sales_management", "zh-CN", slot, "车主档案")[0] == 0
    texts = {each["slot"]: each for each in run("label", "list", "sales_management", "zh-CN")[1]["labels"]}
    assert (texts[slot]["text"], texts[slot]["owner"]) == ("车主档案", "workspace")
    assert run("label", "reset", "sales_management", "zh-CN", slot)[0] == 0
    for words in (
        ("nothing", "zh-CN", slot),
        ("sales_management", "fr", slot),
        ("sales_management", "en", "no:slot"),
    ):
        assert run("label", "set", *words, "x")[0] == 1


def test_token_is_printed_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with workspace(tmp_path / "data") as host:
        add(host, "boss@example.com", "core.admin")
    assert main(["token", "create", "boss@example.com", "--data", str(tmp_path / "data")]) == 0
    assert re.fullmatch(r"dct_[\w-]{43}\n", capsys.readouterr().out)


def test_exit_codes_tell_usage_busy_and_refusal_apart(run: Run, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["frobnicate"])
    assert stopped.value.code == 2
    assert run("doctor")[0] == 1
    with workspace(tmp_path / "data"):
        script = [
            sys.executable,
            "-m",
            "dacheng.runtime.cli",
            "setup",
            "a@b.cn",
            "--data",
            str(tmp_path / "data"),
        ]
        busy = subprocess.run(script, input=b"", capture_output=True)
    assert busy.returncode == 3
    assert b"Traceback" not in busy.stderr
    assert run("serve", "--workers", "2")[0] == 1
    assert run("app", "check", "no_such_app")[1]["problems"][0]["code"] == "install.unknown_app"


def test_a_package_is_checked_where_there_is_no_workspace(run: Run, tmp_path: Path) -> None:
    for app in ("sales_management", "store_sales"):
        code, found = run("app", "check", str(APPS / app))
        assert (code, found["plan"]["app"]) == (0, app)
    assert not (tmp_path / "data").exists()


def test_progress_is_one_line_that_ends() -> None:
    stream = io.StringIO()
    bar = Bar(stream)
    for done in range(101):
        bar("import", done, 100)
    assert stream.getvalue().count("\n") == 1
    assert stream.getvalue().endswith("100/100\n")


def test_demo_serves_and_tells_the_same_sign_in_twice(tmp_path: Path, run: Run) -> None:
    first = run("demo", "--prepare", "--port", "0", "--firm", "0.02")[1]
    assert run("demo", "--prepare", "--port", "0")[1] == first
    assert (tmp_path / "data" / "demo.json").stat().st_mode & 0o077 == 0
    assert {"admin@demo.example", "manager@demo.example", "rep@demo.example"} <= first["sign_in"].keys()
    people = first["people"]
    assert people[0]["email"] == "admin@demo.example"
    assert {each["email"] for each in people} == first["sign_in"].keys()
    apps = [each["app"] for each in people[1:]]
    assert all(apps)
    assert len([at for at, app in enumerate(apps) if at == 0 or apps[at - 1] != app]) == 2
    assert all(each["role"] for each in people)


def test_serve_answers_and_stops(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "dacheng.runtime.cli",
        "serve",
        "--data",
        str(tmp_path),
        "--port",
        str(port),
    ]
    server = subprocess.Popen(command, stderr=subprocess.PIPE)
    try:
        for _ in range(200):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/sign-in", timeout=5) as answer:
                    assert answer.status == 200
                break
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)
        else:
            pytest.fail("the server did not answer")
    finally:
        server.terminate()
        _, said = server.communicate(timeout=30)
    assert b"one-time token" in said


def test_failed_jobs_are_listed_shown_retried_and_discarded(run: Run, tmp_path: Path) -> None:
    job = {"login": "ann@example.com"}
    with workspace(tmp_path / "data") as host:
        for key in ("one", "two"):
            host.db.write_now(partial(outbox.put, kind=RESET_JOB, payload=job, key=key, now=1_000))
        add(host, "ann@example.com")
        assert outbox_worker.drain(host) == 0
    code, listed = run("jobs", "list")
    assert (code, [each["key"] for each in listed["jobs"]], listed["total"]) == (0, ["two", "one"], 2)
    second, first = (str(each["number"]) for each in listed["jobs"])
    code, shown = run("jobs", "show", first)
    assert (code, shown["payload"], shown["tries"]) == (0, job, 1)
    assert run("jobs", "retry")[0] == 2
    assert run("jobs", "retry", first, "--all")[0] == 2
    assert run("jobs", "retry", first) == (0, {"retried": 1})
    code, refused = run("jobs", "retry", first)
    assert (code, refused["problems"][0]["code"]) == (1, "job.not_failed")
    code, refused = run("jobs", "discard", second)
    assert (code, refused["problems"][0]["code"]) == (1, "job.consent_missing")
    assert run("jobs", "discard", second, "--yes") == (0, {"number": int(second), "discarded": True})
    assert run("jobs", "show", second)[0] == 1
    assert run("jobs", "retry", "--all") == (0, {"retried": 0})
    assert run("jobs", "list") == (0, {"jobs": [], "total": 0})
