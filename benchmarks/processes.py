"""Memory and CPU of a server and everything it started, read from /proc."""

from __future__ import annotations

import os
import resource
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


def _stat(pid: int | str) -> list[str]:
    """The fields of /proc/PID/stat after the command's name."""
    return Path(f"/proc/{pid}/stat").read_text("utf-8").rsplit(")", 1)[1].split()


def tree(root: int) -> list[int]:
    """The root, its descendants and everything in its session."""
    parent: dict[int, int] = {}
    session: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = _stat(entry.name)
            except (OSError, IndexError):
                continue
            parent[int(entry.name)], session[int(entry.name)] = int(fields[1]), int(fields[3])

    def belongs(pid: int) -> bool:
        while pid > 1:
            if root in (pid, session.get(pid)):
                return True
            pid = parent.get(pid, 0)
        return False

    return [pid for pid in parent if belongs(pid)]


def memory_mb(root: int) -> float:
    """Proportional memory of the tree, in MB."""
    total = 0
    for pid in tree(root):
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text("utf-8").splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return round(total / 1024, 1)


def cpu_seconds(root: int) -> float:
    """CPU seconds of the tree, its ended children included."""
    total = 0
    for pid in tree(root):
        try:
            total += sum(map(int, _stat(pid)[11:15]))
        except OSError:
            continue
    return total / TICK


def machine_seconds() -> float:
    """CPU seconds spent by everything on the machine, time stolen by its host included."""
    line = Path("/proc/stat").read_text("utf-8").split("\n", 1)[0]
    fields = [int(field) for field in line.split()[1:]]
    return (sum(fields[:8]) - fields[3] - fields[4]) / TICK


def own_seconds() -> float:
    """CPU seconds of this process and of its children that ended."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)
