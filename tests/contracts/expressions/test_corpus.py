"""The corpus: every case, as written and with its constants moved into fields, on all four evaluators."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dacheng.metadata.expression import OPERATORS, Call
from dacheng.metadata.expression.ast import walk
from tests.contracts.expressions.backends import (
    Case,
    Database,
    checked,
    in_javascript,
    in_python,
)
from tests.contracts.expressions.deal import Surroundings, dumps
from tests.contracts.expressions.lift import lifted

CORPUS = Path(__file__).parent / "corpus"


def _cases() -> list[tuple[str, Case, Any]]:
    found = []
    for file in sorted(CORPUS.glob("*.json")):
        for number, (expression, expected, *rest) in enumerate(json.loads(file.read_text(encoding="utf-8"))):
            record = rest[0] if rest else {}
            surroundings = Surroundings(**(rest[1] if len(rest) > 1 else {}))
            name = f"{file.stem}[{number}] {dumps(expression)} {dumps(record)}"
            found.append((name, Case(checked(expression), record, surroundings), expected))
            moved, filled = lifted(expression, record)
            if moved != expression:
                lifted_case = Case(checked(moved), filled, surroundings)
                found.append((f"{name} as fields", lifted_case, expected))
    return found


CASES = _cases()


def _wrong(results: list[Any]) -> list[str]:
    return [
        f"{name}: {result!r}, not {expected!r}"
        for (name, _case, expected), result in zip(CASES, results, strict=True)
        if _differs(result, expected)
    ]


def _differs(result: Any, expected: Any) -> bool:
    return result != expected or isinstance(result, bool) != isinstance(expected, bool)


def test_the_corpus_is_large_and_covers_every_operator() -> None:
    nodes = (node for _, case, _ in CASES for node in walk(case.expression.node))
    used = {node.operator for node in nodes if isinstance(node, Call)}
    assert len(CASES) > 600
    assert used >= set(OPERATORS)


def test_python_gives_the_expected_values() -> None:
    assert _wrong(in_python([case for _, case, _ in CASES])) == []


@pytest.mark.parametrize("name", ["sqlite", "postgresql"])
def test_the_database_gives_the_expected_values(name: str, request: pytest.FixtureRequest) -> None:
    database: Database = request.getfixturevalue(name)
    database.load([case.record for _, case, _ in CASES])
    runs = [
        (case.expression, position, case.surroundings.python()) for position, (_, case, _) in enumerate(CASES)
    ]
    assert _wrong(database.run(runs)) == []


def test_the_browser_evaluator_gives_the_expected_values(engine: str) -> None:
    assert _wrong(in_javascript([case for _, case, _ in CASES], engine)) == []
