"""Every command with its arguments, read off the parser; the reference page is held against it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

COMMON = frozenset({"--data", "--database", "--json", "--help"})


def command_lines(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str, str]]:
    """(name, what it does, how it is called without the options every command takes), in order."""
    yield from _below(parser, "")


def _below(parser: argparse.ArgumentParser, prefix: str) -> Iterator[tuple[str, str, str]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, inner in action.choices.items():
                yield from _below(inner, f"{prefix} {name}".strip())
            return
    parts = [_part(a) for a in parser._actions if not COMMON & set(a.option_strings)]
    yield prefix, parser.description or "", " ".join(["dacheng", prefix, *parts])


def _part(action: argparse.Action) -> str:
    metavar = action.metavar if isinstance(action.metavar, str) else ""
    if action.choices:
        metavar = "|".join(str(choice) for choice in action.choices)
    if not action.option_strings:
        return f"[{metavar}]" if action.nargs == "?" else metavar
    text = f"{action.option_strings[0]} {metavar}".strip()
    repeated = "…" if isinstance(action.default, list) else ""
    return f"{text}{repeated}" if action.required else f"[{text}]{repeated}"
