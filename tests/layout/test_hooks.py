"""Every hook is tested by name."""

import inspect
import re

from dacheng.plugins import hookspecs
from tests.support.source import ROOT

TEST = re.compile(r"^def (test_\w+)\(", re.MULTILINE)


def hooks() -> list[str]:
    functions = inspect.getmembers(hookspecs, inspect.isfunction)
    return [name for name, function in functions if function.__module__ == hookspecs.__name__]


def test_every_hook_is_named_by_a_test_of_its_own() -> None:
    folder = ROOT / "tests" / "plugins"
    tests = [name for path in folder.glob("test_*.py") for name in TEST.findall(path.read_text("utf-8"))]
    assert hooks()
    assert [hook for hook in hooks() if not any(f"test_{hook}_" in name for name in tests)] == []
