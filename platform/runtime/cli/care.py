"""Commands that look after a workspace: `doctor`, `backup`, `restore`."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from dacheng.runtime.cli.output import DONE, REFUSED, Output, describe
from dacheng.runtime.cli.workspace import Commands, add_command, open_host, settings_of
from dacheng.runtime.services import doctor as care
from dacheng.runtime.services import keep_snapshot


def register(commands: Commands) -> None:
    """Add this group's commands."""
    parser = add_command(commands, "doctor", "Check the whole workspace.", doctor)
    parser.add_argument(
        "--repair",
        action="store_true",
        help="first add missing indexes, compute roll-ups and search entries anew",
    )
    parser = add_command(commands, "backup", "Write a snapshot, while running or not.", backup)
    parser.add_argument("file", nargs="?", metavar="FILE", help="where to (backups/ in the data folder)")
    parser = add_command(commands, "restore", "Replace the workspace by a snapshot.", restore)
    parser.add_argument("file", metavar="FILE")


def doctor(given: argparse.Namespace, output: Output) -> int:
    """Every check; exit code 0 when nothing is wrong. `--repair` first computes anew what is derived."""
    with open_host(given, read_only=not given.repair) as host:
        if given.repair:
            care.repair(host)
        found = care.examine(host, output.progress())
    document = {
        "ok": not found.problems,
        "checks": list(found.checks),
        "problems": [describe(problem, output.locale) for problem in found.problems],
    }
    if found.problems and not output.as_json:
        output.problems(found.problems)
    output.result(document, [f"{len(found.checks)} checks, {len(found.problems)} problems"])
    return REFUSED if found.problems else DONE


def backup(given: argparse.Namespace, output: Output) -> int:
    """Write a snapshot."""
    target = Path(given.file) if given.file else None
    with open_host(given, read_only=settings_of(given).embedded) as host:
        made = keep_snapshot.backup(host, target, datetime.now(UTC))
    output.result({"snapshot": made}, [made])
    return DONE


def restore(given: argparse.Namespace, output: Output) -> int:
    """Put a snapshot back, whole."""
    settings = settings_of(given)
    if settings.embedded:
        keep_snapshot.restore(settings, given.file)
    else:
        with open_host(given) as host:
            keep_snapshot.restore_in_place(host, given.file)
    output.result({"restored": given.file}, [f"{given.file}: restored"])
    return DONE
