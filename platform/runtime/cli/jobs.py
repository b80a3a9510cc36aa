"""Commands about jobs that were given up: `jobs list`, `show`, `retry`, `discard`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from dacheng.runtime.cli.output import DONE, USAGE, Output
from dacheng.runtime.cli.workspace import Commands, add_command, add_group, open_host
from dacheng.runtime.services import failed_jobs
from dacheng.runtime.storage.dead_letters import DeadLetter


def register(commands: Commands) -> None:
    """Add this group's commands."""
    group = add_group(commands, "jobs", "Jobs that were given up.")
    add_command(group, "list", "List jobs that were given up.", list_all)
    parser = add_command(group, "show", "Show one of them, with what it was to do.", show)
    parser.add_argument("number", type=int, metavar="NUMBER")
    parser = add_command(group, "retry", "Try one of them again, or all.", retry)
    parser.add_argument("number", type=int, nargs="?", metavar="NUMBER")
    parser.add_argument("--all", action="store_true", help="every one of them")
    parser = add_command(group, "discard", "Give one of them up for good.", discard)
    parser.add_argument("number", type=int, metavar="NUMBER")
    parser.add_argument("--yes", action="store_true", help="it shall never be done")


def list_all(given: argparse.Namespace, output: Output) -> int:
    """The latest of them, and how many there are."""
    with open_host(given, read_only=True) as host:
        work = host.work()
        found, total = host.db.read_now(partial(failed_jobs.list_failed, work=work))
    jobs = [_facts(each, output.locale) for each in found]
    lines = [f"{j['number']}  {j['kind']}  {j['tries']} tries  {j['failed_at']}  {j['reason']}" for j in jobs]
    output.result({"jobs": jobs, "total": total}, [*lines, f"{total} failed"])
    return DONE


def show(given: argparse.Namespace, output: Output) -> int:
    """One of them."""
    with open_host(given, read_only=True) as host:
        found = host.db.read_now(partial(failed_jobs.get_failed, work=host.work(), number=given.number))
    document = {**_facts(found, output.locale), "payload": found.payload}
    output.result(document, [f"{name}: {_line(value)}" for name, value in document.items()])
    return DONE


def retry(given: argparse.Namespace, output: Output) -> int:
    """Try one again by its number, or all with `--all`: one of the two."""
    if (given.number is None) != given.all:
        output.say("Say a number, or --all.")
        return USAGE
    with open_host(given) as host:
        retried = failed_jobs.retry(host, host.work(), given.number)
    output.result({"retried": retried}, [f"{retried} queued again"])
    return DONE


def discard(given: argparse.Namespace, output: Output) -> int:
    """Give one up for good; without `--yes` it is refused."""
    with open_host(given) as host:
        failed_jobs.discard(host, host.work(), given.number, consent=given.yes)
    output.result({"number": given.number, "discarded": True}, [f"{given.number}: discarded"])
    return DONE


def _facts(letter: DeadLetter, locale: str) -> Mapping[str, Any]:
    return {
        "number": letter.seq,
        "kind": letter.kind,
        "key": letter.key,
        "tries": letter.attempts,
        "reason": failed_jobs.reason_in(letter, locale),
        "created_at": _moment(letter.created_at),
        "failed_at": _moment(letter.failed_at),
    }


def _moment(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds")


def _line(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
