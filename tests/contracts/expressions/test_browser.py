"""The corpus in a real browser, and the browser evaluator's own walls."""

from __future__ import annotations

import base64
import json
import subprocess
from typing import Any

import pytest

from tests.contracts.expressions.backends import RUNNER, SCRIPT, browser_cases
from tests.contracts.expressions.test_corpus import CASES
from tests.support.browser import Chromium


@pytest.mark.browser
def test_the_corpus_holds_in_a_real_browser(chromium: Chromium) -> None:
    page, _ = chromium.open("about:blank")
    source = base64.b64encode(SCRIPT.read_bytes()).decode()
    found = page.evaluate(
        "async ([source, cases]) => (await import('data:text/javascript;base64,' + source)).evaluateAll(cases)",
        [source, browser_cases([case for _, case, _ in CASES])],
    )
    wrong = [name for (name, _, expected), value in zip(CASES, found, strict=True) if value != expected]
    assert wrong == []


@pytest.mark.parametrize(
    "node",
    [
        {"constructor": ["x"]},
        {"__proto__": 1, "toString": []},
        {"toString": []},
        {"hasOwnProperty": ["t1"]},
        {"constructor": [{"constructor": ["return process"]}]},
    ],
)
def test_inherited_names_are_no_operators(node: Any, engine: str) -> None:
    done = _run([{"node": node, "record": {}, "env": {}}], engine)
    assert done.returncode != 0
    assert b"unknown operator" in done.stderr


def test_inherited_properties_are_no_variables(engine: str) -> None:
    names = [
        "constructor",
        "__proto__",
        "toString",
        "owner.constructor",
        "owner.__proto__",
        "$user.constructor",
    ]
    types = dict.fromkeys([*names, "owner"], "text")
    cases = [
        {"node": {"var": name}, "record": {"owner": {}}, "env": {"types": types, "context": {"$user": {}}}}
        for name in names
    ]
    cases += [{"node": {"var": "constructor"}, "record": {}, "env": {"types": {}}}]
    done = _run(cases, engine)
    assert json.loads(done.stdout) == [None] * len(cases)


def test_the_script_compiles_nothing() -> None:
    source = SCRIPT.read_text(encoding="utf-8")
    assert "eval(" not in source
    assert "Function(" not in source


def _run(cases: list[dict[str, Any]], engine: str) -> subprocess.CompletedProcess[bytes]:
    command = [engine, "--input-type=module", "-e", RUNNER, str(SCRIPT)]
    return subprocess.run(command, input=json.dumps(cases).encode(), capture_output=True, check=False)
