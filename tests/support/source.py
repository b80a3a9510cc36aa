"""The source tree as data, for tests that hold it to the rules of the house."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PLATFORM = ROOT / "platform"
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One Python file of the product, parsed."""

    path: Path
    text: str
    tree: ast.Module

    @property
    def place(self) -> str:
        """The path from the root of the repository, as people write it."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def name(self) -> str:
        """The import name below `dacheng`."""
        parts = self.path.relative_to(PLATFORM).with_suffix("").parts
        return ".".join(("dacheng", *(part for part in parts if part != "__init__")))

    def functions(self) -> Iterator[Function]:
        """Every function and method, also nested ones."""
        for node in ast.walk(self.tree):
            if isinstance(node, Function):
                yield node

    def calls(self) -> Iterator[tuple[str, ast.Call]]:
        """Every call with the last part of the name called: `a.b.c(…)` gives `c`."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                yield called_name(node), node


def called_name(call: ast.Call) -> str:
    """The last part of what is called; empty for a computed callee."""
    callee = call.func
    if isinstance(callee, ast.Attribute):
        return callee.attr
    return callee.id if isinstance(callee, ast.Name) else ""


@cache
def modules() -> tuple[Module, ...]:
    """Every module below `platform/`, in order of path."""
    return tuple(
        Module(path, text := path.read_text("utf-8"), ast.parse(text, str(path)))
        for path in sorted(PLATFORM.rglob("*.py"))
        if "vendor" not in path.parts
    )


def built_text(node: ast.expr | None) -> bool:
    """Whether an expression makes text from parts: f-string with places, `+`, `%`, `.format`."""
    if isinstance(node, ast.JoinedStr):
        return any(isinstance(part, ast.FormattedValue) for part in node.values)
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Add | ast.Mod)
    return isinstance(node, ast.Call) and called_name(node) in {"format", "format_map", "join"}
