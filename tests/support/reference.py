"""The enumerating parts of the reference pages, written from the code.

`python -m tests.support.reference` writes them; `tests/layout` compares them. A part without its
code yet is left empty.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec
from types import ModuleType

from dacheng.metadata.problem import catalogue
from tests.support.source import ROOT

PAGES = ROOT / "docs" / "reference"
PART = re.compile(r"(<!-- generated: (\w+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; bars and line ends inside cells are escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def problems() -> str:
    """Every problem code with category, message and hint."""
    codes = sorted(catalogue().values(), key=lambda code: code.id)
    return table(
        ["code", "category", "message", "hint"],
        ([f"`{c.id}`", c.category, c.message["en"], c.hint.get("en", "")] for c in codes),
    )


def hooks() -> str:
    """Every hook with its arguments and its promise."""
    module = _module("dacheng.plugins.hookspecs")
    return table(
        ["hook", "arguments", "fires, and what to return"],
        (
            [f"`{name}`", _arguments(function), _sentence(function)]
            for name, function in vars(module).items()
            if inspect.isfunction(function) and function.__module__ == module.__name__
        ),
    )


def definitions() -> str:
    """Every definition kind with its folder, then every field kind with its keys."""
    part = _module("dacheng.metadata.builtin").part()
    kinds = table(["item", "folder"], ([f"`{k.id}`", f"`{k.folder or '.'}`"] for k in part.definitions))
    fields = table(
        ["field kind", "promise", "keys"],
        ([f"`{k.id}`", _sentence(type(k)), ", ".join(f"`{key}`" for key in k.schema)] for k in part.fields),
    )
    return f"{kinds}\n{fields}"


def commands() -> str:
    """Every command with its arguments, from the parser itself."""
    parser: argparse.ArgumentParser = _module("dacheng.runtime.cli").build_parser()
    return table(["command", "does", "arguments"], _commands(parser, ""))


def api() -> str:
    """Every address of the API with who may use it."""
    routes = _module("dacheng.runtime.web.api.routes").API_ROUTES
    return table(
        ["call", "who", "does"],
        (
            [f"`{method} {each.path}`", each.permission.replace("_", " "), _sentence(each.handler)]
            for each in routes
            for method in each.methods
        ),
    )


# Part → the name in the code that it is written from, and its writer.
PARTS: dict[str, tuple[str, Callable[[], str]]] = {
    "problems": ("dacheng.metadata.problem:catalogue", problems),
    "hooks": ("dacheng.plugins.hookspecs:hookspec", hooks),
    "definitions": ("dacheng.metadata.builtin:part", definitions),
    "api": ("dacheng.runtime.web.api.routes:API_ROUTES", api),
    "commands": ("dacheng.runtime.cli:build_parser", commands),
}


def there(source: str) -> bool:
    """Whether a `module:name` exists in the code."""
    module, _, name = source.partition(":")
    return find_spec(module) is not None and hasattr(_module(module), name)


def rewritten(page: str) -> str:
    """The page with every generated part as the code now says."""

    def part(found: re.Match[str]) -> str:
        source, write = PARTS[found[2]]
        return f"{found[1]}\n{write()}\n{found[4]}" if there(source) else found[0]

    return PART.sub(part, page)


def _commands(parser: argparse.ArgumentParser, path: str) -> Iterable[Sequence[str]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
            for name, sub in action.choices.items():
                whole = f"{path} {name}".strip()
                if any(isinstance(a, argparse._SubParsersAction) for a in sub._actions):
                    yield from _commands(sub, whole)
                else:
                    yield [f"`{whole}`", helps.get(name, ""), _options(sub)]


def _options(parser: argparse.ArgumentParser) -> str:
    shown = [a for a in parser._actions if a.help != argparse.SUPPRESS and a.dest != "help"]
    return ", ".join(f"`{a.option_strings[-1] if a.option_strings else a.dest.upper()}`" for a in shown)


def _module(name: str) -> ModuleType:
    return importlib.import_module(name)


def _arguments(function: Callable[..., object]) -> str:
    return ", ".join(f"`{p}`" for p in inspect.signature(function).parameters) or "–"


def _sentence(owner: object) -> str:
    return " ".join((inspect.getdoc(owner) or "").split())


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def main() -> None:
    """Write every page whose code is there."""
    for page in sorted(PAGES.glob("*.md")):
        before = page.read_text("utf-8")
        if (after := rewritten(before)) != before:
            page.write_text(after, "utf-8")
            sys.stdout.write(f"wrote {page.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
