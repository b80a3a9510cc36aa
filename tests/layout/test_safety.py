"""Shapes of code that this house does not allow, each found by its form."""

import ast
import re
from pathlib import Path

from tests.support.source import PLATFORM, Module, built_text, modules

SQL_TEXT = {"text", "literal_column", "exec_driver_sql", "execute", "executemany", "executescript"}
# Text of the product's own making where the database takes no bound values: (module, call).
UNBINDABLE = {
    ("platform/runtime/storage/connections.py", "execute"),  # PRAGMA, from a constant tuple
    ("platform/runtime/storage/expression_sql/compiler.py", "literal_column"),  # a power of ten
    ("platform/runtime/storage/postgres_functions.py", "exec_driver_sql"),  # CREATE FUNCTION
}
# Modules that may make Markup: each escapes what it joins.
MARKUP_MODULES = {"platform/runtime/web/markup.py"}
# (module, what it imports inside a function): heavy parts that most commands never need.
LAZY_LOADERS = {
    ("platform/runtime/cli/serve.py", "uvicorn"),
    ("platform/runtime/cli/serve.py", "dacheng.runtime.web.app"),
    ("platform/runtime/services/pictures.py", "PIL"),
}
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b|raise NotImplementedError")
EXECUTORS = {"eval", "exec", "compile", "__import__"}
INLINE = re.compile(
    r"<script(?![^>]*\b(src=|type=\"application/json\"))|<style\b|\sstyle=|\son[a-z]+=", re.IGNORECASE
)


def places(found: list[tuple[Module, ast.AST]]) -> list[str]:
    return [f"{module.place}:{getattr(node, 'lineno', 0)}" for module, node in found]


def test_sql_text_is_never_put_together_from_parts() -> None:
    found: list[tuple[Module, ast.AST]] = [
        (module, call)
        for module in modules()
        for name, call in module.calls()
        if name in SQL_TEXT
        and (module.place, name) not in UNBINDABLE
        and call.args
        and built_text(call.args[0])
    ]
    assert places(found) == []


def test_markup_is_made_in_one_module_only() -> None:
    found: list[tuple[Module, ast.AST]] = [
        (module, call)
        for module in modules()
        for name, call in module.calls()
        if name == "Markup" and module.place not in MARKUP_MODULES
    ]
    assert places(found) == []


def test_no_text_is_run_as_code() -> None:
    found: list[tuple[Module, ast.AST]] = [
        (module, call)
        for module in modules()
        for _, call in module.calls()
        if isinstance(call.func, ast.Name) and call.func.id in EXECUTORS
    ]
    assert places(found) == []


def test_no_template_is_made_from_a_string() -> None:
    found: list[tuple[Module, ast.AST]] = [
        (module, call)
        for module in modules()
        for name, call in module.calls()
        if name in {"from_string", "Template"}
    ]
    assert places(found) == []


def test_imports_stand_at_the_top_except_named_lazy_loaders() -> None:
    found = [
        f"{module.place}:{node.lineno}"
        for module in modules()
        for function in module.functions()
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom) and not lazy(module, node)
    ]
    assert found == []


def lazy(module: Module, node: ast.Import | ast.ImportFrom) -> bool:
    names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
    return all((module.place, name) in LAZY_LOADERS for name in names)


def test_no_module_is_a_catch_all_or_unfinished() -> None:
    catch_all = {"utils", "util", "helpers", "misc", "common"}
    assert [m.place for m in modules() if catch_all & set(m.name.split("."))] == []
    assert [m.place for m in modules() if UNFINISHED.search(m.text)] == []


def test_templates_hold_no_inline_script_style_or_handler() -> None:
    found = {
        f"{path.relative_to(PLATFORM)}: {match.group().strip()}"
        for path in template_files()
        for match in INLINE.finditer(path.read_text("utf-8"))
    }
    assert found == set()


def test_templates_never_mark_text_as_safe() -> None:
    unsafe = re.compile(r"\|\s*safe\b|\{%-?\s*autoescape\s+false")
    assert [p.name for p in template_files() if unsafe.search(p.read_text("utf-8"))] == []


def template_files() -> list[Path]:
    return sorted(PLATFORM.rglob("templates/**/*.html"))
