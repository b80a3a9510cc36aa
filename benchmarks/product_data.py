"""Fill a data folder of Dacheng with the rows of the hand-written application, through its commands.

`python -m benchmarks.product_data FOLDER ROWS`. Beside the database it leaves `bench.json`: how
long the import took, and how to sign in as the most restricted role.
"""

from __future__ import annotations

import csv
import json
import secrets
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.limit.records import gen_records

HERE = Path(__file__).resolve().parent
COMMAND = Path(sys.executable).with_name("dacheng")
CLERK = "clerk@example.com"
# Column of the file → field; choices have lower-case ids, managers are found by their number.
MAPPING = {
    "columns": {
        "account_manager": {"column": "account_manager_id", "match": "code"},
    }
}


@dataclass(frozen=True)
class Facts:
    """What the load needs to know of a filled folder; times in seconds."""

    email: str
    password: str
    token: str
    rows: int
    import_seconds: float


def dacheng(folder: Path, *arguments: str, given: str | None = None) -> str:
    """Run a command on a data folder; returns what it printed, SystemExit when it is refused."""
    command = [str(COMMAND), *arguments, "--data", str(folder)]
    finished = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise SystemExit(f"{' '.join(command)}\n{finished.stdout}{finished.stderr}")
    return finished.stdout


def import_files(folder: Path, rows: int, seed: int = 1) -> tuple[Path, Path]:
    """The CSV of `rows` customers and its mapping, written beside the data."""
    records, mapping = folder / f"customers-{seed}.csv", folder / "mapping.json"
    columns: dict[str, dict[str, str]] = dict(MAPPING["columns"])
    with records.open("w", encoding="utf-8", newline="") as file:
        source = gen_records(rows, seed)
        first = as_definition(next(source))
        for name in first:
            columns.setdefault(name, {"column": name})
        columns.pop("account_manager_id", None)
        writer = csv.DictWriter(file, list(first))
        writer.writeheader()
        writer.writerow(first)
        writer.writerows(map(as_definition, source))
    mapping.write_text(json.dumps({"columns": columns}), "utf-8")
    return records, mapping


def as_definition(record: dict[str, object]) -> dict[str, object]:
    """A record as the definition wants it: ids of options are lower-case."""
    return {**record, "currency": str(record["currency"]).lower()}


def timed_import(folder: Path, rows: int, seed: int = 1) -> float:
    """Import `rows` customers with rules off; the wall time, the start of the command included."""
    records, mapping = import_files(folder, rows, seed)
    began = time.perf_counter()
    dacheng(folder, "import", "bench", "customer", str(records), "--map", str(mapping), "--rules", "off")
    return time.perf_counter() - began


def fill(folder: Path, rows: int) -> Facts:
    """A new data folder with the app, its rows and one clerk."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    dacheng(folder, "app", "install", str(HERE / "bench_app"))
    seconds = timed_import(folder, rows)
    password = secrets.token_urlsafe(18)
    who = ("--name", "Clerk", "--role", "bench.clerk", "--password-stdin")
    dacheng(folder, "user", "add", CLERK, *who, given=password + "\n")
    token = dacheng(folder, "token", "create", CLERK).strip().splitlines()[-1]
    facts = Facts(CLERK, password, token, rows, round(seconds, 2))
    (folder / "bench.json").write_text(json.dumps(asdict(facts)), "utf-8")
    return facts


def read_facts(folder: Path) -> Facts:
    """What `fill` left behind."""
    return Facts(**json.loads((folder / "bench.json").read_text("utf-8")))


if __name__ == "__main__":
    filled = fill(Path(sys.argv[1]), int(sys.argv[2]))
    print(f"{filled.rows} rows imported in {filled.import_seconds} s")
