"""An import of 100,000 rows through a real server: watched, cancelled, killed and gone on with, in little memory.

The file is as a Chinese Excel saves it, GB18030 with CRLF or a workbook. In the normal run it has a few thousand rows.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dacheng.runtime.services import doctor
from dacheng.runtime.web.download import XLSX
from tests.faults.serving import Caller, Server, add_person, serve
from tests.runtime.workspace import workspace
from tests.support.workbooks import MAIN, workbook

LONG = bool(os.environ.get("DACHENG_SOAK"))
ROWS = 100_000 if LONG else 6_000
MOST_MEMORY = 300 * 1024  # KiB
ACCOUNT = "sales_management.account"
IMPORTS = "/api/v1/imports"
HEADER = ("客户名称", "员工数", "所在城市")
FIELDS = {"columns": {"name": HEADER[0], "employees": HEADER[1], "office_location": HEADER[2]}}
SECONDS = 600.0


def row(number: int) -> tuple[str, str, str]:
    """Signs of one, two and four bytes in GB18030; every thousandth row cannot be stored."""
    employees = "many" if number % 1000 == 7 else str(number % 5000 + 5)
    return f"海川（北京）①𠮷{number:06d}", employees, ("呼和浩特", "上海", "")[number % 3]


def good(rows: int) -> list[tuple[str, int, str | None]]:
    """What must be stored of the file."""
    wanted = [row(number) for number in range(rows)]
    return [(name, int(count), city or None) for name, count, city in wanted if count != "many"]


def csv_file(rows: int) -> bytes:
    lines = [",".join(HEADER), *(",".join(row(number)) for number in range(rows)), ""]
    return "\r\n".join(lines).encode("gb18030")


def workbook_file(rows: int) -> bytes:
    def cells(number: int, texts: tuple[str, ...]) -> str:
        inner = "".join(
            f'<c r="{"ABC"[at]}{number}" t="n"><v>{text}</v></c>'
            if text.isdecimal()
            else f'<c r="{"ABC"[at]}{number}" t="inlineStr"><is><t>{text}</t></is></c>'
            for at, text in enumerate(texts)
        )
        return f'<row r="{number}">{inner}</row>'

    body = cells(1, HEADER) + "".join(cells(number + 2, row(number)) for number in range(rows))
    return workbook({"客户": f"<worksheet {MAIN}><sheetData>{body}</sheetData></worksheet>"})


@dataclass
class Place:
    """A workspace on disk and the server that serves it now; the most memory any server of it took."""

    data: Path
    url: str
    token: str
    peaks: list[int] = field(default_factory=list)

    def serving(self) -> Any:
        return serve(self.data, self.url)

    def note_memory(self, server: Server) -> None:
        """The most that the process ever held, in KiB (Linux)."""
        lines = Path(f"/proc/{server.processes[0]}/status").read_text().splitlines()
        self.peaks.append(next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")))

    def stored(self) -> list[tuple[str, int, str | None]]:
        """What is there, in order; and the workspace is sound."""
        with workspace(self.data, self.url) as host:
            account = host.model().tables.of(ACCOUNT)
            asked = sa.select(account.c.name, account.c.employees, account.c.office_location)
            found = host.db.read_now(lambda reader: reader.rows(asked.order_by(account.c.name)))
            assert doctor.examine(host, lambda step, done, total: None).problems == ()
        return [(name, employees, city) for name, employees, city in found]


@pytest.fixture
def place(tmp_path: Path, database_url: str) -> Place:
    url = "" if database_url.startswith("sqlite") else database_url
    with workspace(tmp_path / "data", url, sales=True) as host:
        _, token = add_person(host, "pat", "core.admin")
    return Place(tmp_path / "data", url, token)


def begin(program: Caller, content: bytes, name: str, kind: str) -> str:
    """The file goes up and its import begins; the address of the run."""
    sent = program.ask(
        "POST", f"{IMPORTS}/files?entity={ACCOUNT}&name={name}", content, {"content-type": kind}
    )
    assert sent.status == 201, sent.text
    begun = program.post(f"{IMPORTS}/files/{sent.json()['id']}/start", {"mapping": FIELDS})
    assert begun.status == 202, begun.text
    return begun.headers["location"]


def watch(program: Caller, run: str, until: Callable[[dict[str, Any]], bool]) -> list[int]:
    """How many rows were told to be done, each time one asked, until something holds."""
    told: list[int] = []
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        now = program.get(run).json()
        told.append(now["stored"] + now["failed"])
        if until(now):
            return told
        time.sleep(0.01)
    raise AssertionError("the import did not get there")


def finished(now: dict[str, Any]) -> bool:
    return bool(now["state"] == "done")


def some(now: dict[str, Any]) -> bool:
    return bool(now["stored"] >= ROWS // 5)


FILES = {"csv": (csv_file, "text/csv"), "xlsx": (workbook_file, XLSX)}


@pytest.mark.parametrize("kind", FILES if LONG else ["csv"])
def test_r1_a_large_import_killed_half_way_goes_on_to_exactly_its_rows_in_little_memory(
    place: Place, kind: str, record_property: Callable[[str, object], None]
) -> None:
    write, media = FILES[kind]
    began = time.monotonic()
    with place.serving() as server:
        program = server.program(place.token)
        run = begin(program, write(ROWS), f"customers.{kind}", media)
        told = watch(program, run, some)
        place.note_memory(server)
        os.kill(server.processes[0], signal.SIGKILL)
        program.close()
    with place.serving() as server:
        program = server.program(place.token)
        left = program.get(run).json()
        assert ROWS // 5 <= left["stored"] + left["failed"] < ROWS
        assert left["stored"] + left["failed"] >= told[-1], "what was told to be done is done"
        if left["state"] == "running":
            assert program.post(f"{run}/go-on", {}).status == 202
        told += watch(program, run, finished)
        done = program.get(run).json()
        out = program.get(f"/api/v1/apps/{ACCOUNT.replace('.', '/')}/export.csv", fields="name", sort="name")
        place.note_memory(server)
        errors = program.get(f"{run}/errors").text.splitlines()
        program.close()
    record_property("seconds", round(time.monotonic() - began, 1))
    record_property("peak MiB", [round(each / 1024) for each in place.peaks])
    bad = ROWS - len(good(ROWS))
    assert (done["rows"], done["created"], done["failed"]) == (ROWS, ROWS - bad, bad)
    assert len(errors) == bad + 1
    assert told == sorted(told)
    assert len(set(told)) > 3, "it was seen to come along"
    assert place.stored() == good(ROWS)
    assert out.text.splitlines()[1:] == [name for name, _, _ in good(ROWS)], "and they go out again"
    assert max(place.peaks) <= MOST_MEMORY


def test_a_large_import_that_is_cancelled_stops_and_keeps_what_it_told(place: Place) -> None:
    with place.serving() as server:
        program = server.program(place.token)
        run = begin(program, csv_file(ROWS), "customers.csv", "text/csv")
        watch(program, run, lambda now: bool(now["stored"] > 0))
        assert program.post(f"{run}/cancel", {}).status == 200
        watch(program, run, lambda now: bool(now["state"] == "cancelled"))
        now = program.get(run).json()
        program.close()
    assert 0 < now["stored"] < ROWS
    found = place.stored()
    assert len(found) == now["stored"]
    assert found == good(ROWS)[: len(found)]
