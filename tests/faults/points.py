"""Every named crash point, read from the product's own source: a new one is tested without being listed."""

from __future__ import annotations

import re
from pathlib import Path

from dacheng.runtime.storage.schema_change import STEPS

PLATFORM = Path(__file__).parents[2] / "platform"
_CALL = re.compile(r"fault\.point\(f?\"([^\"]+)\"\)")
_SERIES = {"{step}": STEPS}
SQLITE_ONLY = frozenset({"snapshot.before_rename"})  # a snapshot on PostgreSQL is one transaction


def crash_points() -> tuple[str, ...]:
    """The names, sorted; a name made of a variable that is not known here raises."""
    found: set[str] = set()
    for path in PLATFORM.rglob("*.py"):
        for name in _CALL.findall(path.read_text("utf-8")):
            found.update(_each(name))
    return tuple(sorted(found))


def _each(name: str) -> list[str]:
    for variable, values in _SERIES.items():
        if variable in name:
            return [name.replace(variable, value) for value in values]
    if "{" in name:
        raise LookupError(f"say in {Path(__file__).name} which values {name} takes")
    return [name]
