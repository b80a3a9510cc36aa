"""What commands share: the options that name a workspace, and opening it."""

from __future__ import annotations

import argparse
import locale
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dacheng.metadata.problem import Refused
from dacheng.runtime.cli.output import Output
from dacheng.runtime.host import Host
from dacheng.runtime.settings import Settings, load_settings

Commands = Any  # argparse gives its group of sub-parsers no public type
NO_WORKSPACE = "host.no_workspace"
Run = Callable[[argparse.Namespace, Output], int]


def add_command(
    commands: Commands,
    name: str,
    help: str,  # noqa: A002 - argparse's own word
    run: Run,
) -> argparse.ArgumentParser:
    """A command with the options every command takes: the workspace, and JSON output."""
    parser: argparse.ArgumentParser = commands.add_parser(name, help=help, description=help)
    parser.add_argument("--data", metavar="DIR", help="data folder (DACHENG_DATA)")
    parser.add_argument("--database", metavar="URL", help="database URL (DACHENG_DATABASE)")
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")
    parser.set_defaults(run=run)
    return parser


def add_group(commands: Commands, name: str, help: str) -> Commands:  # noqa: A002 - argparse's own word
    """A command that has commands of its own, such as `app install`."""
    parser = commands.add_parser(name, help=help, description=help)
    return parser.add_subparsers(dest=f"{name}_command", metavar="COMMAND", required=True)


def settings_of(given: argparse.Namespace, **more: Any) -> Settings:
    """Settings from the command's options over environment and file."""
    return load_settings({"data": given.data, "database": given.database, **more})


@contextmanager
def open_host(given: argparse.Namespace, *, read_only: bool = False) -> Iterator[Host]:
    """The workspace a command names, closed at the end whatever happens."""
    host = Host.open(settings_of(given), read_only=read_only)
    try:
        yield host
    finally:
        host.close()


@contextmanager
def open_to_look(given: argparse.Namespace) -> Iterator[Host]:
    """The workspace a command only looks into; where there is none yet, an empty one that goes with the command."""
    with ExitStack() as stack:
        try:
            host = Host.open(settings_of(given), read_only=True)
        except Refused as refused:
            if all(each.code != NO_WORKSPACE for each in refused.problems):
                raise
            folder = stack.enter_context(TemporaryDirectory(prefix="dacheng-"))
            host = Host.open(load_settings({"data": Path(folder)}, {}))
        stack.callback(host.close)
        yield host


def language() -> str:
    """The language of the terminal: `zh-CN` when it is Chinese, else English."""
    named = (os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG")) or (
        locale.getlocale()[0] or ""
    )
    return "zh-CN" if named.lower().startswith("zh") else "en"
