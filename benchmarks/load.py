"""Interleaved runs against several targets: every round visits each of them before the next.

So a noisy neighbour hits all. Cells are repeated until enough runs were quiet; the median of the
quietest ones counts.

    python -m benchmarks.load benchmarks/targets/limit.toml --scenario list_page,create
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.loader import Load, has_wrk, run
from benchmarks.processes import memory_mb
from benchmarks.target import Target


@dataclass(frozen=True)
class Plan:
    """How long and how often: seconds a run, runs wanted, most runs, foreign cores allowed."""

    connections: tuple[int, ...] = (1, 16)
    seconds: float = 3
    warmup: float = 1
    repeat: int = 3
    tries: int = 6
    quiet: float = 0.15


Cell = tuple[str, int, str]  # scenario, connections, target


@contextmanager
def started(targets: Sequence[Target], folder: Path) -> Iterator[None]:
    """All targets serving; all stopped afterwards, whatever happened."""
    try:
        for target in targets:
            target.start(folder / f"{target.name}.log")
        for target in targets:
            if target.process:
                target.facts["memory_idle_mb"] = memory_mb(target.process.pid)
        yield
        for target in targets:
            if target.process:
                target.facts["memory_loaded_mb"] = memory_mb(target.process.pid)
    finally:
        for target in targets:
            target.stop()


def measure(
    targets: Sequence[Target], scenarios: Sequence[str], plan: Plan, folder: Path
) -> dict[Cell, Load]:
    """The median run of each cell."""
    found: dict[Cell, Load] = {}
    for scenario in scenarios:
        asks = {t.name: t.asks(scenario) for t in targets if scenario in t.scenarios}
        taking_part = [t for t in targets if t.name in asks]
        for target in taking_part:
            target.check(scenario)
            run(target, asks[target.name], 4, plan.warmup, folder)
        runs: dict[Cell, list[Load]] = {}
        for _ in range(max(plan.repeat, plan.tries)):
            for connections in plan.connections:
                for target in taking_part:
                    cell = runs.setdefault((scenario, connections, target.name), [])
                    if sum(load.foreign <= plan.quiet for load in cell) < plan.repeat:
                        cell.append(run(target, asks[target.name], connections, plan.seconds, folder))
        found |= {cell: _typical(loads, plan.repeat) for cell, loads in runs.items()}
    return found


def _typical(loads: Sequence[Load], wanted: int) -> Load:
    quietest = sorted(loads, key=lambda load: load.foreign)[:wanted]
    middle = {name: median(asdict(load)[name] for load in quietest) for name in asdict(loads[0])}
    return Load(**{**middle, "errors": sum(load.errors for load in loads)})


def table(found: dict[Cell, Load], base: str) -> str:
    """A Markdown table; ratios are to the target `base`."""
    lines = [
        "| scenario | connections | target | req/s | ×base | p50 ms | p99 ms | CPU ms/req | foreign | errors |",
        "|---|--:|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for (scenario, connections, name), load in found.items():
        first = found.get((scenario, connections, base), load)
        lines.append(
            f"| {scenario} | {connections} | {name} | {load.rps:,.0f} | {load.rps / first.rps:.2f} "
            f"| {load.p50:.2f} | {load.p99:.2f} | {load.cpu_ms:.3f} | {load.foreign:.2f} | {load.errors} |"
        )
    return "\n".join(lines)


def parser() -> argparse.ArgumentParser:
    """The arguments of a load run."""
    made = argparse.ArgumentParser(description="Interleaved load runs, reported as ratios.")
    made.add_argument("targets", nargs="+", type=Path, help="TOML files; the first is the baseline")
    made.add_argument("--scenario", default="", help="comma list; default: all of the first target")
    made.add_argument("--connections", default="1,16")
    made.add_argument("--seconds", type=float, default=3)
    made.add_argument("--repeat", type=int, default=3)
    return made


def main() -> None:
    """Run and print."""
    given = parser().parse_args()
    if not has_wrk():
        print("wrk is not installed: a slower loader is used, and fast servers look slower than they are.")
    plan = Plan(tuple(map(int, given.connections.split(","))), given.seconds, repeat=given.repeat)
    with tempfile.TemporaryDirectory(prefix="dacheng-load-") as name:
        folder = Path(name)
        targets = [Target(file, folder / file.stem) for file in given.targets]
        scenarios = given.scenario.split(",") if given.scenario else list(targets[0].scenarios)
        with started(targets, folder):
            found = measure(targets, scenarios, plan, folder)
    print(table(found, targets[0].name))
    for target in targets:
        facts: dict[str, Any] = target.facts
        print(target.name, facts)


if __name__ == "__main__":
    main()
