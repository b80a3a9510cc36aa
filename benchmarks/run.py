"""Dacheng against the hand-written application, like for like; writes ratios to a JSON file.

Both serve the same rows from one core with every acknowledged write on disk; the hand-written one
writes an audit row with each create. Dacheng is asked as its most restricted role. A ratio is
Dacheng's requests per CPU second of the server ÷ the other's (imports: rows per second of wall
time): 1 is as fast, 0.5 is half as fast.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.limit.records import gen_records
from benchmarks.load import Cell, Plan, measure, started, table
from benchmarks.loader import Load, has_wrk
from benchmarks.product_data import read_facts
from benchmarks.target import Ask, Target

HERE = Path(__file__).resolve().parent
SCENARIOS = ("list_page", "form_page", "list_json", "create")


def ratios(found: dict[Cell, Load]) -> dict[str, float]:
    """Scenario → the ratio of requests per CPU second, at the highest concurrency measured."""
    most = max(connections for _, connections, _ in found)
    result = {}
    for scenario in SCENARIOS:
        limit, product = found[scenario, most, "limit"], found[scenario, most, "product"]
        result[scenario] = round(limit.cpu_ms / product.cpu_ms, 3)
    return result


def limit_import_seconds(target: Target, rows: int) -> float:
    """Send the hand-written application the same rows as one CSV."""
    text, source = io.StringIO(), gen_records(rows, seed=2)
    first = next(source)
    writer = csv.DictWriter(text, list(first))
    writer.writeheader()
    writer.writerow(first)
    writer.writerows(source)
    body = text.getvalue().encode()
    began = time.perf_counter()
    status, answer = target.send(Ask("POST", "/api/customers/import", {"Content-Type": "text/csv"}, body))
    if status != 201:
        raise SystemExit(f"import: {status} {answer[:400]!r}")
    return time.perf_counter() - began


def compare(rows: int, plan: Plan) -> dict[str, Any]:
    """Run everything; the ratios, and the figures they come from."""
    with tempfile.TemporaryDirectory(prefix="dacheng-bench-") as name:
        folder = Path(name)
        targets = [Target(HERE / "targets" / f"{n}.toml", folder / n) for n in ("limit", "product")]
        for target in targets:
            target.spec["reset"] = target.spec["reset"].replace("100000", str(rows))
        with started(targets, folder):
            found = measure(targets, SCENARIOS, plan, folder)
            limit_rate = rows / limit_import_seconds(targets[0], rows)
        facts = read_facts(folder / "product")
        print(table(found, "limit"))
    product_rate = facts.rows / facts.import_seconds
    return {
        **ratios(found),
        "import": round(product_rate / limit_rate, 3),
        "figures": [
            {"scenario": s, "connections": c, "target": t, **asdict(v)} for (s, c, t), v in found.items()
        ],
        "import_rows_per_s": {"limit": round(limit_rate), "product": round(product_rate)},
        "rows": rows,
        "loader": "wrk" if has_wrk() else "asyncio",
        "targets": {target.name: target.facts for target in targets},
    }


def main() -> None:
    """Compare, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("var/bench.json"))
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    if not has_wrk():
        print("wrk is not installed: a slower loader is used, and fast servers look slower than they are.")
    report = compare(given.rows, Plan(seconds=given.seconds, repeat=given.repeat))
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(report, indent=2) + "\n", "utf-8")
    print({name: report[name] for name in (*SCENARIOS, "import")}, "→", given.out)


if __name__ == "__main__":
    main()
