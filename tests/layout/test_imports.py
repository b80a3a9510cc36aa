"""Rules on imports that depend on which folders exist; the fixed ones stand in `pyproject.toml`."""

import ast

from tests.support.source import PLATFORM, Module, modules

PLUGIN_API = {"api", "context", "hookspecs", "manager"}
# Part of the house → packages from outside that it must not know.
FORBIDDEN = {
    "dacheng.runtime.storage": {"pluggy", "starlette", "jinja2", "uvicorn"},
    "dacheng.runtime.services": {"starlette", "jinja2", "uvicorn", "sqlite3", "psycopg"},
    "dacheng.runtime.web": {"sqlite3", "psycopg", "sqlalchemy", "pluggy"},
}


def imported(module: Module) -> set[str]:
    """The dotted names a module imports, with `from a import b` giving `a.b`."""
    names: set[str] = set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_each_part_knows_only_the_libraries_it_is_meant_to() -> None:
    wrong = [
        f"{module.place} imports {name}"
        for module in modules()
        for part, libraries in FORBIDDEN.items()
        if module.name == part or module.name.startswith(part + ".")
        for name in imported(module)
        if name.partition(".")[0] in libraries
    ]
    assert wrong == []


def test_built_in_plugins_import_metadata_and_the_plugin_api_only() -> None:
    built_in = {folder.parent.name for folder in (PLATFORM / "plugins").glob("*/__init__.py")}
    wrong: list[str] = []
    for module in modules():
        owner = [*module.name.split("."), "", "", ""][2]
        if not module.name.startswith("dacheng.plugins.") or owner not in built_in:
            continue
        allowed = {"dacheng.metadata", f"dacheng.plugins.{owner}"}
        allowed |= {f"dacheng.plugins.{name}" for name in PLUGIN_API}
        wrong += [
            f"{module.place} imports {name}"
            for name in imported(module)
            if name.startswith("dacheng.")
            and not name.startswith("dacheng.metadata.")
            and ".".join(name.split(".")[:3]) not in allowed
        ]
    assert wrong == []


def test_the_plugin_api_does_not_know_the_built_in_plugins() -> None:
    built_in = {folder.parent.name for folder in (PLATFORM / "plugins").glob("*/__init__.py")}
    wrong = [
        f"{module.place} imports {name}"
        for module in modules()
        if module.name.removeprefix("dacheng.plugins.") in PLUGIN_API
        for name in imported(module)
        if name.startswith("dacheng.plugins.") and name.split(".")[2] in built_in
    ]
    assert wrong == []
