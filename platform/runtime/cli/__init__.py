"""The command line: one parser, one file per group of commands, one place that turns refusals into exit codes."""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Sequence

from dacheng.metadata.problem import Refused
from dacheng.plugins.manager import PluginFailed
from dacheng.runtime.cli import apps, calendar, care, demo, jobs, people, plugins, records, serve, words
from dacheng.runtime.cli.output import BUG, BUSY, REFUSED, USAGE, Output
from dacheng.runtime.cli.workspace import language

GROUPS = (serve, demo, apps, people, records, words, care, calendar, jobs, plugins)
BUSY_CODES = ("storage.second_writer", "storage.busy")


def build_parser() -> argparse.ArgumentParser:
    """The whole command line; what the reference page is compared with."""
    parser = argparse.ArgumentParser(
        prog="dacheng", description="Dacheng 搭成: business apps as data, served from one process."
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for group in GROUPS:
        group.register(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; exit code 0 done, 1 refused, 2 usage, 3 busy, 70 a defect of the product."""
    given = build_parser().parse_args(arguments)
    output = Output(as_json=given.json, locale=language())
    try:
        return int(given.run(given, output))
    except Refused as refused:
        output.problems(refused.problems)
        busy = any(problem.code in BUSY_CODES for problem in refused.problems)
        return BUSY if busy else REFUSED
    except PluginFailed as failed:
        output.say(f"{failed}\n`dacheng plugin disable` lets the others go on without it.")
        return REFUSED
    except argparse.ArgumentTypeError as error:
        output.say(str(error))
        return USAGE
    except KeyboardInterrupt:
        output.say("")
        return 130
    except BrokenPipeError:
        return REFUSED
    except Exception:  # noqa: BLE001 - the last place that can say what happened
        traceback.print_exc(file=sys.stderr)
        output.say("This is a defect of the product. Please report it with the lines above.")
        return BUG
