"""Random expressions on random records: four evaluators, one answer."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Any

import pytest

from dacheng.metadata.expression import BOOLEAN, Expression
from dacheng.metadata.problem import Refused
from tests.contracts.expressions.backends import Case, Database, checked, in_javascript, in_python
from tests.contracts.expressions.deal import Surroundings, dumps
from tests.contracts.expressions.generate import Maker, record, surroundings

BATCH = 150
RECORDS = 8
SEEDS = range(200 if os.environ.get("DACHENG_SOAK") else 8)
HARMLESS = {"expression.overflow", "expression.too_costly", "expression.too_long", "expression.too_deep"}


@dataclass(frozen=True)
class Batch:
    """Generated expressions, records and surroundings, and what Python makes of them."""

    sources: Sequence[Any]
    expressions: Sequence[Expression]
    records: Sequence[dict[str, Any]]
    surroundings: Surroundings

    def cases(self) -> list[Case]:
        """Every expression on every record."""
        return [Case(each, entry, self.surroundings) for each in self.expressions for entry in self.records]

    def expected(self) -> dict[tuple[int, int], Any]:
        """Python's value by (expression, record)."""
        return dict(zip(self.keys(), in_python(self.cases()), strict=True))

    def keys(self) -> list[tuple[int, int]]:
        """(expression, record) in the order of `cases`."""
        return [
            (number, position)
            for number in range(len(self.expressions))
            for position in range(len(self.records))
        ]

    def differences(self, found: dict[tuple[int, int], Any]) -> list[str]:
        """Where a back end says something else, shortest expression first."""
        wrong = [
            (number, position, value, found.get((number, position)))
            for (number, position), value in self.expected().items()
            if found.get((number, position)) != value
        ]
        lines = [
            f"{dumps(self.sources[number])} on {dumps(self.records[position])} in {self.surroundings}: "
            f"{other!r}, Python says {value!r}"
            for number, position, value, other in wrong
        ]
        return sorted(lines, key=len)[:3]


@lru_cache(maxsize=4)
def _batch(seed: int) -> Batch:
    random = Random(seed)
    maker = Maker(random)
    sources: list[Any] = []
    expressions: list[Expression] = []
    while len(expressions) < BATCH:
        source = maker.expression(random.randrange(1, 5))
        try:
            expressions.append(checked(source))
        except Refused as refused:
            if not _harmless(source, refused):
                raise
            continue
        sources.append(source)
    return Batch(sources, expressions, [record(random) for _ in range(RECORDS)], surroundings(random))


def _harmless(source: Any, refused: Refused) -> bool:
    """An operator on nothing but nulls takes its first overload, which may not be the type drawn."""
    allowed = (
        HARMLESS | {"expression.operand_type", "expression.mixed_list"}
        if "null" in dumps(source)
        else HARMLESS
    )
    return {problem.code for problem in refused.problems} <= allowed


@pytest.mark.parametrize("name", ["sqlite", "postgresql"])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_database_agrees_with_python(name: str, seed: int, request: pytest.FixtureRequest) -> None:
    database: Database = request.getfixturevalue(name)
    batch = _batch(seed)
    database.load(batch.records)
    values, holding, not_holding = database.run_all(batch.expressions, batch.surroundings.python())
    assert batch.differences(values) == []
    truths = {
        (number, position): value is True
        for (number, position), value in batch.expected().items()
        if batch.expressions[number].type == BOOLEAN
    }
    assert {key for key, truth in truths.items() if truth} == holding
    assert {key for key, truth in truths.items() if not truth} == not_holding


@pytest.mark.parametrize("seed", SEEDS)
def test_the_browser_evaluator_agrees_with_python(seed: int, engine: str) -> None:
    batch = _batch(seed)
    found = in_javascript(batch.cases(), engine)
    assert batch.differences(dict(zip(batch.keys(), found, strict=True))) == []
