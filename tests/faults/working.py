"""The work of a process that a test will kill: each deed is said only after it was acknowledged."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dacheng.metadata.problem import Refused
from dacheng.runtime.host import Host
from dacheng.runtime.services import edit_labels, files, import_job, import_records, install_app, write_record
from dacheng.runtime.services.files import Upload
from dacheng.runtime.services.import_source import Source
from dacheng.runtime.services.write_record import Write
from tests.faults.shop_versions import edition
from tests.runtime.workspace import workspace

ORDER = "shop.order"
BUYERS = 17
ROWS = 100
BATCH = 30
LINES = [{"quantity": "2", "amount": "5.00"}, {"quantity": "1.5", "amount": "7.25"}]
MAPPING = {
    "columns": {
        "number": {"column": "no"},
        "buyer": {"column": "buyer", "match": "name", "missing": "create"},
        "ordered_on": {"column": "day"},
    },
    "key": "number",
}


class Said:
    """Acknowledged deeds, one JSON line each, which outlive the process that wrote them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.touch(mode=0o600)

    def __call__(self, what: str, **more: Any) -> None:
        """Say one."""
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND)
        os.write(file, json.dumps({"what": what, **more}).encode() + b"\n")
        os.close(file)

    def all(self, *kinds: str) -> list[dict[str, Any]]:
        """What was said; a last line cut short was not said."""
        lines = self._path.read_bytes().split(b"\n")[:-1]
        return [each for each in map(json.loads, lines) if each["what"] in kinds]


def file_of_orders() -> bytes:
    """A file of orders of which some repeat a buyer that is not there yet."""
    rows = [f"I-{n:04},Buyer {n % BUYERS:02},2026-01-{n % 28 + 1:02}" for n in range(ROWS)]
    return "\n".join(["no,buyer,day", *rows, ""]).encode()


def write(host: Host, said: Said, many: int = 12) -> None:
    """Orders with two lines each; every second one is then changed, lines and all."""
    for number in range(many):
        work = host.work()
        is_text = work.model.catalogue.entities[ORDER].fields["serial"].kind == "text"
        serial = str(number) if is_text else number
        values = {"number": f"W-{work.context.new_id()}", "serial": serial, "lines": LINES}
        try:
            made = write_record.write_now(host.db, work, Write("create", ORDER, values=values))
            said("made", id=made.id, version=made.version)
            if number % 2:
                changes = {"ordered_on": "2026-02-02", "reason": "later"}
                done = write_record.write_now(
                    host.db, work, Write("update", ORDER, made.id, changes, made.version)
                )
                said("made", id=made.id, version=done.version)
        except Refused as refused:
            if not all(each.code == "storage.version_moved" for each in refused.problems):
                raise


def label(host: Host, said: Said) -> None:
    """Rename the term for a buyer."""
    now = edit_labels.list_labels(host, host.work(), "shop", "zh-CN").terms
    old = next(each.forms["one"] for each in now if each.term == "buyer")
    new = f"车主{int(old.removeprefix('车主') or 0) + 1}" if old.startswith("车主") else "车主1"
    said("naming", text=new)
    edit_labels.set_term(host, host.work(), "shop", "zh-CN", "buyer", {"one": new})
    said("named", text=new)


def publish(host: Host, said: Said) -> None:
    """The next version of the app."""
    host.refresh()
    number = int(host.model().catalogue.apps["shop"].version.split(".")[0]) + 1
    install_app.install(host, host.work(), edition(host.kinds, number))
    said("published", number=number)


def take_in(host: Host, said: Said) -> None:
    """Import the file of orders, or go on with an import that was stopped."""
    setattr(import_job, "BATCH", BATCH)  # noqa: B010 - more batches from a small file
    running = [
        r
        for r in host.db.read_now(lambda r: import_records.list_runs(r, host.work()))
        if r.state == "running"
    ]
    if running:
        done = import_records.go_on(host, host.work(), running[0].id)
    else:
        done = import_records.start(host, host.work(), ORDER, Source("orders.csv", file_of_orders()), MAPPING)
    said("imported", run=done.run, stored=done.stored)


def keep(host: Host, said: Said, many: int = 4) -> None:
    """Files taken in, as uploads are."""
    for number in range(many):
        content = io.BytesIO(f"contents {number}\n".encode() * 1000)
        row = files.take_in(host, host.work(), Upload(content, f"note {number}.txt"))
        said("kept", id=row.id, hash=row.hash)


TASKS: dict[str, Callable[[Host, Said], None]] = {
    "write": write,
    "label": label,
    "publish": publish,
    "import": take_in,
    "keep": keep,
}


def run(data: str, url: str, said: str, tasks: list[str], crash_at: str) -> None:
    """Open the workspace and do these tasks in turn; the environment may name a point to die at."""
    with workspace(Path(data), url) as host:
        os.environ["DACHENG_CRASH_AT"] = crash_at
        mouth = Said(Path(said))
        mouth("ready")
        for task in tasks:
            TASKS[task](host, mouth)
        mouth("finished")
